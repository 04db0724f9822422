// SPDX-License-Identifier: GPL-2.0-or-later
//! Memory for frames: aligned buffers that are used again.

use crate::clock::Stopwatch;
use crate::frame::{HostMemory, HostMemoryMut, PlaneLayout, PlanesMut};
use crate::{Error, ErrorKind, FrameMut, FrameSpec, Result};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Rows start at multiples of this many bytes.
pub const ALIGNMENT: usize = 64;
/// Buffers unused for this long go back to the system.
const KEEP: Duration = Duration::from_secs(5);

/// A pool of frame buffers. Buffers return to it when the last frame that uses them is dropped, and to the
/// system when they were not needed for five seconds. It fails with an error, never aborts, at its limit.
#[derive(Clone)]
pub struct FramePool(Arc<Mutex<State>>);

struct State {
    free: HashMap<usize, Vec<(Block, Stopwatch)>>,
    held: usize,
    limit: usize,
}

/// One cache line; a vector of them is an aligned buffer without unsafe allocation.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; ALIGNMENT]);

type Block = Box<[Line]>;

impl FramePool {
    /// The limit of a new pool: 1 GB.
    pub const DEFAULT_LIMIT: usize = 1 << 30;

    /// A pool of its own that hands out at most `limit` bytes at a time.
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Mutex::new(State { free: HashMap::new(), held: 0, limit })))
    }

    /// The pool of this process.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<FramePool> = OnceLock::new();
        SHARED.get_or_init(|| Self::new(Self::DEFAULT_LIMIT))
    }

    /// Changes how many bytes may be handed out at a time.
    pub fn set_limit(&self, bytes: usize) {
        self.0.lock().limit = bytes;
    }

    /// Bytes in frames now alive, and bytes kept ready.
    pub fn usage(&self) -> (usize, usize) {
        let state = self.0.lock();
        (state.held, state.free.iter().map(|(lines, list)| lines * ALIGNMENT * list.len()).sum())
    }

    /// A writable frame of `spec`; its bytes are whatever was there before.
    pub fn frame(&self, spec: FrameSpec) -> Result<FrameMut> {
        let mut layout = Vec::with_capacity(spec.format.planes());
        let mut offset = 0;
        for plane in 0..spec.format.planes() {
            let (width, rows) = spec.format.plane_extent(spec.size, plane);
            let stride = width.next_multiple_of(ALIGNMENT);
            layout.push((offset, PlaneLayout { stride, rows }));
            offset += stride * rows;
        }
        let memory = Box::new(PoolMemory { block: Some(self.take(offset)?), layout, pool: self.clone() });
        FrameMut::new(spec, memory)
    }

    fn take(&self, bytes: usize) -> Result<Block> {
        let lines = bytes.div_ceil(ALIGNMENT).max(1);
        let mut state = self.0.lock();
        state.free.values_mut().for_each(|list| list.retain(|(_, idle)| idle.elapsed() < KEEP));
        state.free.retain(|_, list| !list.is_empty());
        if state.held + lines * ALIGNMENT > state.limit {
            return Err(Error::new(
                ErrorKind::Memory,
                format!("frames hold {} MB, the limit is {} MB", state.held >> 20, state.limit >> 20),
            )
            .with_hint("hold fewer frames at a time or raise the limit"));
        }
        state.held += lines * ALIGNMENT;
        if let Some((block, _)) = state.free.get_mut(&lines).and_then(Vec::pop) {
            return Ok(block);
        }
        drop(state);
        Ok(vec![Line([0; ALIGNMENT]); lines].into_boxed_slice())
    }

    fn give_back(&self, block: Block) {
        let lines = block.len();
        let mut state = self.0.lock();
        state.held -= lines * ALIGNMENT;
        state.free.entry(lines).or_default().push((block, Stopwatch::start()));
    }
}

struct PoolMemory {
    block: Option<Block>,
    layout: Vec<(usize, PlaneLayout)>,
    pool: FramePool,
}

impl HostMemory for PoolMemory {
    fn layout(&self, plane: usize) -> PlaneLayout {
        self.layout[plane].1
    }

    #[allow(unsafe_code)]
    fn plane(&self, plane: usize) -> &[u8] {
        let (offset, layout) = self.layout[plane];
        let block = self.block.as_deref().unwrap_or_default();
        // SAFETY: a slice of `Line`s (64 plain bytes each, no padding) is a slice of 64 times as many bytes.
        let bytes =
            unsafe { std::slice::from_raw_parts(block.as_ptr().cast::<u8>(), std::mem::size_of_val(block)) };
        &bytes[offset..offset + layout.stride * layout.rows]
    }
}

impl HostMemoryMut for PoolMemory {
    #[allow(unsafe_code)]
    fn plane_mut(&mut self, plane: usize) -> &mut [u8] {
        let (offset, layout) = self.layout[plane];
        let block = self.block.as_deref_mut().unwrap_or_default();
        let len = std::mem::size_of_val(block);
        // SAFETY: as in `plane`, and the exclusive borrow of `self` is passed on.
        let bytes = unsafe { std::slice::from_raw_parts_mut(block.as_mut_ptr().cast::<u8>(), len) };
        &mut bytes[offset..offset + layout.stride * layout.rows]
    }

    fn planes_mut(&mut self) -> PlanesMut<'_> {
        #[allow(unsafe_code)]
        fn bytes_of(block: &mut [Line]) -> &mut [u8] {
            let len = std::mem::size_of_val(block);
            // SAFETY: as in `plane_mut`.
            unsafe { std::slice::from_raw_parts_mut(block.as_mut_ptr().cast::<u8>(), len) }
        }
        let mut rest = bytes_of(self.block.as_deref_mut().unwrap_or_default());
        let mut planes = PlanesMut::new();
        for (_, layout) in &self.layout {
            let (plane, tail) = rest.split_at_mut(layout.stride * layout.rows);
            planes.push(plane);
            rest = tail;
        }
        planes
    }

    fn may_be_reclaimed(&self) -> bool {
        true
    }
}

impl Drop for PoolMemory {
    fn drop(&mut self) {
        if let Some(block) = self.block.take() {
            self.pool.give_back(block);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PixelFormat, Size};

    #[test]
    fn buffers_are_used_again_and_the_limit_is_an_error() {
        let pool = FramePool::new(100_000);
        let spec = FrameSpec::of(PixelFormat::Bgra, Size::new(100, 100));
        let frame = pool.frame(spec).unwrap();
        assert!(pool.usage().0 >= 40_000);
        let address = frame.plane(0).data.as_ptr();
        let second = pool.frame(spec).unwrap();
        assert_eq!(pool.frame(spec).err().map(|e| e.kind()), Some(ErrorKind::Memory));
        drop(frame);
        assert_eq!(pool.frame(spec).unwrap().plane(0).data.as_ptr(), address);
        drop(second);
        assert_eq!(pool.usage().0, 0);
    }
}

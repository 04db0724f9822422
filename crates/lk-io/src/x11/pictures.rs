// SPDX-License-Identifier: GPL-2.0-or-later
//! Frames in memory shared with the X server: it reads or writes them in place.

use super::segment::{Segment, detach};
use lk_media::frame::{HostMemory, HostMemoryMut, PlaneLayout};
use lk_media::{Result, Size};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use x11rb::protocol::shm;
use x11rb::rust_connection::RustConnection;

/// Bytes of a pixel.
pub(crate) const BYTES: usize = 4;

/// Shared pictures of one size at a time. What frames give back is used again; what has another size by then goes.
#[derive(Default)]
pub(crate) struct Pictures {
    free: Mutex<Vec<(Size, shm::Seg, Segment)>>,
    out: AtomicUsize,
}

impl Pictures {
    /// Memory for a picture of `size`; what it shows is what was there before.
    pub fn take(self: &Arc<Self>, conn: &RustConnection, size: Size) -> Result<Memory> {
        let mut free = self.free.lock();
        let old = free.extract_if(.., |(s, ..)| *s != size).map(|(_, id, _)| id).collect::<Vec<_>>();
        let again = free.pop();
        drop(free);
        old.into_iter().for_each(|id| detach(conn, id));
        let (id, segment) = match again {
            Some((_, id, segment)) => (id, segment),
            None => {
                let segment = Segment::new(size.area() * BYTES)?;
                (segment.attach(conn)?, segment)
            }
        };
        self.out.fetch_add(1, Ordering::Relaxed);
        Ok(Memory { id, size, segment: Some(segment), home: self.clone() })
    }

    /// How many are in use.
    pub fn out(&self) -> usize {
        self.out.load(Ordering::Relaxed)
    }

    /// Whether some lie around unused.
    pub fn has_spare(&self) -> bool {
        !self.free.lock().is_empty()
    }

    /// Gives those back that nobody uses.
    pub fn shrink(&self, conn: &RustConnection) {
        let free = std::mem::take(&mut *self.free.lock());
        free.iter().for_each(|(_, id, _)| detach(conn, *id));
    }
}

/// One picture: 4 bytes a pixel, rows without padding.
pub(crate) struct Memory {
    pub id: shm::Seg,
    size: Size,
    segment: Option<Segment>,
    home: Arc<Pictures>,
}

impl HostMemory for Memory {
    fn layout(&self, _plane: usize) -> PlaneLayout {
        PlaneLayout { stride: self.size.width as usize * BYTES, rows: self.size.height as usize }
    }

    fn plane(&self, _plane: usize) -> &[u8] {
        self.segment.as_ref().map_or(&[], Segment::bytes)
    }
}

impl HostMemoryMut for Memory {
    fn plane_mut(&mut self, _plane: usize) -> &mut [u8] {
        self.segment.as_mut().map_or(&mut [], Segment::bytes_mut)
    }

    fn planes_mut(&mut self) -> Vec<&mut [u8]> {
        vec![self.plane_mut(0)]
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if let Some(segment) = self.segment.take() {
            self.home.free.lock().push((self.size, self.id, segment));
            self.home.out.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

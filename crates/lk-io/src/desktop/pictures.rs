// SPDX-License-Identifier: GPL-2.0-or-later
//! Frames in memory shared with a display: it reads or writes them in place.

use super::segment::Segment;
use lk_media::frame::{HostMemory, HostMemoryMut, PlaneLayout, PlanesMut};
use lk_media::{Result, Size};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of a pixel, where nothing else is said.
pub(crate) const BYTES: usize = 4;

/// How a display is told of memory.
pub(crate) trait Share {
    /// What it knows the memory by.
    type Id: Send + Sync + 'static;

    /// Hands memory over.
    fn share(&self, shape: Shape, segment: &Segment) -> Result<Self::Id>;

    /// Takes it back; a display that is gone has let go of it.
    fn unshare(&self, id: Self::Id);
}

/// How a picture lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub size: Size,
    /// Bytes from a row to the next.
    pub stride: usize,
    /// The display's number for how a pixel is written.
    pub format: u32,
}

impl Shape {
    /// Rows without padding, 4 bytes a pixel.
    pub fn packed(size: Size) -> Self {
        Self { size, stride: size.width as usize * BYTES, format: 0 }
    }
}

/// Shared pictures of one shape at a time. What frames give back is used again; what has another shape by then goes.
pub(crate) struct Pictures<S: Share> {
    free: Mutex<Vec<(Shape, Shared<S>)>>,
    out: AtomicUsize,
}

type Shared<S> = (<S as Share>::Id, Segment);

impl<S: Share> Default for Pictures<S> {
    fn default() -> Self {
        Self { free: Mutex::default(), out: AtomicUsize::new(0) }
    }
}

impl<S: Share> Pictures<S> {
    /// Memory for a picture; what it shows is what was there before.
    pub fn take(self: &Arc<Self>, display: &S, shape: Shape) -> Result<Memory<S>> {
        let mut free = self.free.lock();
        let old = free.extract_if(.., |(s, _)| *s != shape).collect::<Vec<_>>();
        let again = free.pop();
        drop(free);
        old.into_iter().for_each(|(_, (id, _))| display.unshare(id));
        let shared = match again {
            Some((_, shared)) => shared,
            None => {
                let segment = Segment::new(shape.stride * shape.size.height as usize)?;
                (display.share(shape, &segment)?, segment)
            }
        };
        self.out.fetch_add(1, Ordering::Relaxed);
        let rows = shape.size.height as usize;
        Ok(Memory { shape, first: 0, rows, shared: Some(shared), home: self.clone() })
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
    pub fn shrink(&self, display: &S) {
        let free = std::mem::take(&mut *self.free.lock());
        free.into_iter().for_each(|(_, (id, _))| display.unshare(id));
    }
}

/// One picture, or a rectangle of it.
pub(crate) struct Memory<S: Share> {
    shape: Shape,
    /// Where its first row begins.
    first: usize,
    rows: usize,
    shared: Option<Shared<S>>,
    home: Arc<Pictures<S>>,
}

impl<S: Share> Memory<S> {
    /// What the display knows it by.
    pub fn id(&self) -> Option<&S::Id> {
        self.shared.as_ref().map(|(id, _)| id)
    }

    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Shows the rectangle alone whose first byte is at `x` of row `y`; it must lie in the picture.
    pub fn cut(&mut self, x: usize, y: usize, rows: usize) {
        (self.first, self.rows) = (y * self.shape.stride + x, rows);
    }
}

impl<S: Share + 'static> HostMemory for Memory<S> {
    fn layout(&self, _plane: usize) -> PlaneLayout {
        PlaneLayout { stride: self.shape.stride, rows: self.rows }
    }

    fn plane(&self, _plane: usize) -> &[u8] {
        self.shared.as_ref().map_or(&[], |(_, segment)| segment.bytes().get(self.first..).unwrap_or_default())
    }
}

impl<S: Share + 'static> HostMemoryMut for Memory<S> {
    fn plane_mut(&mut self, _plane: usize) -> &mut [u8] {
        let first = self.first;
        self.shared
            .as_mut()
            .map_or(&mut [], |(_, segment)| segment.bytes_mut().get_mut(first..).unwrap_or_default())
    }

    fn planes_mut(&mut self) -> PlanesMut<'_> {
        PlanesMut::from_iter([self.plane_mut(0)])
    }
}

impl<S: Share> Drop for Memory<S> {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.take() {
            self.home.free.lock().push((self.shape, shared));
            self.home.out.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

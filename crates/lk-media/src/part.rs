// SPDX-License-Identifier: GPL-2.0-or-later
//! Pictures that several threads write at the same time, each its own pixels.

use crate::frame::Picture;
use crate::{FrameMut, FrameSpec, HostMemoryMut, Size};
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::marker::PhantomData;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;

/// A picture being written part by part: who holds a [`FramePart`] has its pixels to itself.
pub struct SharedFrameMut {
    spec: FrameSpec,
    home: Option<Arc<Picture>>,
    /// Out of its box, and not used but through `planes` until it is put back.
    memory: NonNull<dyn HostMemoryMut>,
    planes: SmallVec<[PlaneBytes; 3]>,
    /// The parts that are held.
    held: Mutex<SmallVec<[Pixels; 32]>>,
}

/// Columns and rows.
type Pixels = (Range<usize>, Range<usize>);

/// Where a plane lies.
struct PlaneBytes {
    bytes: NonNull<[u8]>,
    stride: usize,
}

// SAFETY: the memory may be sent and shared, as it must, and no two threads are given the same bytes of it.
#[allow(unsafe_code)]
unsafe impl Send for SharedFrameMut {}
// SAFETY: as for `Send`.
#[allow(unsafe_code)]
unsafe impl Sync for SharedFrameMut {}

impl SharedFrameMut {
    /// A picture of which no part is held.
    pub fn new(frame: FrameMut) -> Self {
        let FrameMut { spec, memory, home } = frame;
        let strides = (0..spec.format.planes()).map(|plane| memory.layout(plane).stride);
        let strides: SmallVec<[usize; 3]> = strides.collect();
        let mut memory = NonNull::from(Box::leak(memory));
        // SAFETY: nobody else knows of the memory that has just left its box.
        #[allow(unsafe_code)]
        let planes = unsafe { memory.as_mut() }.planes_mut();
        let planes = planes.into_iter().zip(strides);
        let planes = planes.map(|(bytes, stride)| PlaneBytes { bytes: bytes.into(), stride }).collect();
        Self { spec, home, memory, planes, held: Mutex::default() }
    }

    /// What the picture will be.
    pub fn spec(&self) -> FrameSpec {
        self.spec
    }

    /// The pixels in columns `x` of rows `y`, whole chroma samples, to be written.
    ///
    /// # Panics
    /// If there are none, or some of them are held already or not in the picture.
    pub fn part(&self, x: Range<usize>, y: Range<usize>) -> FramePart<'_> {
        let (across, down) = self.spec.format.chroma_step();
        let Size { width, height } = self.spec.size;
        let whole = |range: Range<usize>, step: u32, len: u32| {
            let (step, len) = (step as usize, len as usize);
            assert!(range.start < range.end && range.end <= len, "pixels of the picture");
            range.start / step * step..range.end.next_multiple_of(step).min(len)
        };
        let pixels = (whole(x, across, width), whole(y, down, height));
        let mut held = self.held.lock();
        let touch = |a: &Range<usize>, b: &Range<usize>| a.start < b.end && b.start < a.end;
        let taken = held.iter().any(|other| touch(&other.0, &pixels.0) && touch(&other.1, &pixels.1));
        assert!(!taken, "two parts of a picture have pixels in common");
        held.push(pixels.clone());
        FramePart { frame: self, pixels }
    }

    /// The picture, with what was written in all its parts.
    pub fn into_inner(mut self) -> FrameMut {
        FrameMut { spec: self.spec, home: self.home.take(), memory: self.take_memory() }
    }

    fn take_memory(&mut self) -> Box<dyn HostMemoryMut> {
        self.planes.clear();
        // the box that is left has no bytes, so nothing is allocated for it
        let memory = std::mem::replace(&mut self.memory, NonNull::from(Box::leak(crate::frame::no_memory())));
        // SAFETY: it came out of a box, and nothing refers to it any more: parts would borrow `self`, and `planes` is empty.
        #[allow(unsafe_code)]
        unsafe {
            Box::from_raw(memory.as_ptr())
        }
    }
}

impl Drop for SharedFrameMut {
    fn drop(&mut self) {
        drop(self.take_memory());
    }
}

/// Pixels of a [`SharedFrameMut`] that nobody else writes or reads.
pub struct FramePart<'a> {
    frame: &'a SharedFrameMut,
    pixels: Pixels,
}

impl FramePart<'_> {
    /// What the picture will be.
    pub fn spec(&self) -> FrameSpec {
        self.frame.spec
    }

    /// What the part has of plane `index`.
    pub fn plane_mut(&mut self, index: usize) -> PlanePart<'_> {
        let PlaneBytes { bytes, stride } = self.frame.planes[index];
        let (x, y) = &self.pixels;
        let format = self.frame.spec.format;
        // a corner of whole chroma samples is where the plane of a picture of that size ends
        let corner = |x: usize, y: usize| format.plane_extent(Size::new(x as u32, y as u32), index);
        let ((left, top), (right, bottom)) = (corner(x.start, y.start), corner(x.end, y.end));
        let end = (bottom - 1).saturating_mul(stride).saturating_add(right);
        assert!(right <= stride && end <= bytes.len(), "as it was when the memory was checked");
        // SAFETY: as was just seen this is a byte of the plane.
        #[allow(unsafe_code)]
        let first = unsafe { bytes.cast::<u8>().add(top * stride + left) };
        PlanePart { first, stride, width: right - left, rows: bottom - top, bytes: PhantomData }
    }
}

impl Drop for FramePart<'_> {
    fn drop(&mut self) {
        let mut held = self.frame.held.lock();
        if let Some(own) = held.iter().position(|held| *held == self.pixels) {
            held.swap_remove(own);
        }
    }
}

/// Some columns of some rows of a plane, written. What lies between them belongs to others.
pub struct PlanePart<'a> {
    first: NonNull<u8>,
    stride: usize,
    width: usize,
    rows: usize,
    bytes: PhantomData<&'a mut [u8]>,
}

impl<'a> PlanePart<'a> {
    /// All of a plane of rows `width` bytes long without gaps.
    pub fn whole(plane: &'a mut [u8], width: usize) -> Self {
        let rows = plane.len().checked_div(width).unwrap_or(0);
        Self { first: NonNull::from(plane).cast(), stride: width, width, rows, bytes: PhantomData }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of bytes of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Row `i` of the part.
    #[inline]
    pub fn row_mut(&mut self, i: usize) -> &mut [u8] {
        assert!(i < self.rows, "a row of the part");
        // SAFETY: rows from the first on lie `stride` apart within the plane and do not reach into one another, and the
        // bytes of this part are nobody else's while `self` is borrowed.
        #[allow(unsafe_code)]
        unsafe {
            std::slice::from_raw_parts_mut(self.first.add(i * self.stride).as_ptr(), self.width)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{PlaneLayout, PlanesMut};
    use crate::{FramePool, HostMemory, PixelFormat, Timestamp};
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Every part is written by a thread of its own, all at the same time.
    #[test]
    fn parts_fill_a_picture() {
        for format in PixelFormat::ALL {
            let spec = FrameSpec::of(format, Size::new(70, 50));
            let shared = SharedFrameMut::new(FramePool::shared().frame(spec).unwrap());
            let columns = [0..2, 2..36, 36..70];
            std::thread::scope(|scope| {
                for (number, (x, y)) in
                    columns.iter().flat_map(|x| [0..24, 24..26, 26..50].map(|y| (x.clone(), y))).enumerate()
                {
                    let shared = &shared;
                    scope.spawn(move || {
                        let mut part = shared.part(x, y);
                        for plane in 0..format.planes() {
                            let mut plane = part.plane_mut(plane);
                            (0..plane.rows()).for_each(|i| plane.row_mut(i).fill(1 + number as u8));
                        }
                    });
                }
            });
            let frame = shared.into_inner().publish(Timestamp::ZERO);
            let map = frame.map_native();
            for index in 0..format.planes() {
                let plane = map.plane(index);
                let bytes_of = |pixels: usize| format.plane_extent(Size::new(pixels as u32, 2), index).0;
                let rows_of = |pixels: usize| format.plane_extent(Size::new(2, pixels as u32), index).1;
                for y in 0..plane.rows {
                    let down = usize::from(y >= rows_of(24)) + usize::from(y >= rows_of(26));
                    for x in 0..plane.width {
                        let across = usize::from(x >= bytes_of(2)) + usize::from(x >= bytes_of(36));
                        assert_eq!(
                            usize::from(plane.row(y)[x]),
                            1 + 3 * across + down,
                            "{format} {index} {x} {y}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn no_pixel_is_held_twice() {
        let spec = FrameSpec::of(PixelFormat::I420, Size::new(8, 8));
        let shared = SharedFrameMut::new(FramePool::shared().frame(spec).unwrap());
        let refused = |x: Range<usize>, y: Range<usize>| {
            let attempt = std::panic::AssertUnwindSafe(|| drop(shared.part(x, y)));
            std::panic::catch_unwind(attempt).is_err()
        };
        let part = shared.part(0..3, 0..8);
        assert!(refused(2..4, 7..8));
        assert!(refused(3..8, 0..1), "the chroma sample of column 2 is that of column 3");
        assert!(!refused(4..8, 0..8));
        drop(part);
        assert!(!refused(2..4, 7..8));
        assert!(refused(4..9, 0..1) && refused(4..4, 0..1));
    }

    /// Memory is trusted with nothing: what it says of itself may be another thing the next time.
    #[test]
    fn memory_that_changes_its_mind_is_refused() {
        struct Changing(Vec<u8>, AtomicUsize);
        impl HostMemory for Changing {
            fn layout(&self, _: usize) -> PlaneLayout {
                let strides = [16, 15, usize::MAX];
                let asked = self.1.fetch_add(1, Ordering::Relaxed);
                PlaneLayout { stride: strides[asked.min(2)], rows: 4 }
            }
            fn plane(&self, _: usize) -> &[u8] {
                &self.0
            }
        }
        impl HostMemoryMut for Changing {
            fn plane_mut(&mut self, _: usize) -> &mut [u8] {
                &mut self.0
            }
            fn planes_mut(&mut self) -> PlanesMut<'_> {
                PlanesMut::from_iter([&mut self.0[..]])
            }
        }
        let spec = FrameSpec::of(PixelFormat::Bgra, Size::new(4, 4));
        for asked in [0, 1] {
            let memory = Changing(vec![0; 64], AtomicUsize::new(asked));
            // what was right when it was checked
            let frame = FrameMut { spec, memory: Box::new(memory), home: None };
            frame.memory.layout(0);
            let shared = SharedFrameMut::new(frame);
            let attempt = std::panic::AssertUnwindSafe(|| shared.part(0..4, 1..4).plane_mut(0).rows());
            assert!(std::panic::catch_unwind(attempt).is_err());
        }
    }

    #[test]
    fn memory_goes_back_where_it_came_from() {
        let pool = FramePool::new(1 << 20);
        let spec = FrameSpec::of(PixelFormat::Bgra, Size::new(16, 16));
        drop(SharedFrameMut::new(pool.frame(spec).unwrap()));
        assert_eq!(pool.usage().0, 0);
        let frame = SharedFrameMut::new(pool.frame(spec).unwrap()).into_inner().publish(Timestamp::ZERO);
        assert_eq!(pool.usage().0, 16 * 16 * 4);
        let again = SharedFrameMut::new(frame.try_reclaim().unwrap());
        assert_eq!(again.part(0..16, 0..16).plane_mut(0).row_mut(15).len(), 64);
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! Pictures. A [`Frame`] never changes once published and is shared by reference count; a [`FrameMut`] is
//! being written by its only owner.

use crate::{AlphaKind, ColorSpace, Error, FramePool, PixelFormat, Result, Size, Timestamp, convert, kernel};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// What a picture is, without its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FrameSpec {
    /// Columns and rows.
    pub size: Size,
    /// The layout of the bytes.
    pub format: PixelFormat,
    /// What the bytes of YUV mean; [`ColorSpace::RGB`] for RGB.
    pub color: ColorSpace,
    /// What alpha means; [`AlphaKind::Opaque`] for formats without.
    pub alpha: AlphaKind,
}

impl FrameSpec {
    /// The natural spec of a format: default colour space for the size, straight alpha where there is alpha.
    pub fn of(format: PixelFormat, size: Size) -> Self {
        let alpha = if format.has_alpha() { AlphaKind::Straight } else { AlphaKind::Opaque };
        Self { size, format, color: ColorSpace::default_for(format, size), alpha }
    }

    /// The same with another colour space (ignored for RGB formats).
    #[must_use]
    pub fn with_color(mut self, color: ColorSpace) -> Self {
        if self.format.is_yuv() {
            self.color = color;
        }
        self
    }

    /// The same with another kind of alpha (ignored for formats without).
    #[must_use]
    pub fn with_alpha(mut self, alpha: AlphaKind) -> Self {
        if self.format.has_alpha() {
            self.alpha = alpha;
        }
        self
    }
}

/// Tells pictures apart: equal identities are the same bytes, for as long as the process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameId(u64);

impl FrameId {
    fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Rows of a plane and the bytes from the start of one row to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaneLayout {
    /// Bytes from row to row, at least the row's own bytes.
    pub stride: usize,
    /// The number of rows.
    pub rows: usize,
}

/// Bytes of a picture in ordinary memory. A plane's slice may end with its last row's last pixel.
pub trait HostMemory: Send + Sync + 'static {
    /// The layout of a plane.
    fn layout(&self, plane: usize) -> PlaneLayout;
    /// The bytes of a plane, the first row first.
    fn plane(&self, plane: usize) -> &[u8];
}

/// The bytes of all planes of a picture.
pub type PlanesMut<'a> = SmallVec<[&'a mut [u8]; 3]>;

/// Memory that may be written until it is published.
pub trait HostMemoryMut: HostMemory {
    /// The bytes of a plane.
    fn plane_mut(&mut self, plane: usize) -> &mut [u8];
    /// The bytes of all planes at once.
    fn planes_mut(&mut self) -> PlanesMut<'_>;
    /// Whether the memory may be written again once nobody holds the frame made of it. Memory that others read by
    /// ways of their own (another process, a device) says no.
    fn may_be_reclaimed(&self) -> bool {
        false
    }
    /// The picture whose bytes the memory still holds, where that is known: who shows something like it next need
    /// only write what differs.
    fn shows(&self) -> Option<FrameId> {
        None
    }
}

/// One plane of a picture, read.
#[derive(Clone, Copy)]
pub struct Plane<'a> {
    /// The bytes; row y starts at `y * stride`.
    pub data: &'a [u8],
    /// Bytes from row to row.
    pub stride: usize,
    /// Bytes in a row that belong to the picture.
    pub width: usize,
    /// The number of rows.
    pub rows: usize,
}

impl<'a> Plane<'a> {
    /// The bytes of row `y` without padding.
    #[inline]
    pub fn row(&self, y: usize) -> &'a [u8] {
        &self.data[y * self.stride..y * self.stride + self.width]
    }
}

/// One plane of a picture, written.
pub struct PlaneMut<'a> {
    /// The bytes; row y starts at `y * stride`.
    pub data: &'a mut [u8],
    /// Bytes from row to row.
    pub stride: usize,
    /// Bytes in a row that belong to the picture.
    pub width: usize,
    /// The number of rows.
    pub rows: usize,
}

impl PlaneMut<'_> {
    /// The bytes of row `y` without padding.
    #[inline]
    pub fn row_mut(&mut self, y: usize) -> &mut [u8] {
        &mut self.data[y * self.stride..y * self.stride + self.width]
    }
}

/// The bytes of a published picture.
enum Memory {
    /// Never written by us.
    Fixed(Box<dyn HostMemory>),
    /// Written by us before it was published.
    Written(Box<dyn HostMemoryMut>),
    /// Being written again.
    Taken,
}

impl Memory {
    fn host(&self) -> &dyn HostMemory {
        match self {
            Self::Fixed(memory) => &**memory,
            Self::Written(memory) => &**memory,
            Self::Taken => &Nothing,
        }
    }
}

/// No bytes.
struct Nothing;

impl HostMemory for Nothing {
    fn layout(&self, _: usize) -> PlaneLayout {
        PlaneLayout { stride: 0, rows: 0 }
    }
    fn plane(&self, _: usize) -> &[u8] {
        &[]
    }
}

impl HostMemoryMut for Nothing {
    fn plane_mut(&mut self, _: usize) -> &mut [u8] {
        &mut []
    }
    fn planes_mut(&mut self) -> PlanesMut<'_> {
        PlanesMut::new()
    }
}

/// What stands for memory that is elsewhere; takes none itself.
pub(crate) fn no_memory() -> Box<dyn HostMemoryMut> {
    Box::new(Nothing)
}

pub(crate) struct Picture {
    id: FrameId,
    spec: FrameSpec,
    memory: Memory,
    conversions: Mutex<Vec<Frame>>,
    opaque: OnceLock<bool>,
}

impl Picture {
    fn new(spec: FrameSpec, memory: Memory) -> Self {
        Self { id: FrameId::unique(), spec, memory, conversions: Mutex::default(), opaque: OnceLock::new() }
    }
}

/// An immutable picture with the time it is due. Cloning shares the bytes.
#[derive(Clone)]
pub struct Frame {
    picture: Arc<Picture>,
    timestamp: Timestamp,
}

impl Frame {
    /// Publishes memory that nobody will write again. Fails if a plane is smaller than `spec` needs.
    pub fn from_memory(spec: FrameSpec, memory: Box<dyn HostMemory>, timestamp: Timestamp) -> Result<Self> {
        check_memory(&spec, &*memory)?;
        Ok(Self::of(spec, Memory::Fixed(memory), timestamp))
    }

    fn of(spec: FrameSpec, memory: Memory, timestamp: Timestamp) -> Self {
        Self { picture: Arc::new(Picture::new(spec, memory)), timestamp }
    }

    /// Copies tightly packed planes, one after the other, into a new frame.
    pub fn from_packed(spec: FrameSpec, bytes: &[u8], timestamp: Timestamp) -> Result<Self> {
        let needed = spec.format.packed_len(spec.size);
        if bytes.len() != needed {
            return Err(Error::format(format!(
                "{} bytes do not make a {} picture of {}: that takes {needed}",
                bytes.len(),
                spec.format,
                spec.size
            )));
        }
        let mut frame = FramePool::shared().frame(spec)?;
        let mut rest = bytes;
        for index in 0..spec.format.planes() {
            let mut plane = frame.plane_mut(index);
            for y in 0..plane.rows {
                let (row, tail) = rest.split_at(plane.width);
                plane.row_mut(y).copy_from_slice(row);
                rest = tail;
            }
        }
        Ok(frame.publish(timestamp))
    }

    /// What the picture is.
    pub fn spec(&self) -> FrameSpec {
        self.picture.spec
    }

    /// Columns and rows.
    pub fn size(&self) -> Size {
        self.picture.spec.size
    }

    /// The layout of the bytes.
    pub fn format(&self) -> PixelFormat {
        self.picture.spec.format
    }

    /// The identity: changes when the picture does, not when only the timestamp does.
    pub fn id(&self) -> FrameId {
        self.picture.id
    }

    /// When the picture is due.
    pub fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// The same picture, due at another time.
    #[must_use]
    pub fn at(&self, timestamp: Timestamp) -> Self {
        Self { picture: self.picture.clone(), timestamp }
    }

    /// The bytes as they are.
    pub fn map_native(&self) -> FrameMap {
        FrameMap(self.clone())
    }

    /// The bytes in `format`, with the format's natural colour space (the picture's own if both are YUV) and
    /// straight alpha. Free when the picture already is that; otherwise converted once and kept.
    pub fn map(&self, format: PixelFormat) -> Result<FrameMap> {
        let own = self.spec();
        let mut spec = FrameSpec::of(format, own.size);
        if own.format.is_yuv() {
            spec = spec.with_color(own.color);
        }
        if own.alpha == AlphaKind::Opaque {
            spec = spec.with_alpha(AlphaKind::Opaque);
        }
        Ok(self.convert(spec)?.map_native())
    }

    /// The picture as `spec` (the size must be its own), converted once and kept with the picture.
    pub fn convert(&self, spec: FrameSpec) -> Result<Frame> {
        if spec == self.spec() {
            return Ok(self.clone());
        }
        let mut kept = self.picture.conversions.lock();
        if let Some(done) = kept.iter().find(|f| f.spec() == spec) {
            return Ok(done.at(self.timestamp));
        }
        let done = convert::convert(self, spec)?;
        kept.push(done.clone());
        Ok(done.at(self.timestamp))
    }

    /// Whether nothing behind the picture is seen: it has no alpha, or every pixel's alpha happens to be 255. Looks at
    /// the bytes once for each picture, and only as far as the first row that is not opaque.
    pub fn is_opaque(&self) -> bool {
        let spec = self.spec();
        if !spec.format.has_alpha() || spec.alpha == AlphaKind::Opaque {
            return true;
        }
        *self.picture.opaque.get_or_init(|| {
            let map = self.map_native();
            let plane = map.plane(0);
            (0..plane.rows).all(|y| {
                let mut all = 255;
                common_alpha(plane.row(y), &mut all);
                all == 255
            })
        })
    }

    /// Whether this is the only reference to the picture.
    pub fn is_unshared(&self) -> bool {
        Arc::strong_count(&self.picture) == 1
    }

    /// The memory with its bytes, to be written again: for whoever made the frame and keeps count of what it shows.
    /// The frame comes back if somebody else holds the picture or its memory cannot be written. Conversions made of
    /// it are dropped, and the next picture published from the memory has an identity of its own.
    pub fn try_reclaim(mut self) -> std::result::Result<FrameMut, Self> {
        let Some(picture) = Arc::get_mut(&mut self.picture) else { return Err(self) };
        match std::mem::replace(&mut picture.memory, Memory::Taken) {
            Memory::Written(memory) if memory.may_be_reclaimed() => {
                picture.conversions.get_mut().clear();
                Ok(FrameMut { spec: picture.spec, memory, home: Some(self.picture) })
            }
            memory => {
                picture.memory = memory;
                Err(self)
            }
        }
    }
}

crate::kernel! {
    /// The bits that every fourth byte has.
    fn common_alpha(row: &[u8], all: &mut u8) {
        let pixels = row.as_chunks().0.iter();
        *all = (pixels.fold(u32::MAX, |all, pixel| all & u32::from_le_bytes(*pixel)) >> 24) as u8;
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({:?} {} {} at {})", self.id().0, self.format(), self.size(), self.timestamp)
    }
}

/// Access to the bytes of a frame.
#[derive(Clone)]
pub struct FrameMap(Frame);

impl FrameMap {
    /// Plane `index`.
    pub fn plane(&self, index: usize) -> Plane<'_> {
        plane_of(&self.0.picture.spec, self.0.picture.memory.host(), index)
    }

    /// What the bytes are.
    pub fn spec(&self) -> FrameSpec {
        self.0.spec()
    }

    /// The frame whose bytes these are.
    pub fn frame(&self) -> &Frame {
        &self.0
    }

    /// Copies all planes tightly packed, one after the other.
    pub fn to_packed(&self) -> Vec<u8> {
        let spec = self.spec();
        let mut out = vec![0; spec.format.packed_len(spec.size)];
        self.pack_into(&mut out);
        out
    }

    /// The same into memory of just that length.
    pub fn pack_into(&self, mut out: &mut [u8]) {
        let spec = self.spec();
        for index in 0..spec.format.planes() {
            let plane = self.plane(index);
            let (to, rest) = out.split_at_mut(plane.width * plane.rows);
            if plane.stride == plane.width {
                kernel::copy(&plane.data[..to.len()], to);
            } else {
                to.chunks_exact_mut(plane.width)
                    .enumerate()
                    .for_each(|(y, to)| to.copy_from_slice(plane.row(y)));
            }
            out = rest;
        }
        assert!(out.is_empty(), "memory for all planes and no more");
    }
}

/// A picture being written by its only owner.
pub struct FrameMut {
    pub(crate) spec: FrameSpec,
    pub(crate) memory: Box<dyn HostMemoryMut>,
    /// What the memory was taken out of, to be used for the next picture.
    pub(crate) home: Option<Arc<Picture>>,
}

impl FrameMut {
    /// Takes memory to be written. Fails if a plane is smaller than `spec` needs.
    pub fn new(spec: FrameSpec, memory: Box<dyn HostMemoryMut>) -> Result<Self> {
        check_memory(&spec, &*memory)?;
        Ok(Self { spec, memory, home: None })
    }

    /// What the picture will be.
    pub fn spec(&self) -> FrameSpec {
        self.spec
    }

    /// The picture whose bytes, all of them and of this spec, are still there from before; None if that is not known.
    pub fn shows(&self) -> Option<FrameId> {
        self.memory.shows()
    }

    /// Plane `index`, to read.
    pub fn plane(&self, index: usize) -> Plane<'_> {
        plane_of(&self.spec, &*self.memory, index)
    }

    /// Plane `index`, to write.
    pub fn plane_mut(&mut self, index: usize) -> PlaneMut<'_> {
        let layout = self.memory.layout(index);
        let (width, rows) = self.spec.format.plane_extent(self.spec.size, index);
        PlaneMut { data: self.memory.plane_mut(index), stride: layout.stride, width, rows }
    }

    /// All planes at once, to write.
    pub fn planes_mut(&mut self) -> Vec<PlaneMut<'_>> {
        let spec = self.spec;
        let strides: Vec<usize> = (0..spec.format.planes()).map(|p| self.memory.layout(p).stride).collect();
        let planes = self.memory.planes_mut().into_iter().zip(strides).enumerate();
        planes
            .map(|(index, (data, stride))| {
                let (width, rows) = spec.format.plane_extent(spec.size, index);
                PlaneMut { data, stride, width, rows }
            })
            .collect()
    }

    /// Makes it a [`Frame`]; from here on nobody writes it.
    pub fn publish(self, timestamp: Timestamp) -> Frame {
        let picture = Picture::new(self.spec, Memory::Written(self.memory));
        let picture = match self.home {
            Some(mut home) => match Arc::get_mut(&mut home) {
                Some(old) => {
                    *old = picture;
                    home
                }
                None => Arc::new(picture),
            },
            None => Arc::new(picture),
        };
        Frame { picture, timestamp }
    }
}

fn plane_of<'a>(spec: &FrameSpec, memory: &'a (impl HostMemory + ?Sized), index: usize) -> Plane<'a> {
    let (width, rows) = spec.format.plane_extent(spec.size, index);
    Plane { data: memory.plane(index), stride: memory.layout(index).stride, width, rows }
}

fn check_memory(spec: &FrameSpec, memory: &(impl HostMemory + ?Sized)) -> Result<()> {
    Size::checked(spec.size.width, spec.size.height)?;
    for index in 0..spec.format.planes() {
        let (width, rows) = spec.format.plane_extent(spec.size, index);
        let layout = memory.layout(index);
        let needed = layout.stride.saturating_mul(rows - 1).saturating_add(width);
        if layout.stride < width || layout.rows < rows || memory.plane(index).len() < needed {
            return Err(Error::format(format!(
                "plane {index} of a {} picture of {} needs {rows} rows of {width} bytes, the memory has {} of {}",
                spec.format, spec.size, layout.rows, layout.stride
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_belongs_to_the_picture_and_not_to_the_time() {
        let spec = FrameSpec::of(PixelFormat::I420, Size::new(4, 2));
        let a = Frame::from_packed(spec, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], Timestamp::ZERO).unwrap();
        let b = a.at(Timestamp::from_nanos(7));
        assert_eq!(a.id(), b.id());
        assert_eq!(b.timestamp().as_nanos(), 7);
        assert_eq!(a.map_native().plane(2).row(0), &[11, 12]);
        assert_eq!(a.map_native().to_packed(), (1..=12).collect::<Vec<u8>>());
        assert!(Frame::from_packed(spec, &[0; 11], Timestamp::ZERO).is_err());
    }

    #[test]
    fn opaque_in_fact() {
        let spec = FrameSpec::of(PixelFormat::Rgba, Size::new(9, 3));
        let frame = |spec, bytes: &[u8]| Frame::from_packed(spec, bytes, Timestamp::ZERO).unwrap();
        let mut bytes = [255; 108];
        bytes[0] = 3;
        assert!(frame(spec, &bytes).is_opaque());
        bytes[107] = 254;
        assert!(!frame(spec, &bytes).is_opaque());
        assert!(frame(spec.with_alpha(AlphaKind::Opaque), &bytes).is_opaque());
        assert!(frame(FrameSpec::of(PixelFormat::Rgb, Size::new(1, 1)), &[0; 3]).is_opaque());
    }

    #[test]
    fn memory_comes_back_only_when_nobody_else_holds_it() {
        let spec = FrameSpec::of(PixelFormat::I420, Size::new(4, 2));
        let frame = Frame::from_packed(spec, &[128; 12], Timestamp::ZERO).unwrap();
        let (id, address) = (frame.id(), frame.map_native().plane(0).data.as_ptr());
        let other = frame.at(Timestamp::from_nanos(1));
        let view = frame.map_native();
        let frame = frame.try_reclaim().err().expect("shared twice");
        drop(other);
        let frame = frame.try_reclaim().err().expect("a view is left");
        drop(view);
        frame.map(PixelFormat::Bgra).unwrap();
        assert!(frame.is_unshared());
        let mut memory = frame.try_reclaim().expect("the last one");
        assert_eq!(memory.plane(0).row(1), [128; 4]);
        memory.plane_mut(0).row_mut(0)[0] = 200;
        let again = memory.publish(Timestamp::from_nanos(2));
        assert!(again.id() != id && again.map_native().plane(0).data.as_ptr() == address);
        let bgra = again.map(PixelFormat::Bgra).unwrap();
        assert!(bgra.plane(0).row(0)[0] > bgra.plane(0).row(0)[4], "no conversion of the old picture");
    }

    #[test]
    fn memory_of_others_is_never_written() {
        struct Own(Vec<u8>);
        impl HostMemory for Own {
            fn layout(&self, _: usize) -> PlaneLayout {
                PlaneLayout { stride: 3, rows: 1 }
            }
            fn plane(&self, _: usize) -> &[u8] {
                &self.0
            }
        }
        impl HostMemoryMut for Own {
            fn plane_mut(&mut self, _: usize) -> &mut [u8] {
                &mut self.0
            }
            fn planes_mut(&mut self) -> PlanesMut<'_> {
                smallvec::smallvec![&mut self.0[..]]
            }
        }
        let spec = FrameSpec::of(PixelFormat::Bgr, Size::new(1, 1));
        let given = Frame::from_memory(spec, Box::new(Own(vec![1; 3])), Timestamp::ZERO).unwrap();
        let id = given.id();
        assert_eq!(given.try_reclaim().err().map(|f| f.id()), Some(id));
        let written = FrameMut::new(spec, Box::new(Own(vec![1; 3]))).unwrap().publish(Timestamp::ZERO);
        assert!(written.try_reclaim().is_err());
    }
}

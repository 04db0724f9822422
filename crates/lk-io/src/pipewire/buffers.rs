// SPDX-License-Identifier: GPL-2.0-or-later
//! Pictures in the memory that two programs share: out of it into frames of ours, and from frames into it. What the
//! other side says of it is checked first, and no picture is looked at where it could be taken away meanwhile.
#![allow(unsafe_code)]

use super::abi::{
    Buffer, CHUNK_CORRUPTED, Chunk, DATA_MEM_FD, DATA_MEM_PTR, Data, HEADER_CORRUPTED, META_HEADER,
    META_VIDEO_CROP, MetaHeader, Region,
};
use lk_media::{FrameMut, FramePool, FrameSpec, PixelFormat, Plane, Result, Size};
use rustix::fs::{FileType, SealFlags, fcntl_get_seals, fstat};
use smallvec::SmallVec;
use std::os::fd::BorrowedFd;

/// How the bytes of a block may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Where they lie: nobody can take them away.
    Mapped,
    /// By reading: their owner could cut them off.
    Read,
    /// Not at all.
    None,
}

/// How the blocks of a buffer may be reached.
///
/// # Safety
/// The buffer is one that a stream has just added.
pub(super) unsafe fn access(buffer: *const Buffer) -> SmallVec<[Access; 4]> {
    // SAFETY: the library keeps its structures until the buffer is removed.
    unsafe { datas(buffer).iter().map(access_to).collect() }
}

fn access_to(data: &Data) -> Access {
    let is_known = matches!(data.kind, DATA_MEM_PTR | DATA_MEM_FD);
    if !is_known || data.data.is_null() || data.chunk.is_null() {
        return Access::None;
    }
    let Some(fd) = descriptor(data) else {
        return if data.kind == DATA_MEM_PTR { Access::Mapped } else { Access::None };
    };
    let needed = u64::from(data.map_offset) + u64::from(data.max_size);
    match fstat(fd) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {
            let is_kept = fcntl_get_seals(fd).is_ok_and(|seals| seals.contains(SealFlags::SHRINK));
            if is_kept && stat.st_size as u64 >= needed { Access::Mapped } else { Access::Read }
        }
        // a device's memory stays
        Ok(_) => Access::Mapped,
        Err(_) => Access::None,
    }
}

fn descriptor(data: &Data) -> Option<BorrowedFd<'_>> {
    let fd = i32::try_from(data.fd).ok().filter(|fd| *fd >= 0 && data.kind == DATA_MEM_FD)?;
    // SAFETY: the library keeps it open until the buffer is removed.
    Some(unsafe { BorrowedFd::borrow_raw(fd) })
}

/// # Safety
/// The buffer is one of a stream's that was not removed.
unsafe fn datas<'a>(buffer: *const Buffer) -> &'a [Data] {
    // SAFETY: the library's structures are whole.
    unsafe {
        let inner = &*(*buffer).buffer;
        if inner.datas.is_null() {
            &[]
        } else {
            std::slice::from_raw_parts(inner.datas, inner.datas_count as usize)
        }
    }
}

/// What is told of a picture, if it is: a copy, because the other side may write it at any time.
///
/// # Safety
/// The buffer is one of a stream's that was not removed.
unsafe fn meta<T: Copy>(buffer: *const Buffer, kind: u32) -> Option<*mut T> {
    // SAFETY: the library's structures are whole.
    let metas = unsafe {
        let inner = &*(*buffer).buffer;
        if inner.metas.is_null() {
            return None;
        }
        std::slice::from_raw_parts(inner.metas, inner.metas_count as usize)
    };
    let found = metas.iter().find(|meta| meta.kind == kind)?;
    (found.size as usize >= size_of::<T>() && !found.data.is_null()).then_some(found.data.cast())
}

/// Bytes of a block that hold something, and the distance of rows in it; 0 if it is not said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Filled {
    offset: usize,
    size: usize,
    stride: usize,
}

impl Filled {
    /// What a chunk says, as far as it can be true.
    fn of(chunk: Chunk, max_size: u32) -> Option<Self> {
        if chunk.flags & CHUNK_CORRUPTED != 0 || chunk.stride < 0 || max_size == 0 {
            return None;
        }
        let offset = chunk.offset % max_size;
        let size = chunk.size.min(max_size - offset);
        Some(Self { offset: offset as usize, size: size as usize, stride: chunk.stride as usize })
    }
}

/// Where a plane lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    block: usize,
    offset: usize,
    stride: usize,
}

/// Where the planes of a picture lie in its blocks; None if they have no room there.
fn places(format: PixelFormat, size: Size, blocks: &[Filled]) -> Option<SmallVec<[Place; 3]>> {
    let planes = format.planes();
    let (row, _) = format.plane_extent(size, 0);
    let extent = |plane| format.plane_extent(size, plane);
    let fits = |filled: &Filled, start: usize, stride: usize, plane: usize| {
        let (width, rows) = extent(plane);
        let end = stride
            .checked_mul(rows - 1)
            .and_then(|n| n.checked_add(width))
            .and_then(|n| n.checked_add(start));
        stride >= width && end.is_some_and(|end| end <= filled.size)
    };
    if planes > 1 && blocks.len() >= planes {
        let place = |plane: usize| {
            let filled = blocks.get(plane)?;
            let stride = if filled.stride == 0 { extent(plane).0 } else { filled.stride };
            fits(filled, 0, stride, plane).then_some(Place { block: plane, offset: filled.offset, stride })
        };
        return (0..planes).map(place).collect();
    }
    // one after the other in one block, with the distances that make it full
    let filled = blocks.first()?;
    let strides = match filled.stride {
        0 => [row.next_multiple_of(4), row],
        stride => [stride, stride],
    };
    let height = size.height as usize;
    let tall = if planes > 1 { height.next_multiple_of(2) } else { height };
    let mut found = None;
    for luma in strides {
        let chroma =
            [luma.div_ceil(2), luma.div_ceil(2).next_multiple_of(4), extent(1).0.next_multiple_of(4)];
        for chroma in chroma.map(|c| if format == PixelFormat::I420 { c } else { luma }) {
            let mut start = 0;
            let mut all = SmallVec::new();
            let whole = (0..planes).all(|plane| {
                let stride = if plane == 0 { luma } else { chroma };
                let is_there = fits(filled, start, stride, plane);
                all.push(Place { block: 0, offset: filled.offset + start, stride });
                start = start.saturating_add(stride.saturating_mul(if plane == 0 {
                    tall
                } else {
                    extent(plane).1
                }));
                is_there
            });
            if whole && start == filled.size {
                return Some(all);
            }
            if whole && found.is_none() {
                found = Some(all);
            }
        }
    }
    found
}

/// A picture's part that is to be shown, in pixels that chroma is not shared across.
fn cropped(region: Option<Region>, spec: &FrameSpec) -> (u32, u32, Size) {
    let whole = (0, 0, spec.size);
    let Some(region) = region.filter(|r| r.width > 0 && r.height > 0) else { return whole };
    let (Ok(x), Ok(y)) = (u32::try_from(region.x), u32::try_from(region.y)) else { return whole };
    let (sx, sy) = spec.format.chroma_step();
    let (x, y) = (x - x % sx, y - y % sy);
    if x >= spec.size.width || y >= spec.size.height {
        return whole;
    }
    let width = region.width.min(spec.size.width - x).next_multiple_of(sx).min(spec.size.width - x);
    let height = region.height.min(spec.size.height - y).next_multiple_of(sy).min(spec.size.height - y);
    (x, y, Size::new(width, height))
}

/// Bytes from the left edge to column `x` of a plane.
fn columns(format: PixelFormat, plane: usize, x: u32) -> usize {
    if x == 0 { 0 } else { format.plane_extent(Size::new(x, 1), plane).0 }
}

/// The time that a picture's producer gave it, if it did; an error for one that is damaged.
///
/// # Safety
/// The buffer is one of a stream's that was dequeued.
pub(super) unsafe fn producer_time(buffer: *const Buffer) -> Result<Option<i64>, ()> {
    // SAFETY: metadata is there until the buffer is removed.
    let Some(header) = (unsafe { meta::<MetaHeader>(buffer, META_HEADER).map(|h| h.read_unaligned()) })
    else {
        return Ok(None);
    };
    if header.flags & HEADER_CORRUPTED != 0 { Err(()) } else { Ok(Some(header.pts)) }
}

/// Reads blocks that may not be looked at where they are into memory of its own.
#[derive(Default)]
pub(super) struct Reader {
    copies: [Vec<u8>; 4],
}

impl Reader {
    /// The blocks of a buffer: where their bytes begin, and what they hold. None if it is not to be shown.
    ///
    /// # Safety
    /// The buffer is one of a stream's that was dequeued, and `access` is what was found when it was added.
    unsafe fn blocks(
        &mut self,
        buffer: *const Buffer,
        access: &[Access],
    ) -> Option<SmallVec<[(*const u8, Filled); 4]>> {
        // SAFETY: the buffer was not removed.
        let datas = unsafe { datas(buffer) };
        let each = datas.iter().zip(access).zip(&mut self.copies);
        each.map(|((data, access), copy)| {
            if data.chunk.is_null() {
                return None;
            }
            // SAFETY: chunks are there until the buffer is removed; the other side may write them at any time.
            let chunk = unsafe { data.chunk.read_volatile() };
            let filled = Filled::of(chunk, data.max_size).filter(|f| f.size > 0)?;
            match access {
                Access::Mapped => Some((data.data.cast_const().cast(), filled)),
                Access::Read => {
                    copy.resize(filled.size, 0);
                    let from = u64::from(data.map_offset) + filled.offset as u64;
                    let mut got = 0;
                    while got < filled.size {
                        match rustix::io::pread(descriptor(data)?, &mut copy[got..], from + got as u64) {
                            Ok(n) if n > 0 => got += n,
                            _ => return None,
                        }
                    }
                    Some((copy.as_ptr(), Filled { offset: 0, ..filled }))
                }
                Access::None => None,
            }
        })
        .collect()
    }

    /// The picture in a buffer as a frame of ours, or None if there is none in it that is whole.
    ///
    /// # Safety
    /// The buffer is one of a stream's that was dequeued, and `access` is what was found when it was added.
    pub unsafe fn frame(
        &mut self,
        buffer: *const Buffer,
        access: &[Access],
        spec: FrameSpec,
    ) -> Result<Option<FrameMut>> {
        // SAFETY: as promised by the caller.
        let (blocks, region) = unsafe {
            let region = meta::<Region>(buffer, META_VIDEO_CROP).map(|r| r.read_unaligned());
            (self.blocks(buffer, access), region)
        };
        let Some(blocks) = blocks else { return Ok(None) };
        let filled: SmallVec<[Filled; 4]> = blocks.iter().map(|(_, filled)| *filled).collect();
        let Some(places) = places(spec.format, spec.size, &filled) else { return Ok(None) };
        let (x, y, size) = cropped(region, &spec);
        let mut frame = FramePool::shared().frame(FrameSpec { size, ..spec })?;
        for (index, place) in places.iter().enumerate() {
            let mut plane = frame.plane_mut(index);
            let (_, down) = if index == 0 { (1, 1) } else { spec.format.chroma_step() };
            let start = place.offset + place.stride * (y / down) as usize + columns(spec.format, index, x);
            let bytes = blocks[place.block].0;
            for row in 0..plane.rows {
                let to = plane.row_mut(row);
                // SAFETY: `places` found the rows of the whole picture inside the block, and the part is inside the
                // whole; the other side may write meanwhile, which shows in the picture and nowhere else.
                unsafe {
                    let from = bytes.add(start + row * place.stride);
                    std::ptr::copy_nonoverlapping(from, to.as_mut_ptr(), to.len());
                }
            }
        }
        Ok(Some(frame))
    }

    /// The bytes of a buffer's first block.
    ///
    /// # Safety
    /// The buffer is one of a stream's that was dequeued, and `access` is what was found when it was added.
    pub unsafe fn bytes(&mut self, buffer: *const Buffer, access: &[Access]) -> Option<Vec<u8>> {
        // SAFETY: as promised by the caller.
        let blocks = unsafe { self.blocks(buffer, access)? };
        let (bytes, filled) = blocks.first()?;
        let mut copy = vec![0; filled.size];
        // SAFETY: what is filled lies inside the block.
        unsafe { std::ptr::copy_nonoverlapping(bytes.add(filled.offset), copy.as_mut_ptr(), filled.size) };
        Some(copy)
    }
}

/// Bytes from row to row of a plane, as everyone expects them who is not told.
fn usual_stride(format: PixelFormat, size: Size, plane: usize) -> usize {
    format.plane_extent(size, plane).0.next_multiple_of(4)
}

/// The bytes of a picture and of a row of its first plane, in a buffer that we fill.
pub(super) fn usual_bytes(format: PixelFormat, size: Size) -> (usize, usize) {
    let plane = |p: usize| usual_stride(format, size, p) * format.plane_extent(size, p).1;
    ((0..format.planes()).map(plane).sum(), usual_stride(format, size, 0))
}

/// Writes a picture into a buffer and what is told of it; false if it has no room there.
///
/// # Safety
/// The buffer is one of an output stream's that was dequeued, and `access` is what was found when it was added.
pub(super) unsafe fn fill(
    buffer: *mut Buffer,
    access: &[Access],
    spec: &FrameSpec,
    planes: &[Plane],
    header: MetaHeader,
) -> bool {
    // SAFETY: the buffer was not removed.
    let (datas, told) = unsafe { (datas(buffer), meta::<MetaHeader>(buffer, META_HEADER)) };
    let (Some(data), Some(Access::Mapped)) = (datas.first(), access.first()) else { return false };
    let (bytes, stride) = usual_bytes(spec.format, spec.size);
    if bytes > data.max_size as usize {
        return false;
    }
    let mut to = data.data.cast::<u8>();
    for (index, plane) in planes.iter().enumerate() {
        let stride = usual_stride(spec.format, spec.size, index);
        for y in 0..plane.rows {
            let row = plane.row(y);
            // SAFETY: all rows together are `bytes`, which the block has.
            unsafe {
                std::ptr::copy_nonoverlapping(row.as_ptr(), to, row.len());
                to = to.add(stride);
            }
        }
    }
    let chunk = Chunk { offset: 0, size: bytes as u32, stride: stride as i32, flags: 0 };
    // SAFETY: chunk and header are there until the buffer is removed.
    unsafe {
        data.chunk.write_volatile(chunk);
        if let Some(told) = told {
            told.write_unaligned(header);
        }
        (*buffer).size = 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(size: usize, stride: usize) -> Filled {
        Filled { offset: 0, size, stride }
    }

    fn offsets(format: PixelFormat, size: Size, blocks: &[Filled]) -> Option<Vec<(usize, usize)>> {
        Some(places(format, size, blocks)?.iter().map(|p| (p.offset, p.stride)).collect())
    }

    #[test]
    fn planes_lie_one_after_the_other_or_each_in_a_block() {
        let size = Size::new(10, 4);
        let one = |format, bytes, stride| offsets(format, size, &[filled(bytes, stride)]);
        // rows at multiples of four, as GStreamer has them; without gaps; with others
        assert_eq!(one(PixelFormat::I420, 12 * 4 + 8 * 4, 12).unwrap(), [(0, 12), (48, 8), (64, 8)]);
        assert_eq!(one(PixelFormat::I420, 60, 0).unwrap(), [(0, 10), (40, 5), (50, 5)]);
        assert_eq!(one(PixelFormat::I420, 16 * 6, 16).unwrap(), [(0, 16), (64, 8), (80, 8)]);
        assert_eq!(one(PixelFormat::Nv12, 12 * 6, 12).unwrap(), [(0, 12), (48, 12)]);
        assert_eq!(one(PixelFormat::Rgb, 32 * 4, 0).unwrap(), [(0, 32)]);
        assert_eq!(one(PixelFormat::Rgb, 30 * 4, 0).unwrap(), [(0, 30)]);
        let three = [filled(64, 16), Filled { offset: 8, ..filled(32, 8) }, filled(10, 0)];
        assert_eq!(offsets(PixelFormat::I420, size, &three).unwrap(), [(0, 16), (8, 8), (0, 5)]);
    }

    #[test]
    fn what_has_no_room_is_no_picture() {
        for format in PixelFormat::ALL {
            let size = Size::new(10, 4);
            let (bytes, stride) = usual_bytes(format, size);
            assert!(places(format, size, &[filled(bytes, stride)]).is_some(), "{format}");
            for (bytes, stride) in
                [(bytes - 12, stride), (bytes, stride * 2), (bytes, 4), (0, stride), (bytes, usize::MAX / 2)]
            {
                assert!(
                    places(format, size, &[filled(bytes, stride)]).is_none(),
                    "{format} {bytes} {stride}"
                );
            }
            assert!(places(format, size, &[]).is_none());
        }
        let chunk = |offset, size, stride, flags| Filled::of(Chunk { offset, size, stride, flags }, 100);
        assert_eq!(chunk(130, u32::MAX, 10, 0), Some(Filled { offset: 30, size: 70, stride: 10 }));
        assert_eq!(chunk(0, 100, -10, 0), None);
        assert_eq!(chunk(0, 100, 10, 1), None);
        assert_eq!(Filled::of(Chunk { offset: 0, size: 1, stride: 1, flags: 0 }, 0), None);
    }

    #[test]
    fn a_part_lies_inside_the_whole() {
        let spec = |format| FrameSpec::of(format, Size::new(101, 50));
        let part = |x, y, width, height| Some(Region { x, y, width, height });
        let bgra = spec(PixelFormat::Bgra);
        assert_eq!(cropped(None, &bgra), (0, 0, Size::new(101, 50)));
        assert_eq!(cropped(part(3, 5, 11, 7), &bgra), (3, 5, Size::new(11, 7)));
        assert_eq!(cropped(part(3, 5, 11, 7), &spec(PixelFormat::I420)), (2, 4, Size::new(12, 8)));
        assert_eq!(cropped(part(90, 45, u32::MAX, 99), &bgra), (90, 45, Size::new(11, 5)));
        assert_eq!(cropped(part(100, 49, 5, 5), &spec(PixelFormat::Nv12)), (100, 48, Size::new(1, 2)));
        for bad in [part(-1, 0, 5, 5), part(0, 0, 0, 5), part(101, 0, 5, 5), part(i32::MAX, i32::MAX, 5, 5)] {
            assert_eq!(cropped(bad, &bgra), (0, 0, Size::new(101, 50)));
        }
    }
}

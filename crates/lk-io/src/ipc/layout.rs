// SPDX-License-Identifier: GPL-2.0-or-later
//! Where things lie in the shared memory. All of it is 64-bit words in the machine's byte order, then the pictures:
//! `docs/ipc-format.md` says the same for people. Nothing here depends on the operating system.

use lk_media::frame::PlaneLayout;
use lk_media::{AlphaKind, ColorSpace, FrameSpec, Matrix, PixelFormat, Range, Siting, Size, Timestamp};

/// The first word: the bytes "LKFRAMES".
pub(super) const MAGIC: u64 = u64::from_le_bytes(*b"LKFRAMES");
/// The second word.
pub(super) const VERSION: u64 = 1;

/// Bytes of the header, of the table of slots, and of the page of leases.
pub(super) const PAGE: usize = 4096;
/// Bytes of a slot's entry in the table.
const ENTRY: usize = 128;
/// The most slots there can be: a bit each in a word of leases, and an entry each in a page.
pub(super) const MAX_SLOTS: usize = PAGE / ENTRY;
/// Slots that are only copied, never leased: what is left to write to when readers hold everything else.
const COPY_ONLY: usize = 3;
/// Slots are made while their pictures take no more than this, but never fewer than [`MIN_SLOTS`].
const ROOM: usize = 1 << 30;
const MIN_SLOTS: usize = 8;
/// Rows start at multiples of this many bytes.
const ALIGNMENT: usize = 64;

/// Byte offsets of the words of the header.
pub(super) mod header {
    pub const MAGIC: usize = 0;
    pub const VERSION: usize = 8;
    /// How many slots there are.
    pub const SLOTS: usize = 16;
    /// How many of them, the last ones, cannot be leased.
    pub const COPY_ONLY: usize = 24;
    /// Bytes from slot to slot.
    pub const SLOT_BYTES: usize = 32;
    /// Where the first slot begins.
    pub const DATA: usize = 40;
    /// The newest picture: its number times 256, plus its slot. 0 before the first.
    pub const NEWEST: usize = 48;
    /// The writer's process, for people.
    pub const PROCESS: usize = 56;
    /// Size and format of the pictures to come, as in a slot.
    pub const SIZE: usize = 64;
    pub const FORMAT: usize = 72;
}

/// Words of a slot's entry: the sequence, then the picture in it.
pub(super) const PICTURE_WORDS: usize = 11;

/// How the memory is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub slots: usize,
    pub copy_only: usize,
    pub slot_bytes: usize,
}

impl Layout {
    /// For pictures of `format` and `size`.
    pub fn of(format: PixelFormat, size: Size) -> Self {
        let slot_bytes = plan(format, size).1.next_multiple_of(PAGE).max(PAGE);
        let slots = (ROOM / slot_bytes).clamp(MIN_SLOTS, MAX_SLOTS);
        Self { slots, copy_only: COPY_ONLY, slot_bytes }
    }

    /// As a header says, if `len` bytes can hold that. The words come from the other side.
    pub fn read(word: impl Fn(usize) -> u64, len: usize) -> Option<Self> {
        if len < 2 * PAGE || word(header::MAGIC) != MAGIC || word(header::VERSION) != VERSION {
            return None;
        }
        let number = |offset| usize::try_from(word(offset)).ok();
        let (slots, copy_only) = (number(header::SLOTS)?, number(header::COPY_ONLY)?);
        let read = Self { slots, copy_only, slot_bytes: number(header::SLOT_BYTES)? };
        let possible = (1..=MAX_SLOTS).contains(&slots)
            && copy_only <= slots
            && number(header::DATA)? == 2 * PAGE
            && slots.checked_mul(read.slot_bytes)?.checked_add(2 * PAGE)? <= len;
        possible.then_some(read)
    }

    /// Bytes of all of it.
    pub fn len(&self) -> usize {
        2 * PAGE + self.slots * self.slot_bytes
    }

    /// Where the entry of a slot begins; the sequence is its first word.
    pub fn entry(&self, slot: usize) -> usize {
        PAGE + slot * ENTRY
    }

    /// Where the picture of a slot begins.
    pub fn data(&self, slot: usize) -> usize {
        2 * PAGE + slot * self.slot_bytes
    }

    /// Whether readers may hold the slot.
    pub fn can_be_leased(&self, slot: usize) -> bool {
        slot < self.slots - self.copy_only
    }

    /// The bits of the slots that readers may hold.
    pub fn leasable(&self) -> u64 {
        (1 << (self.slots - self.copy_only)) - 1
    }
}

/// Where the planes of a picture lie within its slot.
pub(super) type Planes = [(usize, PlaneLayout); 3];

/// The planes of a picture that we write, and the bytes they take.
pub(super) fn plan(format: PixelFormat, size: Size) -> (Planes, usize) {
    let mut planes = [(0, PlaneLayout { stride: 0, rows: 0 }); 3];
    let mut offset = 0;
    for (index, plane) in planes.iter_mut().enumerate().take(format.planes()) {
        let (width, rows) = format.plane_extent(size, index);
        let stride = width.next_multiple_of(ALIGNMENT);
        *plane = (offset, PlaneLayout { stride, rows });
        offset += stride * rows;
    }
    (planes, offset)
}

/// What the entry of a slot says of its picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Picture {
    pub spec: FrameSpec,
    pub timestamp: Timestamp,
    pub planes: Planes,
    /// Changes when pictures shown before were taken back.
    pub retractions: u64,
    /// Those of them that were not due then are not to be shown.
    pub retracted_from: Timestamp,
}

impl Picture {
    /// The words after the sequence.
    pub fn to_words(self) -> [u64; PICTURE_WORDS] {
        let offset = |plane: usize| self.planes[plane].0 as u64;
        let stride = |plane: usize| self.planes[plane].1.stride as u64;
        [
            self.timestamp.as_nanos() as u64,
            size_word(self.spec.size),
            format_word(self.spec),
            offset(0),
            offset(1),
            offset(2),
            stride(0),
            stride(1),
            stride(2),
            self.retractions,
            self.retracted_from.as_nanos() as u64,
        ]
    }

    /// The same from the other side: None if it makes no sense or does not lie within `slot_bytes`.
    pub fn from_words(words: &[u64; PICTURE_WORDS], slot_bytes: usize) -> Option<Self> {
        let spec = spec_of(words[1], words[2])?;
        let mut planes = [(0, PlaneLayout { stride: 0, rows: 0 }); 3];
        for (index, plane) in planes.iter_mut().enumerate().take(spec.format.planes()) {
            let (width, rows) = spec.format.plane_extent(spec.size, index);
            let offset = usize::try_from(words[3 + index]).ok()?;
            let stride = usize::try_from(words[6 + index]).ok().filter(|stride| *stride >= width)?;
            let end = stride.checked_mul(rows)?.checked_add(offset)?;
            if end > slot_bytes {
                return None;
            }
            *plane = (offset, PlaneLayout { stride, rows });
        }
        let time = |word: u64| Timestamp::from_nanos(word as i64);
        let (timestamp, retracted_from) = (time(words[0]), time(words[10]));
        Some(Self { spec, timestamp, planes, retractions: words[9], retracted_from })
    }
}

/// A size in a word: width below, height above.
pub(super) fn size_word(size: Size) -> u64 {
    u64::from(size.width) | u64::from(size.height) << 32
}

const FORMATS: [PixelFormat; 7] = [
    PixelFormat::Bgra,
    PixelFormat::Bgr,
    PixelFormat::Rgba,
    PixelFormat::Rgb,
    PixelFormat::I420,
    PixelFormat::Nv12,
    PixelFormat::Yuy2,
];
const ALPHAS: [AlphaKind; 3] = [AlphaKind::Opaque, AlphaKind::Straight, AlphaKind::Premultiplied];
const MATRICES: [Matrix; 3] = [Matrix::Bt601, Matrix::Bt709, Matrix::Bt2020];
const RANGES: [Range; 2] = [Range::Limited, Range::Full];
const SITINGS: [Siting; 3] = [Siting::Left, Siting::Center, Siting::TopLeft];

/// The place of a value in its list.
fn code<T: PartialEq>(list: &[T], value: &T) -> u64 {
    list.iter().position(|v| v == value).unwrap_or(0) as u64
}

/// What the bytes are, in a word: a byte each for format, alpha, matrix, range and siting, the lowest first.
pub(super) fn format_word(spec: FrameSpec) -> u64 {
    let ColorSpace { matrix, range, siting } = spec.color;
    code(&FORMATS, &spec.format)
        | code(&ALPHAS, &spec.alpha) << 8
        | code(&MATRICES, &matrix) << 16
        | code(&RANGES, &range) << 24
        | code(&SITINGS, &siting) << 32
}

/// The reverse of both, checked.
pub(super) fn spec_of(size: u64, format: u64) -> Option<FrameSpec> {
    let byte = |index: u32| (format >> (8 * index)) as u8 as usize;
    let size = Size::checked(size as u32, (size >> 32) as u32).ok()?;
    let pixels = *FORMATS.get(byte(0))?;
    let alpha = *ALPHAS.get(byte(1))?;
    let (matrix, range) = (*MATRICES.get(byte(2))?, *RANGES.get(byte(3))?);
    let color = ColorSpace { matrix, range, siting: *SITINGS.get(byte(4))? };
    pixels.check_even(size).ok()?;
    Some(FrameSpec::of(pixels, size).with_color(color).with_alpha(alpha))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(format: PixelFormat, size: Size) -> Picture {
        let time = Timestamp::from_nanos(-7);
        let spec = FrameSpec::of(format, size);
        Picture {
            spec,
            timestamp: time,
            planes: plan(format, size).0,
            retractions: 3,
            retracted_from: Timestamp::from_nanos(i64::MIN),
        }
    }

    #[test]
    fn pictures_come_out_as_they_went_in() {
        for format in PixelFormat::ALL {
            for alpha in ALPHAS {
                let size = Size::new(1918, 1082);
                let mut picture = picture(format, size);
                picture.spec = picture.spec.with_alpha(alpha);
                let layout = Layout::of(format, size);
                assert_eq!(Picture::from_words(&picture.to_words(), layout.slot_bytes), Some(picture));
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let good = picture(PixelFormat::I420, Size::new(64, 32)).to_words();
        let room = Layout::of(PixelFormat::I420, Size::new(64, 32)).slot_bytes;
        assert!(Picture::from_words(&good, room).is_some());
        assert!(Picture::from_words(&good, 64 * 32 - 1).is_none());
        for (word, value) in [
            (1, 0),
            (1, 63 | 32 << 32),
            (1, u64::MAX),
            (2, 7),
            (2, u64::MAX),
            (3, room as u64),
            (5, u64::MAX),
            (6, 63),
            (7, u64::MAX / 2),
        ] {
            let mut bad = good;
            bad[word] = value;
            assert!(Picture::from_words(&bad, room).is_none(), "word {word} = {value}");
        }
    }

    #[test]
    fn the_memory_has_room_for_what_it_says() {
        let small = Layout::of(PixelFormat::Bgr, Size::new(1, 1));
        assert_eq!((small.slots, small.slot_bytes), (MAX_SLOTS, PAGE));
        let large = Layout::of(PixelFormat::Bgra, Size::new(16384, 16384));
        assert_eq!((large.slots, large.slot_bytes), (MIN_SLOTS, 1 << 30));
        let words = |layout: Layout| {
            move |offset| match offset {
                header::MAGIC => MAGIC,
                header::VERSION => VERSION,
                header::SLOTS => layout.slots as u64,
                header::COPY_ONLY => layout.copy_only as u64,
                header::SLOT_BYTES => layout.slot_bytes as u64,
                header::DATA => 2 * PAGE as u64,
                _ => 0,
            }
        };
        assert_eq!(Layout::read(words(small), small.len()), Some(small));
        assert_eq!(Layout::read(words(small), small.len() - 1), None);
        assert_eq!(Layout::read(|_| u64::MAX, usize::MAX), None);
        for bad in [
            Layout { slots: 0, ..small },
            Layout { slots: MAX_SLOTS + 1, ..small },
            Layout { copy_only: MAX_SLOTS + 1, ..small },
            Layout { slot_bytes: usize::MAX / 4, ..small },
        ] {
            assert_eq!(Layout::read(words(bad), usize::MAX), None, "{bad:?}");
        }
        assert_eq!(small.leasable().count_ones(), (MAX_SLOTS - COPY_ONLY) as u32);
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! What pictures nodes offer and streams ask for, and the sound we speak: between PipeWire's words and ours.

use super::pod::{Built, Choice, Object, Value};
use lk_media::{AlphaKind, ColorSpace, FrameRate, FrameSpec, Matrix, PixelFormat, Range, Siting, Size};
use smallvec::SmallVec;

pub(super) const ENUM_FORMAT: u32 = 3;
pub(super) const FORMAT: u32 = 4;
const BUFFERS: u32 = 5;
const META: u32 = 6;

const OBJECT_FORMAT: u32 = 0x40003;
const OBJECT_BUFFERS: u32 = 0x40004;
const OBJECT_META: u32 = 0x40005;

const MEDIA_TYPE: u32 = 1;
const MEDIA_SUBTYPE: u32 = 2;
const VIDEO_FORMAT: u32 = 0x20001;
const VIDEO_SIZE: u32 = 0x20003;
const VIDEO_RATE: u32 = 0x20004;
const CHROMA_SITE: u32 = 0x2000b;
const COLOR_RANGE: u32 = 0x2000c;
const COLOR_MATRIX: u32 = 0x2000d;

const AUDIO_FORMAT: u32 = 0x10001;
const AUDIO_RATE: u32 = 0x10003;
const AUDIO_CHANNELS: u32 = 0x10004;
const AUDIO_POSITION: u32 = 0x10005;
/// Floats in this machine's order of bytes.
const F32: u32 = if cfg!(target_endian = "big") { 0x11c } else { 0x11b };
const LEFT: u32 = 3;
const RIGHT: u32 = 4;

const AUDIO: u32 = 1;
const VIDEO: u32 = 2;
const RAW: u32 = 1;
const MJPG: u32 = 0x20002;

/// How pictures come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// As they are. What has an alpha channel may be told to have none ("BGRx").
    Raw(PixelFormat, AlphaKind),
    /// Each as a JPEG file.
    Jpeg,
}

/// By their numbers; the best first.
const RAW_FORMATS: [(u32, PixelFormat, AlphaKind); 9] = [
    (8, PixelFormat::Bgra, AlphaKind::Opaque),
    (7, PixelFormat::Rgba, AlphaKind::Opaque),
    (23, PixelFormat::Nv12, AlphaKind::Opaque),
    (2, PixelFormat::I420, AlphaKind::Opaque),
    (4, PixelFormat::Yuy2, AlphaKind::Opaque),
    (16, PixelFormat::Bgr, AlphaKind::Opaque),
    (15, PixelFormat::Rgb, AlphaKind::Opaque),
    (12, PixelFormat::Bgra, AlphaKind::Straight),
    (11, PixelFormat::Rgba, AlphaKind::Straight),
];

impl Encoding {
    /// Every one that is understood; the best first.
    pub fn all() -> Vec<Self> {
        let raw = RAW_FORMATS.iter().map(|(_, format, alpha)| Self::Raw(*format, *alpha));
        raw.chain([Self::Jpeg]).collect()
    }

    /// The one of pictures of that format, without alpha: what cameras give.
    pub fn opaque(format: PixelFormat) -> Self {
        Self::Raw(format, AlphaKind::Opaque)
    }

    fn number(self) -> Option<u32> {
        let Self::Raw(format, alpha) = self else { return None };
        RAW_FORMATS.iter().find(|(_, f, a)| (*f, *a) == (format, alpha)).map(|(number, ..)| *number)
    }

    fn of_number(number: u32) -> Option<Self> {
        let (_, format, alpha) = RAW_FORMATS.iter().find(|(n, ..)| *n == number)?;
        Some(Self::Raw(*format, *alpha))
    }
}

/// What may be chosen from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer<T> {
    /// One of these; the best first.
    List(Vec<T>),
    /// Anything from `min` to `max`.
    Between {
        /// The best.
        best: T,
        /// The least.
        min: T,
        /// The most.
        max: T,
    },
}

/// Pictures that a node can give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFormat {
    /// How they come.
    pub encoding: Encoding,
    /// Their sizes.
    pub sizes: Offer<Size>,
    /// Their rates; an empty list if the node has none of its own.
    pub rates: Offer<FrameRate>,
}

fn size(value: Value) -> Option<Size> {
    match value {
        Value::Rectangle(w, h) => Size::checked(w, h).ok(),
        _ => None,
    }
}

/// The nearest size there can be.
fn any_size(value: Value) -> Option<Size> {
    let Value::Rectangle(w, h) = value else { return None };
    Some(Size::new(w.clamp(1, Size::MAX_SIDE), h.clamp(1, Size::MAX_SIDE)))
}

fn rate(value: Value) -> Option<FrameRate> {
    match value {
        Value::Fraction(num, den) => FrameRate::new(num, den).ok(),
        _ => None,
    }
}

fn any_rate(value: Value) -> Option<FrameRate> {
    let Value::Fraction(num, den) = value else { return None };
    let fps = f64::from(num) / f64::from(den.max(1));
    let least = FrameRate::new(1, FrameRate::MAX).ok()?;
    rate(value).or_else(|| if fps < 1.0 { Some(least) } else { FrameRate::new(FrameRate::MAX, 1).ok() })
}

fn offer<T>(choice: &Choice, one: fn(Value) -> Option<T>, any: fn(Value) -> Option<T>) -> Offer<T> {
    match choice {
        Choice::Only(value) => Offer::List(one(*value).into_iter().collect()),
        Choice::Enum(values) => Offer::List(values.iter().filter_map(|v| one(*v)).collect()),
        Choice::Range(best, min, max) => match (one(*best).or_else(|| any(*max)), any(*min), any(*max)) {
            (Some(best), Some(min), Some(max)) => Offer::Between { best, min, max },
            _ => Offer::List(Vec::new()),
        },
        Choice::Flags(_) | Choice::All(_) => Offer::List(Vec::new()),
    }
}

/// What an EnumFormat parameter offers: one for each encoding in it that is understood.
pub(super) fn offered(object: &Object) -> Vec<NodeFormat> {
    if object.kind != OBJECT_FORMAT || object.id(MEDIA_TYPE) != Some(VIDEO) {
        return Vec::new();
    }
    let encodings: Vec<Encoding> = match (object.id(MEDIA_SUBTYPE), object.get(VIDEO_FORMAT)) {
        (Some(MJPG), _) => vec![Encoding::Jpeg],
        (Some(RAW), Some(choice)) => {
            let values: &[Value] = match choice {
                Choice::Only(value) => std::slice::from_ref(value),
                Choice::Enum(values) => values,
                _ => &[],
            };
            let number = |v: &Value| if let Value::Id(n) = v { Encoding::of_number(*n) } else { None };
            values.iter().filter_map(number).collect()
        }
        _ => Vec::new(),
    };
    let Some(sizes) = object.get(VIDEO_SIZE).map(|c| offer(c, size, any_size)) else { return Vec::new() };
    if matches!(&sizes, Offer::List(list) if list.is_empty()) {
        return Vec::new();
    }
    let rates = object.get(VIDEO_RATE).map_or(Offer::List(Vec::new()), |c| offer(c, rate, any_rate));
    let format = |encoding| NodeFormat { encoding, sizes: sizes.clone(), rates: rates.clone() };
    encodings.into_iter().map(format).collect()
}

/// What a stream agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// How pictures come.
    pub encoding: Encoding,
    /// Their size; a part of it may be all that is shown.
    pub size: Size,
    /// Their rate, where there is one.
    pub rate: Option<FrameRate>,
    /// What the bytes of YUV mean.
    pub color: ColorSpace,
}

impl Agreed {
    /// What a Format parameter says; None if it is nothing that was asked for.
    pub(super) fn read(object: &Object) -> Option<Self> {
        if object.kind != OBJECT_FORMAT || object.id(MEDIA_TYPE) != Some(VIDEO) {
            return None;
        }
        let encoding = match object.id(MEDIA_SUBTYPE)? {
            MJPG => Encoding::Jpeg,
            RAW => Encoding::of_number(object.id(VIDEO_FORMAT)?)?,
            _ => return None,
        };
        let size = object.get(VIDEO_SIZE)?.best().and_then(size)?;
        let rate = object.get(VIDEO_RATE).and_then(Choice::best).and_then(rate);
        let format = if let Encoding::Raw(format, _) = encoding { format } else { PixelFormat::I420 };
        let mut color = ColorSpace::default_for(format, size);
        if format.is_yuv() {
            color.matrix = match object.id(COLOR_MATRIX) {
                Some(3) => Matrix::Bt709,
                Some(4) => Matrix::Bt601,
                Some(6) => Matrix::Bt2020,
                _ => color.matrix,
            };
            color.range = if object.id(COLOR_RANGE) == Some(1) { Range::Full } else { color.range };
            color.siting = if object.id(CHROMA_SITE) == Some(1) { Siting::Center } else { color.siting };
        }
        Some(Self { encoding, size, rate, color })
    }

    /// What frames of it are; None for JPEG.
    pub(super) fn spec(&self) -> Option<FrameSpec> {
        let Encoding::Raw(format, alpha) = self.encoding else { return None };
        Some(FrameSpec::of(format, self.size).with_color(self.color).with_alpha(alpha))
    }
}

/// One EnumFormat parameter: an encoding in a size (None: any) and at a rate (None: any).
pub(super) fn wanted(encoding: Encoding, size: Option<Size>, rate: Option<FrameRate>) -> Built {
    let most = Size::MAX_SIDE;
    let size = size.map_or(
        Choice::Range(Value::Rectangle(1280, 720), Value::Rectangle(1, 1), Value::Rectangle(most, most)),
        |s| Value::Rectangle(s.width, s.height).into(),
    );
    let rate = rate.map_or(
        Choice::Range(Value::Fraction(30, 1), Value::Fraction(0, 1), Value::Fraction(FrameRate::MAX, 1)),
        |r| Value::Fraction(r.num(), r.den()).into(),
    );
    let subtype = if encoding == Encoding::Jpeg { MJPG } else { RAW };
    let mut properties =
        vec![(MEDIA_TYPE, Value::Id(VIDEO).into()), (MEDIA_SUBTYPE, Value::Id(subtype).into())];
    properties.extend(encoding.number().map(|n| (VIDEO_FORMAT, Value::Id(n).into())));
    properties.extend([(VIDEO_SIZE, size), (VIDEO_RATE, rate)]);
    Built::object(OBJECT_FORMAT, ENUM_FORMAT, &properties)
}

/// An EnumFormat parameter: the sound that is spoken here, stereo and interleaved.
pub(super) fn sound(rate: u32) -> Built {
    let int = |n: u32| Value::Int(n as i32).into();
    let sides: SmallVec<[Value; 8]> = [Value::Id(LEFT), Value::Id(RIGHT)].into_iter().collect();
    let properties = [
        (MEDIA_TYPE, Value::Id(AUDIO).into()),
        (MEDIA_SUBTYPE, Value::Id(RAW).into()),
        (AUDIO_FORMAT, Value::Id(F32).into()),
        (AUDIO_RATE, int(rate)),
        (AUDIO_CHANNELS, int(sides.len() as u32)),
        (AUDIO_POSITION, Choice::All(sides)),
    ];
    Built::object(OBJECT_FORMAT, ENUM_FORMAT, &properties)
}

/// A Buffers parameter: kinds of memory, and, for who gives pictures, how many bytes they and their rows have.
pub(super) fn buffers(kinds: &[u32], bytes: Option<(usize, usize)>) -> Built {
    let int = |n: usize| Value::Int(i32::try_from(n).unwrap_or(i32::MAX));
    let bits = kinds.iter().fold(0, |bits, kind| bits | 1 << kind);
    let mut properties = vec![];
    if let Some((size, stride)) = bytes {
        properties.extend([
            (1, Choice::Range(Value::Int(8), Value::Int(2), Value::Int(64))),
            (2, Value::Int(1).into()),
            (3, int(size).into()),
            (4, int(stride).into()),
        ]);
    }
    properties.push((6, Choice::Flags(Value::Int(bits))));
    Built::object(OBJECT_BUFFERS, BUFFERS, &properties)
}

/// A Meta parameter: what is to be told of each picture, and the bytes it takes.
pub(super) fn meta(kind: u32, bytes: usize) -> Built {
    let properties: SmallVec<[(u32, Choice); 2]> =
        [(1, Value::Id(kind).into()), (2, Value::Int(bytes as i32).into())].into_iter().collect();
    Built::object(OBJECT_META, META, &properties)
}

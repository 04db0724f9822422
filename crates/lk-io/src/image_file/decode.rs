// SPDX-License-Identifier: GPL-2.0-or-later
//! From the bytes of a file to frames.

use super::color::Converter;
use super::jpeg;
use image::codecs::bmp::BmpDecoder;
use image::codecs::gif::GifDecoder;
use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::{LoopCount, Orientation};
use image::{AnimationDecoder, ColorType, DynamicImage, ImageDecoder, ImageError, ImageFormat, Limits};
use lk_media::frame::PlaneLayout;
use lk_media::{Error, ErrorKind, Frame, FrameSpec, HostMemory, PixelFormat, Result, Size, Timestamp};
use std::io::Cursor;
use std::num::NonZeroU32;
use std::time::Duration;

/// What a decoder may allocate, and a single decoded picture hold.
const MAX_ALLOCATION: u64 = 512 << 20;
/// What all pictures of an animation may hold together.
const MAX_ANIMATION: usize = 256 << 20;

/// The pictures of a file, upright and in sRGB.
pub(super) struct Decoded {
    pub pictures: Vec<DynamicImage>,
    /// As the file says; one for each picture.
    pub delays: Vec<Duration>,
    /// How often an animation plays; None is for ever.
    pub plays: Option<NonZeroU32>,
}

/// Decodes a file of any kind we know; `name` is for warnings.
pub(super) fn decode(bytes: &[u8], name: &str) -> Result<Decoded> {
    let reader = Cursor::new(bytes);
    match image::guess_format(bytes) {
        Ok(ImageFormat::Png) => {
            let decoder = PngDecoder::with_limits(reader, limits()).map_err(broken)?;
            let animated = decoder.is_apng().unwrap_or(false);
            let wide = !matches!(
                decoder.color_type(),
                ColorType::L8 | ColorType::La8 | ColorType::Rgb8 | ColorType::Rgba8
            );
            if animated && wide {
                tracing::warn!(
                    "{name}: only the first picture is shown: its pixels have 16 bits a component"
                );
            }
            if animated && !wide { apng(decoder, name) } else { still(decoder, name) }
        }
        Ok(ImageFormat::Gif) => gif(GifDecoder::new(reader).map_err(broken)?, bytes, name),
        Ok(ImageFormat::WebP) => {
            let decoder = WebPDecoder::new(reader).map_err(broken)?;
            if decoder.has_animation() { webp(decoder, name) } else { still(decoder, name) }
        }
        Ok(ImageFormat::Jpeg) => {
            let decoded = still(JpegDecoder::new(reader).map_err(broken)?, name)?;
            if jpeg::is_whole(bytes) { Ok(decoded) } else { Err(cut_off()) }
        }
        Ok(ImageFormat::Bmp) => still(BmpDecoder::new(reader).map_err(broken)?, name),
        Ok(other) => Err(Error::new(ErrorKind::Media, format!("{other:?} pictures are not supported"))
            .with_hint("save it as png, jpeg, bmp, webp or gif")),
        Err(_) if bytes.is_empty() => Err(Error::new(ErrorKind::Media, "there are no bytes")
            .with_hint("whatever wrote it did not finish; write or copy it again")),
        Err(_) => Err(Error::new(ErrorKind::Media, "not a picture that is known here")
            .with_hint("png, jpeg, bmp, webp and gif are; clips are opened as video")),
    }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(Size::MAX_SIDE);
    limits.max_image_height = Some(Size::MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOCATION);
    limits
}

/// What a file says about its pictures.
struct About {
    profile: Option<Vec<u8>>,
    orientation: Orientation,
}

impl About {
    /// Looks at size, profile and orientation before anything large is allocated.
    fn of(decoder: &mut impl ImageDecoder, name: &str) -> Result<Self> {
        let (width, height) = decoder.dimensions();
        if let Err(error) = Size::checked(width, height) {
            let hint = error.hint().unwrap_or_default().to_owned();
            return Err(Error::new(ErrorKind::Media, error.message()).with_hint(hint));
        }
        if decoder.total_bytes() > MAX_ALLOCATION {
            return Err(too_large());
        }
        decoder.set_limits(limits()).map_err(broken)?;
        let profile = decoder.icc_profile().unwrap_or_else(|error| {
            tracing::warn!("{name}: colour profile ignored: {error}");
            None
        });
        let orientation = decoder.orientation().unwrap_or_else(|error| {
            tracing::warn!("{name}: orientation ignored: {error}");
            Orientation::NoTransforms
        });
        Ok(Self { profile, orientation })
    }

    /// Makes pictures upright and sRGB.
    fn apply(&self, pictures: &mut [DynamicImage], name: &str) {
        let Some(pixels) = pictures.first().map(DynamicImage::color) else {
            return;
        };
        let converter = self.profile.as_deref().and_then(|profile| Converter::new(profile, pixels, name));
        for picture in pictures {
            if let Some(converter) = &converter {
                let pixels = std::mem::take(picture);
                *picture = converter.convert(pixels, name);
            }
            picture.apply_orientation(self.orientation);
        }
    }
}

fn still(mut decoder: impl ImageDecoder, name: &str) -> Result<Decoded> {
    let about = About::of(&mut decoder, name)?;
    let mut pictures = vec![DynamicImage::from_decoder(decoder).map_err(broken)?];
    about.apply(&mut pictures, name);
    Ok(Decoded { pictures, delays: vec![Duration::ZERO], plays: None })
}

fn apng(mut decoder: PngDecoder<Cursor<&[u8]>>, name: &str) -> Result<Decoded> {
    let about = About::of(&mut decoder, name)?;
    let decoder = decoder.apng().map_err(broken)?;
    let plays = plays(decoder.loop_count());
    animation(decoder.into_frames(), about, plays, name)
}

fn webp(mut decoder: WebPDecoder<Cursor<&[u8]>>, name: &str) -> Result<Decoded> {
    let about = About::of(&mut decoder, name)?;
    let plays = plays(decoder.loop_count());
    animation(decoder.into_frames(), about, plays, name)
}

fn gif(mut decoder: GifDecoder<Cursor<&[u8]>>, bytes: &[u8], name: &str) -> Result<Decoded> {
    let about = About::of(&mut decoder, name)?;
    // browsers play a gif once if it does not ask for more, and take the number that it gives for the
    // repetitions after the first time; the decoder reports "does not say" as "for ever"
    let says = bytes.windows(11).any(|w| w == b"NETSCAPE2.0" || w == b"ANIMEXTS1.0");
    let plays = match decoder.loop_count() {
        _ if !says => Some(NonZeroU32::MIN),
        other => plays(other).map(|repetitions| repetitions.saturating_add(1)),
    };
    animation(decoder.into_frames(), about, plays, name)
}

fn plays(count: LoopCount) -> Option<NonZeroU32> {
    match count {
        LoopCount::Infinite => None,
        LoopCount::Finite(n) => Some(n),
    }
}

fn animation(
    frames: image::Frames<'_>,
    about: About,
    plays: Option<NonZeroU32>,
    name: &str,
) -> Result<Decoded> {
    let (mut pictures, mut delays, mut used) = (Vec::new(), Vec::new(), 0);
    for frame in frames {
        let frame = frame.map_err(broken)?;
        let (numerator, denominator) = frame.delay().numer_denom_ms();
        let delay = u64::from(numerator) * 1_000_000 / u64::from(denominator.max(1));
        let picture = frame.into_buffer();
        used += picture.as_raw().len();
        if used > MAX_ANIMATION && !pictures.is_empty() {
            let message = format!("the animation needs more than {} MB decoded", MAX_ANIMATION >> 20);
            return Err(Error::new(ErrorKind::Media, message)
                .with_hint("make a video of it, for example: ffmpeg -i animation.gif animation.mp4"));
        }
        pictures.push(DynamicImage::from(picture));
        delays.push(Duration::from_nanos(delay));
    }
    if pictures.is_empty() {
        return Err(Error::new(ErrorKind::Media, "there is no picture in it").with_hint("save it again"));
    }
    about.apply(&mut pictures, name);
    Ok(Decoded { pictures, delays, plays })
}

fn cut_off() -> Error {
    Error::new(ErrorKind::Media, "the picture is cut off: the file ends too early")
        .with_hint("copy or download it again")
}

fn too_large() -> Error {
    let message = format!("the picture needs more than {} MB decoded", MAX_ALLOCATION >> 20);
    Error::new(ErrorKind::Media, message).with_hint("scale it down first")
}

/// What a decoder says, in our words.
fn broken(error: ImageError) -> Error {
    let end = |error: &std::io::Error| error.kind() == std::io::ErrorKind::UnexpectedEof;
    match error {
        ImageError::Limits(ref limit) if format!("{:?}", limit.kind()).contains("Dimension") => Error::new(
            ErrorKind::Media,
            "the picture is too large",
        )
        .with_hint(format!("sides of up to {} pixels are possible; scale it down first", Size::MAX_SIDE)),
        ImageError::Limits(_) => too_large(),
        ImageError::IoError(ref error) if end(error) => cut_off(),
        ImageError::Unsupported(ref what) => Error::new(ErrorKind::Media, format!("not supported: {what}"))
            .with_hint("save it as an ordinary png or jpeg"),
        ref other => Error::new(ErrorKind::Media, format!("the picture is damaged: {other}"))
            .with_hint("copy or download it again; if other programs show it, let one save it as png"),
    }
    .with_source(error)
}

/// A picture in memory of its own: pictures of files live as long as the file is open, and the pool is for
/// those that come and go.
struct Owned {
    bytes: Vec<u8>,
    layout: PlaneLayout,
}

impl HostMemory for Owned {
    fn layout(&self, _plane: usize) -> PlaneLayout {
        self.layout
    }
    fn plane(&self, _plane: usize) -> &[u8] {
        &self.bytes
    }
}

/// Frames of pictures: all with alpha if one of them has a pixel that is not opaque.
pub(super) fn publish(pictures: Vec<DynamicImage>) -> Result<Vec<Frame>> {
    // 16 bits become 8 here, rounded to nearest
    let eight_bits = |picture: DynamicImage| match picture.color().has_alpha() {
        true => DynamicImage::from(picture.into_rgba8()),
        false => DynamicImage::from(picture.into_rgb8()),
    };
    let pictures: Vec<DynamicImage> = pictures.into_iter().map(eight_bits).collect();
    let opaque = pictures.iter().all(|picture| match picture {
        DynamicImage::ImageRgba8(pixels) => pixels.as_raw().as_chunks::<4>().0.iter().all(|px| px[3] == 255),
        _ => true,
    });
    pictures.into_iter().map(|picture| publish_one(picture, opaque)).collect()
}

fn publish_one(picture: DynamicImage, opaque: bool) -> Result<Frame> {
    let size = Size::new(picture.width(), picture.height());
    let (format, bytes) = if opaque {
        let bytes = match picture {
            DynamicImage::ImageRgba8(pixels) => drop_alpha(pixels.into_raw()),
            other => other.into_rgb8().into_raw(),
        };
        (PixelFormat::Bgr, swap_red_and_blue::<3>(bytes))
    } else {
        (PixelFormat::Bgra, swap_red_and_blue::<4>(picture.into_rgba8().into_raw()))
    };
    let spec = FrameSpec::of(format, size);
    let (stride, rows) = format.plane_extent(size, 0);
    Frame::from_memory(spec, Box::new(Owned { bytes, layout: PlaneLayout { stride, rows } }), Timestamp::ZERO)
}

fn swap_red_and_blue<const N: usize>(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.as_chunks_mut::<N>().0.iter_mut().for_each(|px| px.swap(0, 2));
    bytes
}

fn drop_alpha(bytes: Vec<u8>) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() / 4 * 3);
    out.extend(bytes.as_chunks::<4>().0.iter().flat_map(|&[r, g, b, _]| [r, g, b]));
    out
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! Pictures that come as a JPEG each, as cameras give them.

use super::decode::{Decoder, Received};
use super::from_av::{Tags, color_of, to_frame};
use super::sws::Scaler;
use ffmpeg_next::{Packet, frame};
use lk_media::{Frame, Range, Result, Siting, Timestamp};

/// The last bytes of a JPEG.
const END: [u8; 2] = [0xff, 0xd9];

/// Decodes JPEGs one by one, none of which waits for the next.
pub(crate) struct MjpegDecoder {
    decoder: Decoder,
    scaler: Scaler,
}

impl MjpegDecoder {
    /// For the pictures of what messages call `name`.
    pub(crate) fn new(name: &str) -> Result<Self> {
        Ok(Self { decoder: Decoder::for_jpegs(name)?, scaler: Scaler::default() })
    }

    /// The picture in `bytes`; None if they are damaged or cut off.
    pub(crate) fn decode(&mut self, bytes: &[u8], at: Timestamp) -> Result<Option<Frame>> {
        // the decoder would show the upper part of a picture that was cut off
        if !bytes.windows(END.len()).rev().any(|w| w == END) {
            return Ok(None);
        }
        let before = self.decoder.damaged();
        self.decoder.send(Some(&Packet::copy(bytes)))?;
        let mut raw = frame::Video::empty();
        match self.decoder.receive(&mut raw)? {
            Received::Frame if self.decoder.damaged() == before => {}
            Received::Frame | Received::Hungry | Received::End => return Ok(None),
        }
        let mut color = color_of(Tags::of(&raw), 0);
        (color.range, color.siting) = (Range::Full, Siting::Center);
        to_frame(&raw, color, &mut self.scaler, at).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lk_media::{ColorSpace, FrameSpec, PixelFormat, Size};

    /// A JPEG of one colour.
    fn jpeg(rgb: [u8; 3]) -> Vec<u8> {
        let picture = image::RgbImage::from_pixel(32, 16, image::Rgb(rgb));
        let mut bytes = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn each_picture_comes_out_at_once_and_damaged_ones_do_not() {
        let mut decoder = MjpegDecoder::new("cam").unwrap();
        let colors = [[200, 30, 30], [30, 200, 30], [30, 30, 200]];
        for (n, rgb) in colors.into_iter().enumerate() {
            let (bytes, at) = (jpeg(rgb), Timestamp::from_nanos(n as i64));
            assert!(decoder.decode(&bytes[..bytes.len() / 2], at).unwrap().is_none());
            let frame = decoder.decode(&bytes, at).unwrap().expect("a whole picture");
            assert_eq!((frame.size(), frame.timestamp()), (Size::new(32, 16), at));
            assert_eq!(frame.spec().color.range, ColorSpace::JPEG.range);
            let shown = frame.convert(FrameSpec::of(PixelFormat::Rgb, frame.size())).unwrap().map_native();
            let pixel = &shown.plane(0).row(8)[48..51];
            assert!(pixel.iter().zip(rgb).all(|(a, b)| a.abs_diff(b) <= 4), "{pixel:?} is not {rgb:?}");
        }
    }

    #[test]
    fn hostile_bytes_are_survived() {
        let mut decoder = MjpegDecoder::new("cam").unwrap();
        let whole = jpeg([90, 90, 90]);
        for at in (2..whole.len() - 2).step_by(7) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x5a;
            drop(decoder.decode(&bytes, Timestamp::ZERO).unwrap());
        }
        assert!(decoder.decode(&whole, Timestamp::ZERO).unwrap().is_some());
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! Pictures to packets.

use super::{Packet, StreamInfo, StreamKind, VideoSettings, choose, quality, suggest};
use crate::av::encoder::options::plain;
use crate::av::encoder::{Draft, Running, VideoSetup};
use crate::av::to_av::{Feeder, Pixel, PixelInfo};
use lk_media::{Error, ErrorKind, Frame, FrameSpec, Result, Size};

/// x265 tells what it does on the terminal, past every log, unless its own list says otherwise.
const X265_LIST: &str = "x265-params";
const X265_QUIET: &str = "log-level=error";

/// An encoder of pictures. It starts no thread of ours and keeps no clock: a frame's time is its index at the
/// settings' rate.
///
/// What comes out is tagged BT.709, limited range, chroma to the left (RGB codecs: sRGB).
pub struct VideoEncoder {
    running: Running,
    feeder: Feeder,
}

impl VideoEncoder {
    /// Opens the encoder. `global_header` puts headers beside the packets, as MP4, MKV and FLV want them, and not
    /// into them (MPEG-TS); see [`crate::mux::ContainerChoice::wants_global_header`].
    pub fn open(settings: &VideoSettings, global_header: bool) -> Result<Self> {
        let size = Size::checked(settings.size.width, settings.size.height)?;
        let asked = settings.codec.as_deref().unwrap_or("h264");
        let encoder = choose::encoder_for(asked, StreamKind::Video, &settings.options)?;
        let mut draft = Draft::new(&encoder.name, settings.threads)?;
        let pixel = choose_pixel(&encoder.name, &draft.pixels(), pix_fmt(&settings.options))?;
        check_even(&encoder.name, &pixel, size)?;
        let mut object = draft.object();
        let (crf, has_qp) = (object.range("crf"), object.range("qp").is_some());
        for (name, value) in quality::options(settings, encoder, crf, has_qp)? {
            object.set(name, &value)?;
        }
        if encoder.name == "libx265" && !settings.options.iter().any(|(name, _)| plain(name) == X265_LIST) {
            object.set(X265_LIST, X265_QUIET)?;
        }
        for (name, value) in settings.options.iter().filter(|(name, _)| plain(name) != "pix_fmt") {
            match (plain(name), value.parse::<f64>()) {
                (X265_LIST, _) => object.set(X265_LIST, &format!("{X265_QUIET}:{value}"))?,
                ("qscale" | "q", Ok(step)) => {
                    for (name, value) in quality::qscale(step) {
                        object.set(name, &value)?;
                    }
                }
                _ => object.set(name, value)?,
            }
        }
        let pixel =
            Pixel::named(&pixel.name).ok_or_else(|| Error::internal("a pixel format lost its name"))?;
        let setup = VideoSetup { size, rate: settings.rate, pixel, global_header };
        Ok(Self { running: draft.open_video(&setup)?, feeder: Feeder::new(pixel, size)? })
    }

    /// What it is best given; frames of another format are converted.
    pub fn wish(&self) -> FrameSpec {
        self.feeder.wish()
    }

    /// What a muxer has to know.
    pub fn stream(&self) -> StreamInfo {
        self.running.info().clone()
    }

    /// The encoder's name: "libx264".
    pub fn name(&self) -> &str {
        self.running.name()
    }

    /// Encodes the frame of that index; indices rise. `sink` is given the packets that are ready: none at first,
    /// since most encoders look ahead.
    pub fn encode(
        &mut self,
        frame: &Frame,
        index: u64,
        sink: &mut dyn FnMut(Packet) -> Result<()>,
    ) -> Result<()> {
        let wanted = self.feeder.wish().size;
        if frame.size() != wanted {
            return Err(Error::format(format!("a frame of {} for an encoder of {wanted}", frame.size()))
                .with_hint("all frames of an output have one size; scale with a compositor layer"));
        }
        let mut fed = self.feeder.feed(frame, index)?;
        self.running.prepare(&mut fed);
        self.running.send(Some(&fed), sink)
    }

    /// Ends the stream; `sink` is given the rest.
    pub fn finish(&mut self, sink: &mut dyn FnMut(Packet) -> Result<()>) -> Result<()> {
        self.running.send(None, sink)
    }
}

fn pix_fmt(options: &[(String, String)]) -> Option<&str> {
    options.iter().rev().find(|(name, _)| plain(name) == "pix_fmt").map(|(_, value)| value.as_str())
}

/// The format asked for if the encoder has it; otherwise the best: yuv420p, which everything plays, motion JPEG's
/// own, one that is ours as it is, or else the encoder's first.
fn choose_pixel(encoder: &str, there_are: &[PixelInfo], asked: Option<&str>) -> Result<PixelInfo> {
    let has = |name: &str| there_are.iter().find(|p| p.name == name).cloned();
    if let Some(asked) = asked {
        let known = Pixel::named(asked).and_then(Pixel::info);
        if there_are.is_empty() {
            return known.ok_or_else(|| no_pixel(encoder, asked, there_are));
        }
        return known.and_then(|p| has(&p.name)).ok_or_else(|| no_pixel(encoder, asked, there_are));
    }
    // in the order of everyday use; motion JPEG alone puts its own format before yuv420p
    let usual = ["yuv420p", "nv12", "bgr0", "rgb0", "bgr24", "rgb24", "bgra", "rgba"];
    let found = match there_are.first() {
        Some(first) if first.name == "yuvj420p" => Some(first.clone()),
        _ if encoder == "gif" => has("rgb8"),
        // those of studios have neither and come first with what they are for: 10 bits, 4:2:2
        _ => usual.iter().find_map(|name| has(name)),
    };
    let fallback = || Pixel::named("yuv420p").and_then(Pixel::info);
    found
        .or_else(|| there_are.first().cloned())
        .or_else(fallback)
        .ok_or_else(|| Error::internal("FFmpeg does not know yuv420p"))
}

fn no_pixel(encoder: &str, asked: &str, there_are: &[PixelInfo]) -> Error {
    let names: Vec<&str> = there_are.iter().map(|p| p.name.as_str()).collect();
    let known = if Pixel::named(asked).is_some() { "cannot encode" } else { "does not know" };
    let near = suggest::nearest(asked, names.iter().copied());
    let near =
        if near.is_empty() { String::new() } else { format!("did you mean {}? ", suggest::or_list(&near)) };
    Error::new(ErrorKind::Encoder, format!("the encoder {encoder} {known} the pix_fmt {asked:?}"))
        .with_hint(format!("{near}it can {}", names.join(", ")))
}

fn check_even(encoder: &str, pixel: &PixelInfo, size: Size) -> Result<()> {
    let (across, down) = pixel.chroma_step;
    let next = Size::new(size.width.next_multiple_of(across), size.height.next_multiple_of(down));
    if next == size {
        return Ok(());
    }
    Err(Error::format(format!(
        "{encoder} cannot encode {} pictures of {size}: neighbouring pixels share their colour",
        pixel.name
    ))
    .with_hint(format!("use {next}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(name: &str) -> PixelInfo {
        Pixel::named(name).and_then(Pixel::info).unwrap()
    }

    #[test]
    fn the_best_pixel_format() {
        let choose = |names: &[&str], asked| {
            let list: Vec<PixelInfo> = names.iter().map(|n| info(n)).collect();
            choose_pixel("x", &list, asked).map(|p| p.name)
        };
        assert_eq!(choose(&["yuv444p", "yuv420p"], None).unwrap(), "yuv420p");
        assert_eq!(choose(&["yuv422p10le", "yuv444p10le"], None).unwrap(), "yuv422p10le");
        assert_eq!(choose(&["gray", "rgb24"], None).unwrap(), "rgb24");
        assert_eq!(choose(&["yuv420p", "yuv444p"], Some("yuv444p")).unwrap(), "yuv444p");
        assert_eq!(choose(&[], None).unwrap(), "yuv420p");
        let e = choose(&["yuv420p", "yuv444p"], Some("yuv44p")).err().unwrap();
        assert!(e.hint().unwrap().contains("yuv444p"), "{e}");
    }

    #[test]
    fn odd_sizes_name_the_next() {
        let e = check_even("libx264", &info("yuv420p"), Size::new(101, 50)).err().unwrap();
        assert_eq!((e.kind(), e.hint()), (ErrorKind::Format, Some("use 102x50")));
        assert!(check_even("png", &info("rgb24"), Size::new(101, 51)).is_ok());
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! `livekit-studio probe`: what is in a file, for people or as JSON.

use crate::args::ProbeArgs;
use crate::failure::Failure;
use crate::output::Output;
use livekit_studio::{
    Cancel, ColorSpace, Error, ImageFile, MediaInfo, OpenOptions, Range, VideoSource, is_picture,
};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Read;

/// Looks at a file or address and says what is there.
pub(crate) fn command(args: &ProbeArgs, output: Output, cancel: &Cancel) -> Result<(), Failure> {
    let (json, text) = if is_picture(&args.name)? {
        picture(&args.name, &ImageFile::open(&args.name)?)
    } else {
        let options = OpenOptions { timeout: args.timeout, cancel: cancel.clone(), ..OpenOptions::default() };
        media(&MediaInfo::open(&args.name, &options)?)?
    };
    output.result(&json, &text)
}

fn picture(name: &str, image: &ImageFile) -> (Value, String) {
    let frame = image.frame();
    let duration = image.duration().map(|d| d.as_secs_f64());
    let (size, format) = (frame.size(), format_of(name));
    let json = json!({
        "name": name,
        "format": format,
        "duration": duration,
        "picture": { "size": size, "pixel_format": frame.format().name(), "count": image.picture_count() },
    });
    let mut table = Table::new(name);
    let mut what = vec![format.to_owned(), size.to_string()];
    what.push(if frame.format().has_alpha() { "with transparency" } else { "opaque" }.to_owned());
    table.row("picture", &what.join(", "));
    if image.is_animated() {
        let length = duration.map_or_else(|| "repeats for ever".to_owned(), |d| format!("{d:.3} s"));
        table.row("animation", &format!("{} pictures, {length}", image.picture_count()));
    }
    (json, table.0)
}

/// The picture format a file's first bytes are of.
fn format_of(name: &str) -> &'static str {
    let mut head = [0; 12];
    let read = File::open(name).and_then(|mut f| f.read(&mut head)).unwrap_or(0);
    match &head[..read] {
        [0x89, b'P', b'N', b'G', ..] => "png",
        [0xff, 0xd8, ..] => "jpeg",
        [b'G', b'I', b'F', ..] => "gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P'] => "webp",
        [b'B', b'M', ..] => "bmp",
        _ => "picture",
    }
}

fn media(info: &MediaInfo) -> Result<(Value, String), Failure> {
    let json = serde_json::to_value(info)
        .map_err(|e| Error::internal(format!("what was found is not JSON: {e}")))?;
    let mut table = Table::new(&info.name);
    table.row("container", &info.format);
    let length =
        info.duration().map_or_else(|| "unknown".to_owned(), |d| format!("{:.3} s", d.as_secs_f64()));
    table.row("length", &length);
    if let Some(rate) = info.bitrate {
        table.row("bit rate", &bits(rate));
    }
    for v in &info.video {
        let mut what = vec![v.codec.clone(), v.size.to_string()];
        if v.coded_size != v.size {
            what.push(format!("stored as {}", v.coded_size));
        }
        if v.rotation != 0 {
            what.push(format!("turned by {} degrees", v.rotation));
        }
        what.extend(v.fps.map(|r| format!("{r} frames a second")));
        what.extend(v.pixel_format.clone());
        what.push(color(v.color));
        what.extend(v.interlaced.then(|| "interlaced".to_owned()));
        what.extend(v.bitrate.map(bits));
        table.row(&format!("video {}", v.index), &what.join(", "));
    }
    for a in &info.audio {
        let mut what = vec![a.codec.clone(), format!("{} Hz", a.sample_rate), a.layout.clone()];
        what.extend(a.bitrate.map(bits));
        table.row(&format!("audio {}", a.index), &what.join(", "));
    }
    Ok((json, table.0))
}

fn color(space: ColorSpace) -> String {
    let range = if space.range == Range::Full { "full range" } else { "limited range" };
    format!("{:?} {range}", space.matrix).to_lowercase()
}

fn bits(rate: u64) -> String {
    match rate {
        1_000_000.. => format!("{:.1} Mbit/s", rate as f64 / 1e6),
        _ => format!("{:.0} kbit/s", rate as f64 / 1e3),
    }
}

/// A heading and rows below it.
struct Table(String);

impl Table {
    fn new(heading: &str) -> Self {
        Self(heading.to_owned())
    }

    fn row(&mut self, key: &str, value: &str) {
        self.0 += &format!("\n  {key:<10} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_units() {
        let mut table = Table::new("a.mp4");
        table.row("length", "1.000 s");
        assert_eq!(table.0, "a.mp4\n  length     1.000 s");
        assert_eq!((bits(128_000), bits(2_500_000)), ("128 kbit/s".to_owned(), "2.5 Mbit/s".to_owned()));
        assert_eq!(color(ColorSpace::BT709), "bt709 limited range");
    }
}

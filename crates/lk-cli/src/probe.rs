// SPDX-License-Identifier: GPL-2.0-or-later
//! `livekit-studio probe`: what is in a file, for people or as JSON.

use crate::args::ProbeArgs;
use crate::failure::Failure;
use crate::output::Output;
use livekit_studio::{Cancel, Error, ImageFile, MediaInfo, OpenOptions, VideoSource, is_picture};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Read;

/// Looks at a file or address and says what is there.
pub(crate) fn command(args: &ProbeArgs, output: Output, cancel: &Cancel) -> Result<(), Failure> {
    let (json, text) = if is_picture(&args.name)? {
        picture(&args.name, &ImageFile::open(&args.name)?)
    } else {
        let options = OpenOptions { timeout: args.timeout, cancel: cancel.clone(), ..OpenOptions::default() };
        let info = MediaInfo::open(&args.name, &options)?;
        let json = serde_json::to_value(&info)
            .map_err(|e| Error::internal(format!("what was found is not JSON: {e}")))?;
        (json, info.to_string())
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
    fn rows_line_up() {
        let mut table = Table::new("a.mp4");
        table.row("length", "1.000 s");
        assert_eq!(table.0, "a.mp4\n  length     1.000 s");
    }
}

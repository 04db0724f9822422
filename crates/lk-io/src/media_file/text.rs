// SPDX-License-Identifier: GPL-2.0-or-later
//! What is in a file, in words: a line for the file and each of its streams.

use super::{AudioInfo, MediaInfo, VideoInfo};
use lk_media::{ColorSpace, Range};
use std::fmt::{Display, Formatter, Result};

impl Display for MediaInfo {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}", self.name)?;
        row(f, "container", &self.format)?;
        match self.duration() {
            Some(d) => row(f, "length", &format!("{:.3} s", d.as_secs_f64()))?,
            None => row(f, "length", "unknown")?,
        }
        if let Some(rate) = self.bitrate {
            row(f, "bit rate", &bits(rate))?;
        }
        for v in &self.video {
            row(f, &format!("video {}", v.index), &video(v))?;
        }
        for a in &self.audio {
            row(f, &format!("audio {}", a.index), &audio(a))?;
        }
        Ok(())
    }
}

fn row(f: &mut Formatter<'_>, key: &str, value: &str) -> Result {
    write!(f, "\n  {key:<10} {value}")
}

fn video(v: &VideoInfo) -> String {
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
    what.join(", ")
}

fn audio(a: &AudioInfo) -> String {
    let mut what = vec![a.codec.clone(), format!("{} Hz", a.sample_rate), a.layout.clone()];
    what.extend(a.bitrate.map(bits));
    what.join(", ")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        assert_eq!((bits(128_000), bits(2_500_000)), ("128 kbit/s".to_owned(), "2.5 Mbit/s".to_owned()));
        assert_eq!(color(ColorSpace::BT709), "bt709 limited range");
    }
}

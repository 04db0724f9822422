// SPDX-License-Identifier: GPL-2.0-or-later
//! What pictures a camera offers, and which of them are taken.

use super::CameraOptions;
use crate::encode::suggest::or_list;
use lk_media::{Error, FrameRate, PixelFormat, Result, Size};
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Frames a second that are looked for when nothing else is said.
const USUAL_FPS: f64 = 30.0;
/// Rates that differ by less than this part are the same: 30 and 30000/1001.
const SAME: f64 = 0.005;
/// Sizes that are tried where a camera offers every size between two, largest first.
const USUAL_SIZES: [Size; 9] = [
    Size::new(1920, 1080),
    Size::new(1280, 720),
    Size::new(1024, 768),
    Size::new(800, 600),
    Size::new(640, 480),
    Size::new(640, 360),
    Size::new(352, 288),
    Size::new(320, 240),
    Size::new(160, 120),
];
/// The same for rates.
const USUAL_RATES: [u32; 6] = [60, 50, 30, 25, 15, 5];
/// Sizes that messages list.
const LISTED: usize = 12;

/// How pictures come from a camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CameraFormat {
    /// As pixels.
    Raw(PixelFormat),
    /// Each picture as a JPEG.
    Mjpeg,
}

impl CameraFormat {
    /// All of them; of those that come at the same size and rate the first is taken.
    pub const ALL: [Self; 8] = [
        Self::Raw(PixelFormat::Nv12),
        Self::Raw(PixelFormat::I420),
        Self::Raw(PixelFormat::Yuy2),
        Self::Raw(PixelFormat::Bgra),
        Self::Raw(PixelFormat::Rgba),
        Self::Raw(PixelFormat::Bgr),
        Self::Raw(PixelFormat::Rgb),
        Self::Mjpeg,
    ];

    /// Its name: that of the pixel format, or "mjpeg".
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw(format) => format.name(),
            Self::Mjpeg => "mjpeg",
        }
    }

    fn rank(self) -> usize {
        Self::ALL.iter().position(|f| *f == self).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for CameraFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for CameraFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl FromStr for CameraFormat {
    type Err = Error;
    /// The names of pixel formats, "mjpeg", and what cameras call them ("YUYV", "MJPG").
    fn from_str(name: &str) -> Result<Self> {
        let pixels = match name.to_ascii_lowercase().as_str() {
            "mjpeg" | "mjpg" | "jpeg" => return Ok(Self::Mjpeg),
            "yuyv" => "yuyv422",
            "yu12" => "yuv420p",
            _ => name,
        };
        let names = Self::ALL.map(Self::name);
        pixels.parse().map(Self::Raw).map_err(|_| {
            Error::format(format!("cameras have no format {name:?}"))
                .with_hint(format!("one of {}", or_list(&names)))
        })
    }
}

/// A way in which a camera gives its pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CameraMode {
    /// Columns and rows.
    pub size: Size,
    /// Frames a second.
    #[serde(serialize_with = "as_fps")]
    pub rate: FrameRate,
    /// How they come.
    pub format: CameraFormat,
}

fn as_fps<S: Serializer>(rate: &FrameRate, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_f64(fps(*rate))
}

/// Frames a second to the thousandth: drivers say 30.00003.
fn fps(rate: FrameRate) -> f64 {
    (rate.as_f64() * 1e3).round() / 1e3
}

impl fmt::Display for CameraMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} fps {}", self.size, fps(self.rate), self.format)
    }
}

/// Sizes on offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sizes {
    One(Size),
    /// All from `min` to `max` in steps.
    #[cfg_attr(windows, allow(dead_code))] // DirectShow lists its sizes
    Range {
        min: Size,
        max: Size,
        step: Size,
    },
}

impl Sizes {
    fn has(&self, size: Size) -> bool {
        let fits = |n: u32, min: u32, max: u32, step: u32| {
            (min..=max).contains(&n) && (n - min).is_multiple_of(step.max(1))
        };
        match self {
            Self::One(one) => *one == size,
            Self::Range { min, max, step } => {
                fits(size.width, min.width, max.width, step.width)
                    && fits(size.height, min.height, max.height, step.height)
            }
        }
    }

    /// The sizes people choose from, or the one that is `wanted`.
    fn named(&self, wanted: Option<Size>) -> Vec<Size> {
        match (self, wanted) {
            (_, Some(size)) => Vec::from_iter(self.has(size).then_some(size)),
            (Self::One(size), None) => vec![*size],
            (Self::Range { max, .. }, None) => {
                let usual: Vec<Size> = USUAL_SIZES.into_iter().filter(|s| self.has(*s)).collect();
                if usual.is_empty() { vec![*max] } else { usual }
            }
        }
    }
}

/// Rates on offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rates {
    Some(Vec<FrameRate>),
    /// All from the slowest to the fastest.
    Range(FrameRate, FrameRate),
    /// The camera does not say; this is the one it has now.
    Unknown(FrameRate),
}

impl Rates {
    fn named(&self, wanted: Option<FrameRate>) -> Vec<FrameRate> {
        let near = |rate: &FrameRate| wanted.is_none_or(|w| is_same(*rate, w));
        match (self, wanted) {
            (Self::Some(rates), _) => rates.iter().copied().filter(near).collect(),
            (Self::Unknown(rate), _) => vec![wanted.unwrap_or(*rate)],
            (Self::Range(slow, fast), Some(wanted)) => {
                let slow_enough = slow.as_f64() <= wanted.as_f64() * (1.0 + SAME);
                let fast_enough = fast.as_f64() >= wanted.as_f64() * (1.0 - SAME);
                Vec::from_iter((slow_enough && fast_enough).then_some(wanted))
            }
            (Self::Range(slow, fast), None) => {
                let within = |r: &FrameRate| r.as_f64() >= slow.as_f64() && r.as_f64() <= fast.as_f64();
                let usual = USUAL_RATES.iter().filter_map(|n| FrameRate::new(*n, 1).ok()).filter(within);
                let mut rates: Vec<FrameRate> = usual.collect();
                if rates.is_empty() {
                    rates.push(*fast);
                }
                rates
            }
        }
    }
}

fn is_same(a: FrameRate, b: FrameRate) -> bool {
    (a.as_f64() - b.as_f64()).abs() <= SAME * b.as_f64()
}

/// Pictures of one format that a camera offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    pub format: CameraFormat,
    pub sizes: Sizes,
    pub rates: Rates,
}

impl Offer {
    /// Whether a mode is one of it.
    pub(crate) fn has(&self, mode: &CameraMode) -> bool {
        self.format == mode.format
            && self.sizes.has(mode.size)
            && !self.rates.named(Some(mode.rate)).is_empty()
    }
}

/// The modes of `offers` that `options` allow; of ranges those that people choose from.
fn allowed<'a>(offers: &'a [Offer], options: &'a CameraOptions) -> impl Iterator<Item = CameraMode> + 'a {
    let right = |offer: &&Offer| options.format.is_none_or(|f| f == offer.format);
    offers.iter().filter(right).flat_map(move |offer| {
        let sizes = offer.sizes.named(options.size);
        sizes.into_iter().flat_map(move |size| {
            let rates = offer.rates.named(options.rate);
            rates.into_iter().map(move |rate| CameraMode { size, rate, format: offer.format })
        })
    })
}

/// What people are shown of `offers`: largest and fastest first.
pub(crate) fn modes(offers: &[Offer]) -> Vec<CameraMode> {
    let mut modes: Vec<CameraMode> = allowed(offers, &CameraOptions::default()).collect();
    let key = |m: &CameraMode| (std::cmp::Reverse((m.size.area(), m.size.width)), m.format.rank());
    modes.sort_by(|a, b| key(a).cmp(&key(b)).then(b.rate.as_f64().total_cmp(&a.rate.as_f64())));
    modes.dedup();
    modes
}

/// The mode that is taken: what is asked for; of the rest the largest that reaches 30 frames a second (or the rate
/// asked for), else the fastest. An error that lists what there is if nothing of `offers` is what is asked for.
pub(crate) fn choose(name: &str, offers: &[Offer], options: &CameraOptions) -> Result<CameraMode> {
    let wanted = options.rate.map_or(USUAL_FPS, FrameRate::as_f64);
    let reached = |m: &CameraMode| (m.rate.as_f64() / (wanted * (1.0 - SAME))).min(1.0);
    let better = |a: &CameraMode, b: &CameraMode| {
        let area = |m: &CameraMode| m.size.area();
        let excess = |m: &CameraMode| (m.rate.as_f64() - wanted).abs();
        reached(a)
            .total_cmp(&reached(b))
            .then(area(a).cmp(&area(b)))
            .then(excess(b).total_cmp(&excess(a)))
            .then(b.format.rank().cmp(&a.format.rank()))
    };
    allowed(offers, options).max_by(better).ok_or_else(|| unsupported(name, offers, options))
}

fn unsupported(name: &str, offers: &[Offer], options: &CameraOptions) -> Error {
    let mut words = Vec::new();
    words.extend(options.size.map(|s| s.to_string()));
    words.extend(options.rate.map(|r| format!("{} fps", fps(r))));
    words.extend(options.format.map(|f| f.to_string()));
    let all = modes(offers);
    if all.is_empty() {
        return Error::format(format!("{name} has no pictures of a kind that is understood"))
            .with_hint("it may give compressed video only, or have no signal");
    }
    // of a size that it has, everything is of interest; else which sizes it has
    let near: Vec<CameraMode> = all.iter().copied().filter(|m| options.size == Some(m.size)).collect();
    let listed = if near.is_empty() { by_size(&all, |_| 1) } else { by_size(&near, Vec::len) };
    Error::format(format!("{name} has no mode of {}", words.join(" "))).with_hint(format!("it has {listed}"))
}

/// "1280x720 (60 fps mjpeg; 10 fps yuyv422)" for each size, with so many of a format's rates as `rates` says.
fn by_size(modes: &[CameraMode], rates: impl Fn(&Vec<String>) -> usize) -> String {
    let mut sizes: Vec<Size> = modes.iter().map(|m| m.size).collect();
    sizes.dedup();
    let described = sizes.iter().take(LISTED).map(|size| {
        let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
        for format in CameraFormat::ALL {
            let of_format = modes.iter().filter(|m| m.size == *size && m.format == format);
            let all: Vec<String> = of_format.map(|m| fps(m.rate).to_string()).collect();
            let shown = all[..rates(&all).min(all.len())].join(", ");
            match groups.iter_mut().find(|(rates, _)| *rates == shown) {
                _ if shown.is_empty() => {}
                Some((_, formats)) => formats.push(format.name()),
                None => groups.push((shown, vec![format.name()])),
            }
        }
        let groups: Vec<String> =
            groups.iter().map(|(rates, formats)| format!("{rates} fps {}", formats.join(", "))).collect();
        format!("{size} ({})", groups.join("; "))
    });
    let more = if sizes.len() > LISTED { " and more" } else { "" };
    format!("{}{more}", described.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const YUYV: CameraFormat = CameraFormat::Raw(PixelFormat::Yuy2);

    fn rate(num: u32, den: u32) -> FrameRate {
        FrameRate::new(num, den).unwrap()
    }

    fn one(format: CameraFormat, width: u32, height: u32, rates: &[u32]) -> Offer {
        let rates = Rates::Some(rates.iter().map(|n| rate(*n, 1)).collect());
        Offer { format, sizes: Sizes::One(Size::new(width, height)), rates }
    }

    /// What an ordinary webcam offers.
    fn webcam() -> Vec<Offer> {
        vec![
            one(YUYV, 640, 480, &[30, 15]),
            one(YUYV, 1280, 720, &[10, 5]),
            one(YUYV, 1920, 1080, &[5]),
            one(CameraFormat::Mjpeg, 640, 480, &[60, 30]),
            one(CameraFormat::Mjpeg, 1280, 720, &[60, 30, 15]),
            one(CameraFormat::Mjpeg, 2304, 1536, &[2]),
        ]
    }

    fn chosen(offers: &[Offer], options: CameraOptions) -> String {
        choose("cam", offers, &options).map_or_else(|e| e.to_string(), |m| m.to_string())
    }

    #[test]
    fn the_largest_that_reaches_the_rate() {
        let with = |change: fn(&mut CameraOptions)| {
            let mut options = CameraOptions::default();
            change(&mut options);
            chosen(&webcam(), options)
        };
        assert_eq!(with(|_| ()), "1280x720 30 fps mjpeg");
        assert_eq!(with(|o| o.rate = Some(rate(5, 1))), "1920x1080 5 fps yuyv422");
        assert_eq!(with(|o| o.rate = Some(rate(60, 1))), "1280x720 60 fps mjpeg");
        assert_eq!(with(|o| o.rate = Some(rate(30000, 1001))), "1280x720 30 fps mjpeg");
        assert_eq!(with(|o| o.format = Some(YUYV)), "640x480 30 fps yuyv422");
        assert_eq!(with(|o| o.size = Some(Size::new(640, 480))), "640x480 30 fps yuyv422");
        assert_eq!(with(|o| o.size = Some(Size::new(1920, 1080))), "1920x1080 5 fps yuyv422");
        assert_eq!(chosen(&webcam()[1..3], CameraOptions::default()), "1280x720 10 fps yuyv422");
    }

    #[test]
    fn what_is_not_there_is_an_error_that_lists_what_is() {
        let options = CameraOptions { size: Some(Size::new(800, 600)), ..CameraOptions::default() };
        let error = choose("cam", &webcam(), &options).unwrap_err();
        assert_eq!(error.kind(), lk_media::ErrorKind::Format);
        assert_eq!(error.message(), "cam has no mode of 800x600");
        let sizes = "it has 2304x1536 (2 fps mjpeg), 1920x1080 (5 fps yuyv422), \
                     1280x720 (10 fps yuyv422; 60 fps mjpeg), 640x480 (30 fps yuyv422; 60 fps mjpeg)";
        assert_eq!(error.hint(), Some(sizes));
        let options =
            CameraOptions { size: Some(Size::new(640, 480)), rate: Some(rate(25, 1)), format: Some(YUYV) };
        assert!(
            choose("cam", &webcam(), &options).unwrap_err().message().ends_with("640x480 25 fps yuyv422")
        );
        assert!(chosen(&[], CameraOptions::default()).contains("no pictures of a kind"));
    }

    #[test]
    fn ranges_are_taken_at_their_word() {
        let sizes =
            Sizes::Range { min: Size::new(48, 32), max: Size::new(8192, 8192), step: Size::new(16, 2) };
        let range = |rates| Offer { format: YUYV, sizes: sizes.clone(), rates };
        let any = [range(Rates::Range(rate(1, 1), rate(120, 1)))];
        assert_eq!(chosen(&any, CameraOptions::default()), "1920x1080 30 fps yuyv422");
        let of = |w, h| CameraOptions { size: Some(Size::new(w, h)), ..CameraOptions::default() };
        assert_eq!(chosen(&any, of(4096, 2160)), "4096x2160 30 fps yuyv422");
        assert!(chosen(&any, of(4097, 2160)).contains("no mode of 4097x2160"));
        let rated = CameraOptions { rate: Some(rate(24, 1)), ..CameraOptions::default() };
        assert_eq!(chosen(&any, rated.clone()), "1920x1080 24 fps yuyv422");
        let unknown = [range(Rates::Unknown(rate(25, 1)))];
        assert_eq!(chosen(&unknown, CameraOptions::default()), "1920x1080 25 fps yuyv422");
        assert_eq!(chosen(&unknown, rated), "1920x1080 24 fps yuyv422");
        let odd = Sizes::Range { min: Size::new(100, 100), max: Size::new(110, 110), step: Size::new(1, 1) };
        let odd = [Offer { format: YUYV, sizes: odd, rates: Rates::Some(vec![rate(7, 1)]) }];
        assert_eq!(
            modes(&odd).iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["110x110 7 fps yuyv422"]
        );
    }

    #[test]
    fn formats_have_the_names_people_use() {
        assert_eq!("MJPG".parse::<CameraFormat>().unwrap(), CameraFormat::Mjpeg);
        assert_eq!("YUYV".parse::<CameraFormat>().unwrap(), YUYV);
        assert_eq!("nv12".parse::<CameraFormat>().unwrap().name(), "nv12");
        let error = "h264".parse::<CameraFormat>().unwrap_err();
        assert!(error.hint().unwrap().contains("mjpeg"), "{error}");
        for format in CameraFormat::ALL {
            assert_eq!(format.name().parse::<CameraFormat>().unwrap(), format);
        }
        let fast = CameraMode { size: Size::new(2, 2), rate: rate(10_000_000, 333_333), format: YUYV };
        assert_eq!(fast.to_string(), "2x2 30 fps yuyv422");
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! Compares frames, and leaves pictures of what differs.

use crate::reference::picture::{rgb_layout, stored_yuv};
use lk_media::{AlphaKind, Frame, Size};
use std::fmt;
use std::path::PathBuf;

/// How two frames differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The first pixel, in reading order, that differs by more than the tolerance.
    pub first: (u32, u32),
    /// What it is: R, G, B, A or Y, Cb, Cr.
    pub actual: [u8; 4],
    /// What it should be.
    pub expected: [u8; 4],
    /// The largest difference anywhere.
    pub max: u8,
    /// How many pixels differ by more than the tolerance.
    pub count: usize,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, actual, expected, max, count } = self;
        write!(
            f,
            "{count} pixels differ, by at most {max}; first {first:?}: {actual:?}, expected {expected:?}"
        )
    }
}

/// The bytes that belong to each pixel: premultiplied R, G, B, A, or Y, Cb, Cr and 255. Straight alpha is
/// multiplied out again, as `docs/rendering.md` says under "Tolerances".
fn pixels(frame: &Frame) -> Vec<[u8; 4]> {
    let spec = frame.spec();
    let Size { width, height } = spec.size;
    let mut pixels = Vec::with_capacity(spec.size.area());
    if spec.format.is_yuv() {
        let [y, u, v] = stored_yuv(frame);
        let (step_x, step_y) = spec.format.chroma_step();
        for j in 0..height {
            for i in 0..width {
                let (ci, cj) = ((i / step_x) as usize, (j / step_y) as usize);
                let values = [y.at(i as usize, j as usize), u.at(ci, cj), v.at(ci, cj), 255.0];
                pixels.push(values.map(|v| v as u8));
            }
        }
        return pixels;
    }
    let map = frame.map_native();
    let plane = map.plane(0);
    let (place, len) = rgb_layout(spec.format);
    for j in 0..height as usize {
        for pixel in plane.row(j).chunks_exact(len) {
            let alpha = if spec.format.has_alpha() { pixel[place[3]] } else { 255 };
            let color = |channel: usize| {
                let c = pixel[place[channel]];
                let straight = spec.alpha == AlphaKind::Straight;
                if straight { (f64::from(c) * f64::from(alpha) / 255.0).round() as u8 } else { c }
            };
            pixels.push([color(0), color(1), color(2), alpha]);
        }
    }
    pixels
}

/// How `actual` differs from `expected` by more than `tolerance` a byte, if it does. The specs must be equal.
pub fn compare(actual: &Frame, expected: &Frame, tolerance: u8) -> Option<Difference> {
    assert_eq!(actual.spec(), expected.spec(), "frames of different kinds cannot be compared");
    let width = actual.size().width as usize;
    let mut result: Option<Difference> = None;
    for (i, (a, e)) in pixels(actual).into_iter().zip(pixels(expected)).enumerate() {
        let max = a.iter().zip(e).map(|(a, e)| a.abs_diff(e)).max().unwrap_or(0);
        if max > tolerance {
            let first = ((i % width) as u32, (i / width) as u32);
            let d = result.get_or_insert(Difference { first, actual: a, expected: e, max: 0, count: 0 });
            d.count += 1;
            d.max = d.max.max(max);
        }
    }
    result
}

/// Panics if the frames differ by more than `tolerance`, after writing `actual`, `expected` and `diff` as PNG
/// files named after `name`. `scene` says what was rendered.
#[track_caller]
pub fn assert_close(name: &str, scene: &dyn fmt::Display, actual: &Frame, expected: &Frame, tolerance: u8) {
    if let Some(difference) = compare(actual, expected, tolerance) {
        let written = write_pictures(name, actual, expected);
        panic!("{name}: {} {}: {difference}\n{scene}\n{written}", actual.format(), actual.size());
    }
}

fn write_pictures(name: &str, actual: &Frame, expected: &Frame) -> String {
    let folder = pictures_folder();
    if let Err(e) = std::fs::create_dir_all(&folder) {
        return format!("no pictures: {}: {e}", folder.display());
    }
    let diff = pixels(actual).into_iter().zip(pixels(expected)).map(|(a, e)| {
        let [r, g, b, alpha] = std::array::from_fn(|i| a[i].abs_diff(e[i]).saturating_mul(40));
        [r.max(alpha), g.max(alpha), b.max(alpha), 255]
    });
    let pictures = [
        ("actual", visible(actual)),
        ("expected", visible(expected)),
        ("diff", diff.collect::<Vec<[u8; 4]>>()),
    ];
    let mut report = String::new();
    let Size { width, height } = actual.size();
    for (what, pixels) in pictures {
        let file: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        let path = folder.join(format!("{file}-{}-{what}.png", actual.format()));
        match image::save_buffer(&path, &pixels.concat(), width, height, image::ColorType::Rgba8) {
            Ok(()) => report += &format!("{}\n", path.display()),
            Err(e) => report += &format!("{}: {e}\n", path.display()),
        }
    }
    report
}

/// RGBA to look at; the colours of RGB pictures stay premultiplied, over black.
fn visible(frame: &Frame) -> Vec<[u8; 4]> {
    let color = frame.spec().color;
    let opaque = |[r, g, b, _]: [u8; 4]| [r, g, b, 255];
    let to_rgb = |[y, u, v, _]: [u8; 4]| {
        let [r, g, b] = color.yuv_to_rgb([y, u, v].map(f64::from)).map(|c| c.round().clamp(0.0, 255.0) as u8);
        [r, g, b, 255]
    };
    let is_yuv = frame.format().is_yuv();
    pixels(frame).into_iter().map(|p| if is_yuv { to_rgb(p) } else { opaque(p) }).collect()
}

/// `pixel_truth` in the temporary folder of the build, two folders above the test program's own.
fn pictures_folder() -> PathBuf {
    let target = std::env::current_exe().ok().and_then(|exe| exe.ancestors().nth(3).map(|p| p.join("tmp")));
    target.unwrap_or_else(std::env::temp_dir).join("pixel_truth")
}

#[cfg(test)]
mod tests {
    use super::*;
    use lk_media::{FrameSpec, PixelFormat, Timestamp};

    fn frame(format: PixelFormat, bytes: &[u8]) -> Frame {
        let spec = FrameSpec::of(format, Size::new(2, 2));
        Frame::from_packed(spec, bytes, Timestamp::ZERO).expect("four pixels")
    }

    #[test]
    fn the_first_difference_is_named() {
        let a = frame(PixelFormat::I420, &[10, 10, 10, 10, 100, 100]);
        let b = frame(PixelFormat::I420, &[10, 11, 10, 13, 100, 100]);
        assert_eq!(compare(&a, &b, 3), None);
        let d = compare(&a, &b, 2).expect("they differ");
        assert_eq!((d.first, d.max, d.count), ((1, 1), 3, 1));
        assert_eq!((d.actual, d.expected), ([10, 100, 100, 255], [13, 100, 100, 255]));
        assert_eq!(compare(&a, &b, 0).expect("they differ").first, (1, 0));
    }

    #[test]
    fn straight_alpha_is_compared_multiplied() {
        let a = frame(PixelFormat::Rgba, &[255, 0, 0, 1].repeat(4));
        let b = frame(PixelFormat::Rgba, &[0, 0, 0, 1].repeat(4));
        assert_eq!(compare(&a, &b, 0).expect("they differ").max, 1);
        let a = frame(PixelFormat::Rgba, &[255, 0, 0, 0].repeat(4));
        assert_eq!(compare(&a, &frame(PixelFormat::Rgba, &[0; 16]), 0), None);
    }
}

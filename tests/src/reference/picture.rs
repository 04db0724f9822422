// SPDX-License-Identifier: GPL-2.0-or-later
//! Bytes to numbers: a frame as the planes that one family or the other composites.

use super::plane::{Axis, Plane, chroma_axes, luma_axes};
use super::sampling::{bilinear, box_mean};
use lk_media::{AlphaKind, ColorSpace, Frame, PixelFormat};

/// Three premultiplied colour planes (0 to 255) and alpha (0 to 1).
pub struct Picture {
    /// R', G', B' or Y', Cb, Cr, each on its own grid.
    pub color: [Plane; 3],
    /// On the luma grid.
    pub alpha: Plane,
}

impl Picture {
    /// The frame as premultiplied R'G'B', at its own size, clamped to 0..255.
    pub fn rgb(frame: &Frame) -> Self {
        let spec = frame.spec();
        if !spec.format.is_yuv() {
            return stored_rgb(frame);
        }
        let [y, u, v] = stored_yuv(frame);
        let grid = y.axes();
        Self {
            color: planes_from_fn(grid, |i, j| {
                let (px, py) = (grid.0.position(i), grid.1.position(j));
                let yuv = [y.at(i, j), bilinear(&u, px, py), bilinear(&v, px, py)];
                spec.color.yuv_to_rgb(yuv).map(|c| c.clamp(0.0, 255.0))
            }),
            alpha: Plane::from_fn(grid, |_, _| 1.0),
        }
    }

    /// The frame as premultiplied Y'CbCr in the matrix and range of `color`, each plane on its own grid; RGB
    /// becomes 4:4:4.
    pub fn yuv(frame: &Frame, color: ColorSpace) -> Self {
        let own = frame.spec().color;
        if !frame.format().is_yuv() {
            return rgb_to_yuv(stored_rgb(frame), color);
        }
        let planes = stored_yuv(frame);
        let alpha = Plane::from_fn(planes[0].axes(), |_, _| 1.0);
        if (own.matrix, own.range) == (color.matrix, color.range) {
            return Self { color: planes, alpha };
        }
        let [y, u, v] = planes;
        let convert = |yuv| color.rgb_to_yuv(own.yuv_to_rgb(yuv));
        let luma = Plane::from_fn(y.axes(), |i, j| {
            let (px, py) = (y.x.position(i), y.y.position(j));
            convert([y.at(i, j), bilinear(&u, px, py), bilinear(&v, px, py)])[0]
        });
        let chroma = |channel: usize| {
            Plane::from_fn(u.axes(), |i, j| {
                let site = (u.x.position(i), u.y.position(j));
                let mean = box_mean(&y, site, (u.x.pitch, u.y.pitch));
                convert([mean, u.at(i, j), v.at(i, j)])[channel]
            })
        };
        let (cb, cr) = (chroma(1), chroma(2));
        Self { color: [luma, cb, cr], alpha }
    }
}

/// Premultiplied R'G'B' to premultiplied Y'CbCr: each stored byte of the unmultiplied colour, times alpha.
fn rgb_to_yuv(rgb: Picture, color: ColorSpace) -> Picture {
    let Picture { color: [r, g, b], alpha } = rgb;
    let color = planes_from_fn(r.axes(), |i, j| {
        let a = alpha.at(i, j);
        if a == 0.0 {
            return [0.0; 3];
        }
        let straight = [r.at(i, j) / a, g.at(i, j) / a, b.at(i, j) / a];
        color.rgb_to_yuv(straight).map(|c| c * a)
    });
    Picture { color, alpha }
}

/// Three planes on one grid, from all three values at each place.
fn planes_from_fn(grid: (Axis, Axis), values: impl Fn(usize, usize) -> [f64; 3]) -> [Plane; 3] {
    let mut planes = [0, 1, 2].map(|_| Plane::from_fn(grid, |_, _| 0.0));
    for j in 0..grid.1.count {
        for i in 0..grid.0.count {
            let at = j * grid.0.count + i;
            for (plane, value) in planes.iter_mut().zip(values(i, j)) {
                plane.samples[at] = value;
            }
        }
    }
    planes
}

/// Where red, green, blue and alpha stand in a pixel, and how long a pixel is.
pub fn rgb_layout(format: PixelFormat) -> ([usize; 4], usize) {
    match format {
        PixelFormat::Bgra => ([2, 1, 0, 3], 4),
        PixelFormat::Rgba => ([0, 1, 2, 3], 4),
        PixelFormat::Bgr => ([2, 1, 0, 0], 3),
        PixelFormat::Rgb => ([0, 1, 2, 0], 3),
        other => unreachable!("{other} is not RGB"),
    }
}

fn stored_rgb(frame: &Frame) -> Picture {
    let spec = frame.spec();
    let map = frame.map_native();
    let bytes = map.plane(0);
    let (place, len) = rgb_layout(spec.format);
    let byte = |i: usize, j: usize, channel: usize| f64::from(bytes.row(j)[i * len + place[channel]]);
    let grid = luma_axes(spec.size);
    let has_alpha = spec.format.has_alpha() && spec.alpha != AlphaKind::Opaque;
    let alpha = Plane::from_fn(grid, |i, j| if has_alpha { byte(i, j, 3) / 255.0 } else { 1.0 });
    let straight = spec.alpha == AlphaKind::Straight;
    let color = [0, 1, 2].map(|channel| {
        Plane::from_fn(grid, |i, j| {
            byte(i, j, channel) * if has_alpha && straight { alpha.at(i, j) } else { 1.0 }
        })
    });
    Picture { color, alpha }
}

/// The planes of a YUV frame as stored.
pub fn stored_yuv(frame: &Frame) -> [Plane; 3] {
    let spec = frame.spec();
    let map = frame.map_native();
    let luma = luma_axes(spec.size);
    let chroma = chroma_axes(spec.size, spec.format, spec.color);
    // plane, bytes from sample to sample, and the first sample's byte, for each of Y, U, V
    let places: [(usize, usize, usize); 3] = match spec.format {
        PixelFormat::I420 => [(0, 1, 0), (1, 1, 0), (2, 1, 0)],
        PixelFormat::Nv12 => [(0, 1, 0), (1, 2, 0), (1, 2, 1)],
        PixelFormat::Yuy2 => [(0, 2, 0), (0, 4, 1), (0, 4, 3)],
        other => unreachable!("{other} is not YUV"),
    };
    let plane = |axes: (Axis, Axis), (plane, step, first): (usize, usize, usize)| {
        let bytes = map.plane(plane);
        Plane::from_fn(axes, |i, j| f64::from(bytes.row(j)[first + i * step]))
    };
    [plane(luma, places[0]), plane(chroma, places[1]), plane(chroma, places[2])]
}

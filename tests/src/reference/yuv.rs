// SPDX-License-Identifier: GPL-2.0-or-later
//! The truth for YUV outputs.

use super::picture::Picture;
use super::plane::{Axis, Plane, chroma_axes, luma_axes};
use super::sampling::{bilinear, box_mean, sample};
use super::{Shown, shown, to_alpha_byte, to_byte};
use lk_compositor::{Blend, Color, Sampled, Scene};
use lk_media::{ColorSpace, Frame, FrameSpec, PixelFormat, Timestamp};

/// The canvas: Y', Cb and Cr in whole numbers, chroma on the output's grid.
struct Canvas {
    planes: [Plane; 3],
    color: ColorSpace,
    /// How many pixels share a chroma sample.
    step: (u32, u32),
}

/// The frame that `spec` must be.
pub fn render(scene: &Scene, inputs: &[Sampled], spec: FrameSpec) -> Frame {
    let luma = luma_axes(scene.size);
    let chroma = chroma_axes(scene.size, spec.format, spec.color);
    let Color { r, g, b, a } = scene.background;
    let over_black = [r, g, b].map(|c| f64::from(c) * f64::from(a) / 255.0);
    let [y, u, v] = spec.color.rgb_to_yuv(over_black).map(to_byte);
    let flat = |grid: (Axis, Axis), value: f64| Plane::from_fn(grid, |_, _| value);
    let mut canvas = Canvas {
        planes: [flat(luma, y), flat(chroma, u), flat(chroma, v)],
        color: spec.color,
        step: spec.format.chroma_step(),
    };
    for layer in shown(scene, inputs) {
        match layer.layer.blend {
            Blend::Normal => canvas.cover(&layer),
            Blend::Additive => canvas.add_light(&layer),
        }
    }
    canvas.publish(spec)
}

impl Canvas {
    /// Normal blending, each plane by itself.
    fn cover(&mut self, Shown { layer, frame, geometry }: &Shown<'_>) {
        let Picture { color, alpha } = Picture::yuv(frame, self.color);
        let steps = [(1, 1), self.step, self.step];
        for ((canvas, source), step) in self.planes.iter_mut().zip(&color).zip(steps) {
            let grid = canvas.axes();
            let sampled = sample(source, geometry, grid);
            let sampled_alpha = sample(&alpha, geometry, grid);
            let step = (f64::from(step.0), f64::from(step.1));
            for y in 0..grid.1.count {
                for x in 0..grid.0.count {
                    let from = (x as f64 * step.0, y as f64 * step.1);
                    let k = geometry.coverage(from, (from.0 + step.0, from.1 + step.1)) * layer.opacity;
                    let (p, a) = (to_byte(sampled.at(x, y)), to_alpha_byte(sampled_alpha.at(x, y)));
                    let d = &mut canvas.samples[y * grid.0.count + x];
                    *d = to_byte(p * k + *d * (1.0 - a * k));
                }
            }
        }
    }

    /// Additive blending: the difference is made in RGB at every pixel, then applied in Y'CbCr.
    fn add_light(&mut self, Shown { layer, frame, geometry }: &Shown<'_>) {
        let [luma, u, v] = &self.planes;
        let grid = luma.axes();
        let light = Picture::rgb(frame).color.map(|plane| sample(&plane, geometry, grid));

        let mut differences: [Plane; 3] = [0, 1, 2].map(|_| Plane::from_fn(grid, |_, _| 0.0));
        for y in 0..grid.1.count {
            for x in 0..grid.0.count {
                let corner = (x as f64, y as f64);
                let k = geometry.coverage(corner, (corner.0 + 1.0, corner.1 + 1.0)) * layer.opacity;
                let (px, py) = (grid.0.position(x), grid.1.position(y));
                let canvas = [luma.at(x, y), bilinear(u, px, py), bilinear(v, px, py)];
                let before = self.color.yuv_to_rgb(canvas).map(|c| c.clamp(0.0, 255.0));
                let after: [f64; 3] =
                    std::array::from_fn(|c| (before[c] + to_byte(light[c].at(x, y)) * k).min(255.0));
                let (from, to) = (self.color.rgb_to_yuv(before), self.color.rgb_to_yuv(after));
                for channel in 0..3 {
                    differences[channel].samples[y * grid.0.count + x] = to[channel] - from[channel];
                }
            }
        }

        for (plane, difference) in self.planes.iter_mut().zip(&differences) {
            let pitch = (plane.x.pitch, plane.y.pitch);
            *plane = Plane::from_fn(plane.axes(), |i, j| {
                let site = (plane.x.position(i), plane.y.position(j));
                to_byte(plane.at(i, j) + box_mean(difference, site, pitch))
            });
        }
    }

    fn publish(&self, spec: FrameSpec) -> Frame {
        let bytes = |plane: &Plane| plane.samples.iter().map(|v| *v as u8).collect::<Vec<u8>>();
        let [y, u, v] = [0, 1, 2].map(|p| bytes(&self.planes[p]));
        let pairs = u.iter().zip(&v);
        let packed: Vec<u8> = match spec.format {
            PixelFormat::I420 => [y, u, v].concat(),
            PixelFormat::Nv12 => y.iter().copied().chain(pairs.flat_map(|(u, v)| [*u, *v])).collect(),
            PixelFormat::Yuy2 => {
                y.chunks_exact(2).zip(pairs).flat_map(|(y, (u, v))| [y[0], *u, y[1], *v]).collect()
            }
            other => unreachable!("{other} is not YUV"),
        };
        Frame::from_packed(spec, &packed, Timestamp::ZERO).expect("the bytes are as many as the spec says")
    }
}

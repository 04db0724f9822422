// SPDX-License-Identifier: GPL-2.0-or-later
//! The truth for RGB outputs.

use super::picture::{Picture, rgb_layout};
use super::plane::{Plane, luma_axes};
use super::sampling::sample;
use super::{Shown, shown, to_alpha_byte, to_byte};
use lk_compositor::{Blend, Color, Sampled, Scene};
use lk_media::{AlphaKind, Frame, FrameSpec, Timestamp};

/// The canvas: R'G'B' premultiplied and alpha, all 0 to 255 in whole numbers.
struct Canvas {
    planes: [Plane; 4],
}

/// The frame that `spec` must be.
pub fn render(scene: &Scene, inputs: &[Sampled], spec: FrameSpec) -> Frame {
    let grid = luma_axes(scene.size);
    let Color { r, g, b, a } = scene.background;
    let alpha = f64::from(a) / 255.0;
    let background = [f64::from(r) * alpha, f64::from(g) * alpha, f64::from(b) * alpha, f64::from(a)];
    let mut canvas = Canvas { planes: background.map(|c| Plane::from_fn(grid, |_, _| to_byte(c))) };
    for layer in shown(scene, inputs) {
        canvas.add(&layer);
    }
    canvas.publish(spec)
}

impl Canvas {
    fn add(&mut self, Shown { layer, frame, geometry }: &Shown<'_>) {
        let grid = self.planes[0].axes();
        let Picture { color: [r, g, b], alpha } = Picture::rgb(frame);
        let layer_planes = [r, g, b].map(|plane| sample(&plane, geometry, grid));
        let layer_alpha = sample(&alpha, geometry, grid);

        for y in 0..grid.1.count {
            for x in 0..grid.0.count {
                let corner = (x as f64, y as f64);
                let k = geometry.coverage(corner, (corner.0 + 1.0, corner.1 + 1.0)) * layer.opacity;
                let a = to_alpha_byte(layer_alpha.at(x, y));
                for (channel, plane) in self.planes.iter_mut().enumerate() {
                    // the fourth channel is alpha itself
                    let p = layer_planes.get(channel).map_or(a * 255.0, |plane| to_byte(plane.at(x, y)));
                    let d = &mut plane.samples[y * grid.0.count + x];
                    *d = to_byte(match layer.blend {
                        Blend::Normal => p * k + *d * (1.0 - a * k),
                        Blend::Additive => (*d + p * k).min(255.0),
                    });
                }
            }
        }
    }

    fn publish(&self, spec: FrameSpec) -> Frame {
        let (place, len) = rgb_layout(spec.format);
        let mut bytes = vec![0; spec.size.area() * len];
        for (i, pixel) in bytes.chunks_exact_mut(len).enumerate() {
            let [r, g, b, a] = [0, 1, 2, 3].map(|channel| self.planes[channel].samples[i]);
            let out = |c: f64| match spec.alpha {
                AlphaKind::Straight if a == 0.0 => 0.0,
                AlphaKind::Straight => to_byte(c * 255.0 / a),
                AlphaKind::Premultiplied | AlphaKind::Opaque => c,
            };
            for (channel, c) in [r, g, b].into_iter().enumerate() {
                pixel[place[channel]] = out(c) as u8;
            }
            if spec.format.has_alpha() {
                pixel[place[3]] = if spec.alpha == AlphaKind::Opaque { 255 } else { a as u8 };
            }
        }
        Frame::from_packed(spec, &bytes, Timestamp::ZERO).expect("the bytes are as many as the spec says")
    }
}

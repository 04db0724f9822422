// SPDX-License-Identifier: GPL-2.0-or-later
//! Samples on a grid.

use lk_media::{ColorSpace, PixelFormat, Size};

/// One direction of a grid: sample `i` of `count` lies at `origin + i * pitch`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// The position of sample 0, in pixels.
    pub origin: f64,
    /// Pixels from sample to sample.
    pub pitch: f64,
    /// The number of samples.
    pub count: usize,
}

impl Axis {
    /// One sample a pixel, at the pixels' centres.
    pub fn pixels(count: u32) -> Self {
        Self { origin: 0.5, pitch: 1.0, count: count as usize }
    }

    /// Where sample `i` lies, in pixels.
    pub fn position(self, i: usize) -> f64 {
        self.origin + i as f64 * self.pitch
    }

    /// A position in pixels, measured in samples: sample `i` covers `[i, i + 1)` and has its centre in the middle.
    pub fn in_samples(self, position: f64) -> f64 {
        (position - self.origin) / self.pitch + 0.5
    }
}

/// The axes of the luma or RGB grid of a picture of `size`.
pub fn luma_axes(size: Size) -> (Axis, Axis) {
    (Axis::pixels(size.width), Axis::pixels(size.height))
}

/// The axes of the chroma grid of a picture.
pub fn chroma_axes(size: Size, format: PixelFormat, color: ColorSpace) -> (Axis, Axis) {
    let step = format.chroma_step();
    let origin = color.siting.origin(step);
    let axis = |origin, step: u32, pixels: u32| Axis {
        origin,
        pitch: f64::from(step),
        count: pixels.div_ceil(step) as usize,
    };
    (axis(origin.0, step.0, size.width), axis(origin.1, step.1, size.height))
}

/// A plane of samples, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// Its columns.
    pub x: Axis,
    /// Its rows.
    pub y: Axis,
    /// `y.count` rows of `x.count` values.
    pub samples: Vec<f64>,
}

impl Plane {
    /// The plane whose sample (i, j) is `value(i, j)`.
    pub fn from_fn((x, y): (Axis, Axis), mut value: impl FnMut(usize, usize) -> f64) -> Self {
        let mut samples = Vec::with_capacity(x.count * y.count);
        for j in 0..y.count {
            for i in 0..x.count {
                samples.push(value(i, j));
            }
        }
        Self { x, y, samples }
    }

    /// Sample (i, j).
    pub fn at(&self, i: usize, j: usize) -> f64 {
        self.samples[j * self.x.count + i]
    }

    /// Its grid.
    pub fn axes(&self) -> (Axis, Axis) {
        (self.x, self.y)
    }
}

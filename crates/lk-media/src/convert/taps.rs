// SPDX-License-Identifier: GPL-2.0-or-later
//! Where chroma samples sit, as weights in quarters.
//!
//! With steps of 1 and 2 and the three sitings every distance on an axis is a multiple of a quarter of a
//! sample, so bilinear and box weights are exact in quarters and a sum over both axes is exact in sixteenths.

use crate::{ColorSpace, PixelFormat};

/// The samples of one axis that make an output sample, with weights in quarters that add up to 4. Unused
/// entries have weight 0.
pub(super) type Taps = [(usize, u16); 3];

/// The chroma samples of one axis: how many luma pixels apart and where the first one is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Axis {
    step: i64,
    /// Position of sample 0 on the luma grid in half pixels; luma pixel 0 has its centre at 1.
    origin: i64,
}

impl Axis {
    /// The luma pixels themselves.
    pub const LUMA: Self = Self { step: 1, origin: 1 };

    /// The chroma axes of a YUV format, (across, down).
    pub fn of(format: PixelFormat, color: ColorSpace) -> (Self, Self) {
        let step = format.chroma_step();
        let origin = color.siting.origin(step);
        let halves = |x: f64| (x * 2.0) as i64;
        (
            Self { step: i64::from(step.0), origin: halves(origin.0) },
            Self { step: i64::from(step.1), origin: halves(origin.1) },
        )
    }

    /// Luma pixels from sample to sample.
    pub fn step(self) -> usize {
        self.step as usize
    }

    /// What sample `index` of this axis is made of when there are `count` samples of `from`: bilinear when
    /// enlarging or moving, the mean over the extent of the output sample when shrinking.
    pub fn taps(self, from: Self, index: usize, count: usize) -> Taps {
        // the place in samples of `from`, in quarters
        let place = 2 * (self.origin + 2 * self.step * index as i64 - from.origin) / from.step;
        let clamp = |i: i64| i.clamp(0, count as i64 - 1) as usize;
        if self.step <= from.step {
            let (first, part) = (place.div_euclid(4), place.rem_euclid(4));
            [(clamp(first), (4 - part) as u16), (clamp(first + 1), part as u16), (0, 0)]
        } else if place.rem_euclid(4) == 0 {
            // two samples wide around a sample: it and half of each neighbour
            let centre = place / 4;
            [(clamp(centre - 1), 1), (clamp(centre), 2), (clamp(centre + 1), 1)]
        } else {
            // two samples wide between two samples
            let first = place.div_euclid(4);
            [(clamp(first), 2), (clamp(first + 1), 2), (0, 0)]
        }
    }

    /// Weights of the samples before, at and after the one with the same index, for an axis of equal step.
    pub fn shift_weights(self, from: Self) -> [u16; 3] {
        let place = 2 * (self.origin - from.origin) / from.step;
        if place < 0 { [-place as u16, (4 + place) as u16, 0] } else { [0, (4 - place) as u16, place as u16] }
    }

    /// Weights that make two luma pixels of a chroma sample: previous and own sample for the first, own and
    /// next for the second.
    pub fn upsample_weights(self) -> [u16; 4] {
        let (first, second) = (1 - self.origin, 3 - self.origin);
        [-first as u16, (4 + first) as u16, (4 - second) as u16, second as u16]
    }

    /// Weights of luma pixels 2i - 1, 2i and 2i + 1 in chroma sample i.
    pub fn box_weights(self) -> [u16; 3] {
        if self.origin == 1 { [1, 2, 1] } else { [0, 2, 2] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Siting;

    fn axes(format: PixelFormat, siting: Siting) -> (Axis, Axis) {
        Axis::of(format, ColorSpace { siting, ..ColorSpace::BT709 })
    }

    #[test]
    fn weights_follow_the_siting() {
        let (left, centre) = axes(PixelFormat::I420, Siting::Left);
        assert_eq!(left.upsample_weights(), [0, 4, 2, 2]);
        assert_eq!(centre.upsample_weights(), [1, 3, 3, 1]);
        assert_eq!(left.box_weights(), [1, 2, 1]);
        assert_eq!(left.shift_weights(centre), [1, 3, 0]);
        assert_eq!(centre.shift_weights(left), [0, 3, 1]);
        assert_eq!(left.shift_weights(left), [0, 4, 0]);
        // rows of luma from chroma rows between them, and chroma rows from luma rows
        assert_eq!(Axis::LUMA.taps(centre, 0, 5), [(0, 1), (0, 3), (0, 0)]);
        assert_eq!(Axis::LUMA.taps(centre, 1, 5), [(0, 3), (1, 1), (0, 0)]);
        assert_eq!(centre.taps(Axis::LUMA, 1, 3), [(2, 2), (2, 2), (0, 0)]);
        assert_eq!(left.taps(Axis::LUMA, 1, 9), [(1, 1), (2, 2), (3, 1)]);
        let (_, every) = axes(PixelFormat::Yuy2, Siting::Left);
        assert_eq!(Axis::LUMA.taps(every, 3, 5), [(3, 4), (4, 0), (0, 0)]);
    }
}

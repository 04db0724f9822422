// SPDX-License-Identifier: GPL-2.0-or-later
//! Rows of a source in 16 bits: bytes with eight bits of fraction. What lies between 0 and 255 and is resampled goes
//! this way; sixteen samples fit a register, and every step loses at most 1/256 of a byte value.

use super::kernels16 as kernels;
use super::source::{CHANNELS, Component, Kind, Matrix, Reader, Rows};
use lk_media::AlphaKind;
use std::cell::RefCell;
use std::ops::Range;

/// YUV to R'G'B' in whole numbers; see [`kernels::rgb_of_yuv`].
#[derive(Clone, Copy, Debug)]
pub(super) struct ToRgb {
    /// What luma weighs, in 1/16384.
    pub luma: u16,
    /// For each of R, G and B what U and V weigh: whole, and the rest in 1/16384.
    pub chroma: [[(i16, i16); 2]; 3],
    /// In 1/64.
    pub offset: [i16; 3],
}

impl ToRgb {
    pub fn of(matrix: &Matrix) -> Self {
        let split = |w: f32| {
            let whole = w.trunc();
            (whole as i16, ((w - whole) * 16384.0).round() as i16)
        };
        // chroma counts from 128 there; what is cut off three times is given back here
        let offset = |i: usize| {
            let m = &matrix.m[i];
            ((matrix.offset[i] + 128.0 * (m[1] + m[2])) * 64.0 + 1.5).round() as i16
        };
        Self {
            luma: (matrix.m[0][0] * 16384.0).round() as u16,
            chroma: [0, 1, 2].map(|i| [split(matrix.m[i][1]), split(matrix.m[i][2])]),
            offset: [offset(0), offset(1), offset(2)],
        }
    }
}

/// Rows a thread uses again and again.
#[derive(Default)]
pub(super) struct Scratch {
    bytes: [Vec<u8>; 2],
    wide: [Vec<u16>; CHANNELS],
    line: Vec<u16>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

fn with_scratch<R>(f: impl FnOnce(&mut Scratch) -> R) -> R {
    let mut scratch = SCRATCH.take();
    let result = f(&mut scratch);
    SCRATCH.set(scratch);
    result
}

impl Reader {
    /// Whether [`Reader::wide`] has an answer: nothing lies outside 0 to 255.
    pub fn is_bounded(&self) -> bool {
        !matches!(self.kind, Kind::Luma { .. } | Kind::Chroma { .. })
    }

    /// Row `y`, columns `x`, in 1/256.
    pub fn wide(&self, y: usize, x: Range<usize>, out: &mut Rows<'_, u16>) {
        match &self.kind {
            Kind::Bytes(components) => {
                for (c, out) in components.iter().zip(out) {
                    self.wide_of(*c, y, x.clone(), out);
                }
            }
            Kind::Premultiplied(components) => {
                for (c, out) in components.iter().zip(out.iter_mut()) {
                    self.wide_of(*c, y, x.clone(), out);
                }
                let [r, g, b, alpha] = out;
                for out in [r, g, b] {
                    kernels::premultiply(out, alpha);
                }
            }
            Kind::Rgb { yuv, matrix } => {
                let [r, g, b, _] = out;
                self.rgb_of(yuv, &ToRgb::of(matrix), y, x, [r, g, b]);
            }
            Kind::Yuv { rgb, straight, matrix, outputs } => with_scratch(|scratch| {
                let channels = rgb.len();
                for (c, wide) in rgb.iter().zip(&mut scratch.wide) {
                    wide.resize(x.len(), 0);
                    self.wide_of(*c, y, x.clone(), wide);
                }
                let [r, g, b, alpha] = &scratch.wide;
                let kind = match (channels, straight) {
                    (3, _) => AlphaKind::Opaque,
                    (_, true) => AlphaKind::Straight,
                    _ => AlphaKind::Premultiplied,
                };
                for (channel, out) in outputs.clone().zip(out.iter_mut()) {
                    let by = matrix.m[channel].map(|w| (w.abs() * 65536.0).round() as u16);
                    let offset = (matrix.offset[channel] * 256.0).round() as u16;
                    let rows = [r, g, b].map(Vec::as_slice);
                    match channel {
                        0 => kernels::project::<0b000>(rows, by, offset, kind, alpha, out),
                        1 => kernels::project::<0b011>(rows, by, offset, kind, alpha, out),
                        _ => kernels::project::<0b110>(rows, by, offset, kind, alpha, out),
                    }
                }
                if channels > 3 {
                    out[outputs.len()].copy_from_slice(&alpha[..x.len()]);
                }
            }),
            // not bounded: never asked for
            Kind::Luma { .. } | Kind::Chroma { .. } => {}
        }
    }

    fn wide_of(&self, c: Component, y: usize, x: Range<usize>, out: &mut [u16]) {
        let row = self.row(c, y, x);
        match c.step {
            1 => kernels::widen::<1>(row, 0, out),
            2 => kernels::widen::<2>(row, c.offset, out),
            3 => kernels::widen_3(row, c.offset, out),
            _ => kernels::widen::<4>(row, c.offset, out),
        }
    }

    /// Luma or chroma of another YUV, rounded. Chroma of YUV does not depend on the luma of another.
    pub fn other_yuv(&self, y: usize, x: Range<usize>, out: &mut Rows<'_, u8>) {
        match &self.kind {
            Kind::Luma { yuv, matrix } => {
                let m = ToRgb::of(matrix);
                self.at_luma_grid(yuv, y, x, |luma, u, v| kernels::other_yuv(luma, u, v, &m, 0, out[0]));
            }
            Kind::Chroma { yuv, matrix, .. } => with_scratch(|scratch| {
                let m = ToRgb { luma: 0, ..ToRgb::of(matrix) };
                let [luma, u, v, _] = &mut scratch.wide;
                for (c, wide) in [(yuv[1], &mut *u), (yuv[2], &mut *v)] {
                    wide.resize(x.len(), 0);
                    self.wide_of(c, y, x.clone(), wide);
                    // to sixteenths
                    wide.iter_mut().for_each(|v| *v >>= 4);
                }
                luma.resize(x.len(), 0);
                for (channel, out) in out.iter_mut().take(2).enumerate() {
                    kernels::other_yuv(luma, u, v, &m, channel + 1, out);
                }
            }),
            _ => {}
        }
    }

    /// R'G'B' of YUV: chroma is interpolated to the luma grid.
    fn rgb_of(&self, yuv: &[Component; 3], m: &ToRgb, y: usize, x: Range<usize>, out: [&mut [u16]; 3]) {
        self.at_luma_grid(yuv, y, x, |luma, u, v| kernels::rgb_of_yuv(luma, u, v, m, out));
    }

    /// Calls `f` with luma in 1/256 and chroma interpolated to the luma grid, exact in sixteenths.
    fn at_luma_grid(
        &self,
        yuv: &[Component; 3],
        y: usize,
        x: Range<usize>,
        f: impl FnOnce(&[u16], &[u16], &[u16]),
    ) {
        let chroma = self.chroma_rows(y, x.clone());
        with_scratch(|scratch| {
            let Scratch { bytes: [a, b], wide: [luma, u, v, _], line } = scratch;
            luma.resize(x.len(), 0);
            self.wide_of(yuv[0], y, x.clone(), luma);
            for (c, spread) in [(yuv[1], &mut *u), (yuv[2], &mut *v)] {
                let n = chroma.columns.len();
                for (row, to) in [(chroma.above, &mut *a), (chroma.below, &mut *b)] {
                    to.resize(n, 0);
                    self.bytes_of(c, row, chroma.columns.clone(), to);
                }
                // one sample more at either end where the picture ends
                line.clear();
                line.resize(n + chroma.pad.0 + chroma.pad.1, 0);
                let own = chroma.pad.0..chroma.pad.0 + n;
                kernels::quarters(a, b, chroma.below_quarters, &mut line[own.clone()]);
                line[0] = line[chroma.pad.0];
                let (last, end) = (own.end - 1, line.len() - 1);
                line[end] = line[last];
                spread.resize((x.len() + x.start % 2).next_multiple_of(2), 0);
                let (even, odd) = if chroma.centred { ((1, 3), (3, 1)) } else { ((0, 4), (2, 2)) };
                kernels::spread(line, even, odd, spread.as_chunks_mut().0);
            }
            let odd = x.start % 2;
            f(luma, &u[odd..odd + x.len()], &v[odd..odd + x.len()]);
        });
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! Rows of a source in 16 bits: bytes with eight bits of fraction. What lies between 0 and 255 and is resampled goes
//! this way; sixteen samples fit a register, and every step loses at most 1/256 of a byte value.

use super::kernels16 as kernels;
use super::rgb16::{self, ToLuma};
use super::source::{CHANNELS, Component, Kind, Reader, Rows, are_pixels, in_byte_order};
use super::yuv16::{self, Chroma, ToRgb};
use lk_media::AlphaKind;
use std::cell::RefCell;
use std::ops::Range;

/// Rows a thread uses again and again.
#[derive(Default)]
pub(super) struct Scratch {
    bytes: [Vec<u8>; 3],
    wide: [Vec<u16>; CHANNELS],
    lines: [Vec<u16>; 2],
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
            Kind::Bytes(components) => self.wide_colours(components, false, y, x, out),
            Kind::Premultiplied(components) => self.wide_colours(components, true, y, x, out),
            Kind::Rgb { yuv, numbers, .. } => {
                let [r, g, b, _] = out;
                self.yuv_rows(yuv, y, x, |luma, chroma| {
                    yuv16::wide_rgb_of_yuv(luma, chroma, numbers, [r, g, b]);
                });
            }
            Kind::Yuv { rgb, outputs, .. } if outputs.start == 0 => {
                let (row, m) = (self.row(rgb[0], y, x), self.to_luma());
                let [luma, alpha, ..] = out;
                match rgb[0].step {
                    3 => rgb16::wide_luma::<3>(row, &m, luma, alpha),
                    _ => rgb16::wide_luma::<4>(row, &m, luma, alpha),
                }
            }
            Kind::Yuv { rgb, straight, .. } => with_scratch(|scratch| {
                let wide = &mut scratch.wide;
                wide.iter_mut().take(rgb.len()).for_each(|wide| wide.resize(x.len(), 0));
                let colours = wide.each_mut().map(Vec::as_mut_slice);
                self.wide_colours(rgb, *straight, y, x, &mut { colours });
                self.chroma_of(wide.each_ref().map(Vec::as_slice), out);
            }),
            // not bounded: never asked for
            Kind::Luma { .. } | Kind::Chroma { .. } => {}
        }
    }

    /// Colours of pixels, times alpha if that is straight, and alpha if it is among the components.
    fn wide_colours(
        &self,
        components: &[Component],
        straight: bool,
        y: usize,
        x: Range<usize>,
        out: &mut Rows<'_, u16>,
    ) {
        if !are_pixels(components) {
            for (c, out) in components.iter().zip(out) {
                self.wide_of(*c, y, x.clone(), out);
            }
            return;
        }
        let row = self.row(components[0], y, x);
        let out = in_byte_order(components, out);
        match (components[0].step, straight && components.len() > 3) {
            (3, _) => {
                let [a, b, c, _] = out;
                rgb16::wide_3(row, [a, b, c]);
            }
            (_, true) => rgb16::wide_4::<true>(row, out),
            (_, false) => rgb16::wide_4::<false>(row, out),
        }
    }

    /// Whether chroma is made of colours: they can be resampled instead of it, and what is left made chroma.
    pub fn colours(&self) -> Option<usize> {
        match &self.kind {
            Kind::Yuv { rgb, outputs, .. } if outputs.start > 0 => Some(rgb.len()),
            _ => None,
        }
    }

    /// The colours of a reader that has them, premultiplied, and alpha.
    pub fn wide_own_colours(&self, y: usize, x: Range<usize>, out: &mut Rows<'_, u16>) {
        if let Kind::Yuv { rgb, straight, .. } = &self.kind {
            self.wide_colours(rgb, *straight, y, x, out);
        }
    }

    /// The means of those of rows `y` and `y + 1`.
    pub fn mean_own_colours(&self, y: usize, x: Range<usize>, out: &mut Rows<'_, u16>) {
        let Kind::Yuv { rgb, straight, .. } = &self.kind else { return };
        let rows = [y, y + 1].map(|y| self.row(rgb[0], y, x.clone()));
        let out = in_byte_order(rgb, out);
        match (rgb[0].step, *straight && rgb.len() > 3) {
            (3, _) => {
                let [a, b, c, _] = out;
                rgb16::mean_3(rows, [a, b, c]);
            }
            (_, true) => rgb16::mean_4::<true>(rows, out),
            (_, false) => rgb16::mean_4::<false>(rows, out),
        }
    }

    /// Chroma of premultiplied colours, and their alpha.
    pub fn chroma_of(&self, [r, g, b, alpha]: [&[u16]; 4], out: &mut Rows<'_, u16>) {
        let Kind::Yuv { matrix, .. } = &self.kind else { return };
        let [u, v, a, _] = out;
        for (channel, out) in [(1, u), (2, v)] {
            let by = matrix.m[channel].map(|w| (w.abs() * 65536.0).round() as u16);
            let offset = (matrix.offset[channel] * 256.0).round() as u16;
            let alpha = (!self.opaque).then_some(alpha);
            match channel {
                1 => kernels::project::<0b011>([r, g, b], by, offset, alpha, out),
                _ => kernels::project::<0b110>([r, g, b], by, offset, alpha, out),
            }
        }
        if !self.opaque {
            let len = a.len();
            a.copy_from_slice(&alpha[..len]);
        }
    }

    /// What luma is made of.
    pub fn to_luma(&self) -> ToLuma {
        let Kind::Yuv { rgb, straight, matrix, .. } = &self.kind else {
            return ToLuma { by: [0; 3], offset: 0, kind: AlphaKind::Opaque };
        };
        let mut by = [0; 3];
        // colours lie in the first three bytes of every format
        rgb[..3].iter().zip(matrix.m[0]).for_each(|(c, w)| by[c.offset] = (w * 65536.0).round() as u16);
        let kind = match (self.opaque, straight) {
            (true, _) => AlphaKind::Opaque,
            (_, true) => AlphaKind::Straight,
            _ => AlphaKind::Premultiplied,
        };
        ToLuma { by, offset: (matrix.offset[0] * 256.0).round() as u16, kind }
    }

    fn wide_of(&self, c: Component, y: usize, x: Range<usize>, out: &mut [u16]) {
        let row = self.row(c, y, x);
        match c.step {
            1 => kernels::widen::<1>(row, 0, out),
            2 => kernels::widen::<2>(row, c.offset, out),
            3 => kernels::widen::<3>(row, c.offset, out),
            _ => kernels::widen::<4>(row, c.offset, out),
        }
    }

    /// R'G'B' of YUV, rounded.
    pub fn rgb_of_yuv(
        &self,
        yuv: &[Component; 3],
        m: &ToRgb,
        y: usize,
        x: Range<usize>,
        out: &mut Rows<'_, u8>,
    ) {
        let [r, g, b, _] = out;
        self.yuv_rows(yuv, y, x, |luma, chroma| yuv16::rgb_of_yuv(luma, chroma, m, [r, g, b]));
    }

    /// Luma or chroma of another YUV, rounded. Chroma of YUV does not depend on the luma of another.
    pub fn other_yuv(&self, y: usize, x: Range<usize>, out: &mut Rows<'_, u8>) {
        match &self.kind {
            Kind::Luma { yuv, numbers, .. } => {
                self.yuv_rows(yuv, y, x, |luma, chroma| yuv16::luma_of_yuv(luma, chroma, numbers, out[0]));
            }
            Kind::Chroma { yuv, numbers, .. } => with_scratch(|scratch| {
                let [u, v, ..] = &mut scratch.wide;
                for (c, wide) in [(yuv[1], &mut *u), (yuv[2], &mut *v)] {
                    wide.resize(x.len(), 0);
                    self.wide_of(c, y, x.clone(), wide);
                    // to sixteenths
                    wide.iter_mut().for_each(|v| *v >>= 4);
                }
                for (channel, out) in out.iter_mut().take(2).enumerate() {
                    kernels::other_chroma(u, v, numbers, channel + 1, out);
                }
            }),
            _ => {}
        }
    }

    /// Calls `f` with luma and chroma of row `y`.
    fn yuv_rows(&self, yuv: &[Component; 3], y: usize, x: Range<usize>, f: impl FnOnce(&[u8], &Chroma<'_>)) {
        let at = self.chroma_rows(y, x.clone());
        with_scratch(|scratch| {
            let Scratch { bytes: [a, b, luma], lines, .. } = scratch;
            for (c, line) in yuv[1..].iter().zip(&mut *lines) {
                let n = at.columns.len();
                // one sample more at either end where the picture ends
                line.resize(n + at.pad.0 + at.pad.1, 0);
                let (above, below) = match c.step {
                    1 => (
                        self.row(*c, at.above, at.columns.clone()),
                        self.row(*c, at.below, at.columns.clone()),
                    ),
                    _ => {
                        for (row, to) in [(at.above, &mut *a), (at.below, &mut *b)] {
                            to.resize(n, 0);
                            self.bytes_of(*c, row, at.columns.clone(), to);
                        }
                        (&a[..], &b[..])
                    }
                };
                let own = at.pad.0..at.pad.0 + n;
                kernels::quarters(above, below, at.below_quarters, &mut line[own.clone()]);
                line[0] = line[own.start];
                let end = line.len() - 1;
                line[end] = line[own.end - 1];
            }
            let luma = match yuv[0].step {
                1 => self.row(yuv[0], y, x.clone()),
                _ => {
                    luma.resize(x.len(), 0);
                    self.bytes_of(yuv[0], y, x.clone(), luma);
                    luma
                }
            };
            let lines = lines.each_ref().map(Vec::as_slice);
            f(luma, &Chroma { lines, centred: at.centred, skip: x.start % 2 });
        });
    }
}

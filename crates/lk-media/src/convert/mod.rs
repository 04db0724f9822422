// SPDX-License-Identifier: GPL-2.0-or-later
//! Conversions between pixel formats, colour spaces and kinds of alpha, at the same size.
//!
//! | from \ to | RGB | YUV |
//! |---|---|---|
//! | RGB | order and alpha only | straight colour through the matrix; chroma is the mean around its site |
//! | YUV | chroma bilinear at the pixels, matrix | same matrix and range: chroma from grid to grid; else as from RGB |
//!
//! Everything works row by row. Between unpacking and packing a row is three planes of 16-bit numbers, exact
//! (chroma at the pixels in sixteenths); only the packing rounds.

mod matrix;
mod rgb;
mod taps;
#[cfg(test)]
mod tests;
mod yuv;

use crate::{Error, Frame, FrameMap, FrameMut, FramePool, FrameSpec, Result};
use matrix::{Affine, ToRgb};
pub use rgb::{opaque_row, premultiply_row, unmultiply_row};
use taps::Axis;

/// `frame` as `spec`; the sizes must be equal. Use [`Frame::convert`], which keeps the result.
pub(crate) fn convert(frame: &Frame, spec: FrameSpec) -> Result<Frame> {
    if frame.size() != spec.size {
        return Err(Error::format(format!(
            "a picture of {} cannot be converted to {}",
            frame.size(),
            spec.size
        ))
        .with_hint("conversion keeps the size; scale with a compositor layer"));
    }
    let source = frame.spec();
    let from = frame.map_native();
    let mut to = FramePool::shared().frame(spec)?;
    match (source.format.is_yuv(), spec.format.is_yuv()) {
        (false, false) => rgb::convert(&from, &mut to),
        (true, false) => yuv_to_rgb(&from, &mut to),
        (true, true) if same_numbers(source, spec) => {
            yuv::repack(&mut yuv::Reader::new(&from), &mut yuv::Writer::new(spec, to.planes_mut()));
        }
        (true, true) => {
            let mut reader = yuv::Reader::new(&from);
            let scale = [1.0, yuv::CHROMA_SCALE, yuv::CHROMA_SCALE];
            let m = Affine::of(|c| spec.color.rgb_to_yuv(source.color.yuv_to_rgb(c)), scale);
            to_yuv(|y, rows| reader.read(y, rows), m, &mut to);
        }
        (false, true) => {
            let mut reader = rgb::PlanarReader::new(&from);
            let m = Affine::of(|c| spec.color.rgb_to_yuv(c), [1.0; 3]);
            let m = if rgb::is_bgr(source.format) { m.with_inputs_reversed() } else { m };
            to_yuv(|y, rows| reader.read(y, rows), m, &mut to);
        }
    }
    Ok(to.publish(frame.timestamp()))
}

/// Whether the bytes of two YUV pictures mean the same colours.
fn same_numbers(a: FrameSpec, b: FrameSpec) -> bool {
    (a.color.matrix, a.color.range) == (b.color.matrix, b.color.range)
}

/// Three rows of 16-bit numbers, long enough for an even number of pixels.
fn planar_rows(width: usize) -> [Vec<u16>; 3] {
    std::array::from_fn(|_| vec![0; width.next_multiple_of(2)])
}

fn yuv_to_rgb(from: &FrameMap, to: &mut FrameMut) {
    let (source, target) = (from.spec(), to.spec());
    let m = Affine::of(|c| source.color.yuv_to_rgb(c), [1.0, yuv::CHROMA_SCALE, yuv::CHROMA_SCALE]);
    let blue_first = rgb::is_bgr(target.format);
    let m = ToRgb::of(&m, blue_first);
    let width = source.size.width as usize;
    let mut reader = yuv::Reader::new(from);
    let mut rows = planar_rows(width);
    let mut temporary = vec![[0; 4]; if target.format.has_alpha() { 0 } else { width }];
    let mut to = to.plane_mut(0);
    for y in 0..source.size.height as usize {
        reader.read(y, rows.each_mut().map(Vec::as_mut_slice));
        let [luma, u, v] = &rows;
        let (p, q) = if blue_first { (u, v) } else { (v, u) };
        if target.format.has_alpha() {
            matrix::pack4(luma, p, q, &m, rgb::pixels_mut(to.row_mut(y)));
        } else {
            matrix::pack4(luma, p, q, &m, &mut temporary);
            rgb::to_three(&temporary, false, rgb::pixels_mut(to.row_mut(y)));
        }
    }
}

/// Writes a YUV picture from rows at full resolution that `read` delivers and `m` makes YUV of.
fn to_yuv(mut read: impl FnMut(usize, [&mut [u16]; 3]), m: Affine, to: &mut FrameMut) {
    let spec = to.spec();
    let (width, height) = (spec.size.width as usize, spec.size.height as usize);
    let (across, down) = Axis::of(spec.format, spec.color);
    let mut writer = yuv::Writer::new(spec, to.planes_mut());
    let (columns, chroma_rows) = writer.chroma_size();
    let mut mean = yuv::BoxMean::new(width, across);
    let mean_m = m.with_inputs_scaled(yuv::BoxMean::SCALE);
    let mut rows = planar_rows(width);
    let mut luma = vec![0; width.next_multiple_of(2)];
    let (mut u, mut v) = (vec![0; columns], vec![0; columns]);
    for index in 0..chroma_rows {
        let own = index * down.step()..(index + 1) * down.step();
        let mut last = None;
        for (y, weight) in down.taps(Axis::LUMA, index, height).into_iter().filter(|(_, weight)| *weight > 0)
        {
            // rows beyond the edges are the same row again
            if last != Some(y) {
                read(y, rows.each_mut().map(Vec::as_mut_slice));
            }
            let [a, b, c] = rows.each_ref().map(Vec::as_slice);
            if last != Some(y) && own.contains(&y) {
                matrix::project(&a[..width], b, c, &m.0[0], &mut luma);
                yuv::fill_up(&mut luma, width);
                writer.put_luma(y, &luma);
            }
            mean.add([a, b, c], weight, last.is_none());
            last = Some(y);
        }
        let [a, b, c] = mean.finish();
        matrix::project(a, b, c, &mean_m.0[1], &mut u);
        matrix::project(a, b, c, &mean_m.0[2], &mut v);
        writer.put_chroma(index, &u, &v);
    }
}

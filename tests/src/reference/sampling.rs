// SPDX-License-Identifier: GPL-2.0-or-later
//! "Sampling one plane onto one grid": one-dimensional weights and their products.

use super::geometry::{Geometry, Turn};
use super::plane::{Axis, Plane};
use std::ops::Range;

/// Samples and their weights along one direction. The weights sum to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Taps(pub Vec<(usize, f64)>);

impl Taps {
    /// The average over the interval of `length` samples around `centre` (in samples). The first and last
    /// sample of `window` continue for ever.
    pub fn average(centre: f64, length: f64, window: Range<usize>) -> Self {
        let (from, to) = (centre - length / 2.0, centre + length / 2.0);
        let mut taps = Vec::new();
        let sample_at = |s: f64| (s.floor() as usize).clamp(window.start, window.end - 1);
        for i in sample_at(from)..=sample_at(to) {
            let start = if i == window.start { f64::NEG_INFINITY } else { i as f64 };
            let end = if i + 1 == window.end { f64::INFINITY } else { (i + 1) as f64 };
            let overlap = to.min(end) - from.max(start);
            if overlap > 0.0 {
                taps.push((i, overlap / length));
            }
        }
        Self(taps)
    }

    /// Linear interpolation between the two samples whose centres are around `position` (in samples), clamped
    /// at the window's edge.
    pub fn linear(position: f64, window: Range<usize>) -> Self {
        let (first, last) = (window.start as f64 + 0.5, window.end as f64 - 0.5);
        let from_first_centre = position.clamp(first, last) - 0.5;
        let i = from_first_centre.floor();
        let fraction = from_first_centre - i;
        let i = i as usize;
        let mut taps = vec![(i, 1.0 - fraction)];
        if i + 1 < window.end {
            taps.push((i + 1, fraction));
        }
        Self(taps)
    }

    /// What an output sample at `position`, `width` wide (both in source pixels), sees of `axis`.
    pub fn of(axis: Axis, window: Range<usize>, position: f64, width: f64) -> Self {
        let length = width / axis.pitch;
        if shrinks(length) {
            Self::average(axis.in_samples(position), length, window)
        } else {
            Self::linear(axis.in_samples(position), window)
        }
    }
}

/// Whether an output sample that is `length` source samples wide is an area average.
fn shrinks(length: f64) -> bool {
    length > 1.0 + 1e-6
}

/// The weighted sum of samples.
pub fn gather(plane: &Plane, columns: &Taps, rows: &Taps) -> f64 {
    let row = |j: usize| columns.0.iter().map(|&(i, w)| plane.at(i, j) * w).sum::<f64>();
    rows.0.iter().map(|&(j, w)| row(j) * w).sum()
}

/// The plane at (x, y) in pixels, interpolated bilinearly and clamped at its edge.
pub fn bilinear(plane: &Plane, x: f64, y: f64) -> f64 {
    let columns = Taps::linear(plane.x.in_samples(x), 0..plane.x.count);
    let rows = Taps::linear(plane.y.in_samples(y), 0..plane.y.count);
    gather(plane, &columns, &rows)
}

/// The mean of the plane over the box of `width` by `height` pixels around (x, y), edges continued.
pub fn box_mean(plane: &Plane, (x, y): (f64, f64), (width, height): (f64, f64)) -> f64 {
    let columns = Taps::average(plane.x.in_samples(x), width / plane.x.pitch, 0..plane.x.count);
    let rows = Taps::average(plane.y.in_samples(y), height / plane.y.pitch, 0..plane.y.count);
    gather(plane, &columns, &rows)
}

/// A source plane as the layer shows it, sampled at every position of an output grid. Values where the layer
/// does not cover anything have no meaning.
pub fn sample(plane: &Plane, geometry: &Geometry, output: (Axis, Axis)) -> Plane {
    match geometry.turn() {
        Turn::Upright => sample_upright(plane, geometry, output, false),
        Turn::Exact { transposed } => sample_upright(plane, geometry, output, transposed),
        Turn::Free => sample_turned(plane, geometry, output),
    }
}

/// No rotation, or an exact one: the canvas' axes are the source's, perhaps with changed places, so source
/// columns depend only on the output column (row, if transposed).
fn sample_upright(plane: &Plane, geometry: &Geometry, output: (Axis, Axis), transposed: bool) -> Plane {
    let (for_columns, for_rows) = if transposed { (output.1, output.0) } else { output };
    // an output position whose one coordinate is `along`; the other one plays no part
    let point = |along: f64, is_x: bool| if is_x { (along, 0.0) } else { (0.0, along) };
    let (scale_x, scale_y) = geometry.scale();
    let (window_x, window_y) = geometry.window(plane);

    let columns: Vec<Taps> = (0..for_columns.count)
        .map(|i| {
            let (u, _) = geometry.source_point(point(for_columns.position(i), !transposed));
            Taps::of(plane.x, window_x.clone(), u, for_columns.pitch * scale_x)
        })
        .collect();
    let rows: Vec<Taps> = (0..for_rows.count)
        .map(|j| {
            let (_, v) = geometry.source_point(point(for_rows.position(j), transposed));
            Taps::of(plane.y, window_y.clone(), v, for_rows.pitch * scale_y)
        })
        .collect();
    Plane::from_fn(output, |i, j| {
        let (i, j) = if transposed { (j, i) } else { (i, j) };
        gather(plane, &columns[i], &rows[j])
    })
}

/// Any other rotation: bilinear from a plane that was shrunk first.
fn sample_turned(plane: &Plane, geometry: &Geometry, output: (Axis, Axis)) -> Plane {
    let (source, target) = (geometry.source, geometry.target);
    let (window_x, window_y) = geometry.window(plane);
    let x = Shrunk::of(plane.x, window_x, (source.x, source.width), target.width, output.0.pitch);
    let y = Shrunk::of(plane.y, window_y, (source.y, source.height), target.height, output.1.pitch);
    let shrunk = Plane::from_fn((x.axis, y.axis), |i, j| gather(plane, &x.taps[i], &y.taps[j]));

    Plane::from_fn(output, |i, j| {
        let (u, v) = geometry.source_point((output.0.position(i), output.1.position(j)));
        let columns = Taps::linear(shrunk.x.in_samples(u), x.window.clone());
        let rows = Taps::linear(shrunk.y.in_samples(v), y.window.clone());
        gather(&shrunk, &columns, &rows)
    })
}

/// One direction of the plane from which a rotated layer is interpolated.
struct Shrunk {
    axis: Axis,
    window: Range<usize>,
    taps: Vec<Taps>,
}

impl Shrunk {
    fn of(axis: Axis, window: Range<usize>, (start, extent): (f64, f64), target: f64, pitch: f64) -> Self {
        if !shrinks(pitch * extent / target / axis.pitch) {
            let taps = (0..axis.count).map(|i| Taps(vec![(i, 1.0)])).collect();
            return Self { axis, window, taps };
        }
        let count = (target / pitch).round().max(1.0);
        let width = extent / count;
        let shrunk = Axis { origin: start + width / 2.0, pitch: width, count: count as usize };
        let taps = (0..shrunk.count)
            .map(|i| Taps::average(axis.in_samples(shrunk.position(i)), width / axis.pitch, window.clone()))
            .collect();
        Self { axis: shrunk, window: 0..shrunk.count, taps }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_weigh_by_overlap_and_continue_the_edge() {
        assert_eq!(Taps::average(2.0, 2.0, 0..4), Taps(vec![(1, 0.5), (2, 0.5)]));
        // left siting of 4:2:0 over 4:4:4: a quarter, a half, a quarter
        assert_eq!(Taps::average(2.5, 2.0, 0..4), Taps(vec![(1, 0.25), (2, 0.5), (3, 0.25)]));
        assert_eq!(Taps::average(0.5, 2.0, 0..4), Taps(vec![(0, 0.75), (1, 0.25)]));
        assert_eq!(Taps::average(3.5, 2.0, 0..4), Taps(vec![(2, 0.25), (3, 0.75)]));
        assert_eq!(Taps::average(50.0, 2.0, 2..4), Taps(vec![(3, 1.0)]));
    }

    #[test]
    fn interpolation_is_linear_and_clamped() {
        assert_eq!(Taps::linear(1.75, 0..4), Taps(vec![(1, 0.75), (2, 0.25)]));
        assert_eq!(Taps::linear(0.1, 0..4), Taps(vec![(0, 1.0), (1, 0.0)]));
        assert_eq!(Taps::linear(9.0, 0..4), Taps(vec![(3, 1.0)]));
        assert_eq!(Taps::linear(-9.0, 2..3), Taps(vec![(2, 1.0)]));
    }

    #[test]
    fn an_average_over_one_sample_is_linear_interpolation() {
        for tenth in 10..30 {
            let s = f64::from(tenth) / 10.0;
            let value = |t: &Taps| t.0.iter().map(|&(i, w)| [3.0, 50.0, 20.0, 90.0][i] * w).sum::<f64>();
            let (a, b) = (Taps::average(s, 1.0, 0..4), Taps::linear(s, 0..4));
            assert!((value(&a) - value(&b)).abs() < 1e-9, "{s}: {a:?} {b:?}");
        }
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! Resampling along one axis as lists of weights: exact area average when shrinking, linear interpolation when
//! enlarging. Weights are kept as floats and as fixed-point numbers whose sum is exact.

use super::geometry::{Axis, AxisMap, WHOLE};
use super::picks::{Groups, Picks};
use std::ops::Range;

/// Weights of source samples for a range of output samples; each output sample has equally many.
#[derive(Debug)]
pub(super) struct Taps {
    first: usize,
    n: usize,
    starts: Vec<u32>,
    float: Vec<f32>,
    fixed: Vec<i16>,
    /// In 1/65536; a weight of 1 is one less.
    wide: Vec<u16>,
    /// Three of them with a fourth that is 0; as `wide` for other numbers.
    padded: Option<Vec<u16>>,
    /// How they are summed sixteen at a time, if they lie near enough to each other and most do not lie in `pairs`.
    picks: Option<Picks>,
    shift: u32,
    identity: bool,
    halves: bool,
    enlarges: bool,
    /// The longest run of output samples whose weights are equal and two source samples on from each other.
    pairs: Range<usize>,
}

/// Source samples per output sample.
fn ratio(out: Axis, map: &AxisMap, source: Axis) -> f64 {
    out.pitch * map.scale() / source.pitch
}

/// Whether output samples are area averages.
pub(super) fn shrinks(out: Axis, map: &AxisMap, source: Axis) -> bool {
    ratio(out, map, source) > 1.0 + WHOLE
}

/// The samples one output sample is made of, before clamping to the window.
enum Reach {
    /// From `a` to `b` in samples, sample i covering [i, i + 1).
    Area { a: f64, b: f64 },
    /// `f` of the way from the centre of sample `i` to the next.
    Between { i: f64, f: f64 },
}

impl Taps {
    /// For output samples `range` on axis `out`, from a plane with samples on `source`, of which only those in
    /// `window` are read.
    pub fn new(out: Axis, range: Range<usize>, map: &AxisMap, source: Axis, window: Range<usize>) -> Self {
        Self::of(out, range, map, source, window, shrinks(out, map, source))
    }

    /// The same, but area averages at every ratio.
    pub fn average(
        out: Axis,
        range: Range<usize>,
        map: &AxisMap,
        source: Axis,
        window: Range<usize>,
    ) -> Self {
        Self::of(out, range, map, source, window, true)
    }

    fn of(
        out: Axis,
        range: Range<usize>,
        map: &AxisMap,
        source: Axis,
        window: Range<usize>,
        average: bool,
    ) -> Self {
        if let Some(taps) = Self::identity(out, &range, map, source, &window, average) {
            return taps;
        }
        let r = ratio(out, map, source);
        let reach = |i: usize| {
            let v = (map.apply(out.at(i)) - source.origin) / source.pitch + 0.5;
            if average {
                Reach::Area { a: v - r / 2.0, b: v + r / 2.0 }
            } else {
                let t = v - 0.5;
                Reach::Between { i: t.floor(), f: t - t.floor() }
            }
        };
        let (lo, hi) = (window.start as f64, window.end as f64 - 1.0);
        let span = |i: usize| {
            let (a, b) = match reach(i) {
                Reach::Area { a, b } => (a.floor(), b.ceil() - 1.0),
                Reach::Between { i, f } => (i, if f > 0.0 { i + 1.0 } else { i }),
            };
            let a = a.clamp(lo, hi) as usize;
            (a, (b.clamp(lo, hi) as usize).max(a))
        };
        let n = range.clone().map(span).map(|(a, b)| b - a + 1).max().unwrap_or(1);
        let count = range.len();
        let mut starts = Vec::with_capacity(count);
        let mut weights = vec![0.0f64; count * n];
        for (i, w) in range.clone().zip(weights.chunks_exact_mut(n)) {
            let (a, b) = span(i);
            let start = a.min(window.end - n);
            starts.push(start as u32);
            match reach(i) {
                Reach::Area { a: from, b: to } => {
                    for j in a..=b {
                        // the samples at the window's edges go on outside
                        let left = if j == window.start { from } else { from.max(j as f64) };
                        let right = if j + 1 == window.end { to } else { to.min(j as f64 + 1.0) };
                        w[j - start] = ((right - left) / r).max(0.0);
                    }
                }
                Reach::Between { f, .. } => {
                    w[b - start] = f;
                    w[a - start] += 1.0 - f;
                }
            }
        }
        Self::from_weights(range.start, n, starts, &weights)
    }

    /// The same as [`Taps::of`] makes, without calculating each weight, if every output sample is a source sample.
    fn identity(
        out: Axis,
        range: &Range<usize>,
        map: &AxisMap,
        source: Axis,
        window: &Range<usize>,
        average: bool,
    ) -> Option<Self> {
        // numbers so short that nothing is rounded below
        let short = |v: f64| v.abs() < 1e6 && (v * 64.0).fract() == 0.0;
        let numbers = [map.source, map.target, map.source_len, out.origin, out.pitch, source.origin];
        let plain = !average
            && !map.flip
            && map.source_len == map.target_len
            && out.pitch == source.pitch
            && numbers.into_iter().all(short);
        let start = (map.apply(out.at(range.start)) - source.origin) / source.pitch;
        let inside = start >= window.start as f64 && start + range.len() as f64 <= window.end as f64;
        if !plain || range.is_empty() || !inside || start.fract() != 0.0 {
            return None;
        }
        let (n, first, start) = (range.len(), range.start, start as u32);
        Some(Self {
            first,
            n: 1,
            starts: (start..start + n as u32).collect(),
            float: vec![1.0; n],
            fixed: vec![1 << 14; n],
            wide: vec![65535; n],
            padded: None,
            picks: None,
            shift: 14,
            identity: true,
            halves: false,
            enlarges: false,
            pairs: first..first,
        })
    }

    fn from_weights(first: usize, n: usize, starts: Vec<u32>, weights: &[f64]) -> Self {
        let largest = weights.iter().copied().fold(0.0, f64::max);
        // more bits for the small weights of a strong reduction; 17 keep 12-bit samples within 31 bits
        let mut shift = 14;
        while shift < 17 && largest * f64::from(1u32 << (shift + 1)) <= 32767.0 {
            shift += 1;
        }
        let one = f64::from(1u32 << shift);
        let mut fixed = Vec::with_capacity(weights.len());
        let mut wide = Vec::with_capacity(weights.len());
        for (i, w) in weights.chunks_exact(n).enumerate() {
            if i > 0 && weights[(i - 1) * n..i * n] == *w {
                // most samples of a layer that is not scaled, and all between others' edges in simple ratios
                fixed.extend_from_within((i - 1) * n..);
                wide.extend_from_within((i - 1) * n..);
                continue;
            }
            let total: f64 = w.iter().sum();
            // differences of the rounded running sum: the sum is exact, errors are spread evenly
            let mut sum = 0.0;
            let mut before = (0.0, 0.0);
            for v in w {
                sum += v;
                let now = ((sum / total * one).round(), (sum / total * 65536.0).round());
                fixed.push((now.0 - before.0) as i16);
                wide.push((now.1 - before.1).min(65535.0) as u16);
                before = now;
            }
        }
        let identity = n == 1 && starts.windows(2).all(|s| s[1] == s[0] + 1);
        let halves =
            n == 2 && starts.windows(2).all(|s| s[1] == s[0] + 2) && weights.iter().all(|w| *w == 0.5);
        let pad = |w: &[u16]| [w[0], w[1], w[2], 0];
        let padded = (n == 3).then(|| wide.chunks_exact(3).flat_map(pad).collect());
        let float = weights.iter().map(|w| *w as f32).collect();
        let (lo, hi) = (starts.iter().min().copied(), starts.iter().max().copied());
        let enlarges = ((hi.unwrap_or(0) - lo.unwrap_or(0)) as usize + n) < starts.len();
        let pairs = first..first;
        let mut taps = Self {
            first,
            n,
            starts,
            float,
            fixed,
            wide,
            padded,
            picks: None,
            shift,
            identity,
            halves,
            enlarges,
            pairs,
        };
        taps.pairs = taps.longest_run();
        if 2 * taps.pairs.len() < taps.starts.len() {
            taps.picks = Picks::new(n, &taps.starts, &taps.wide);
        }
        taps
    }

    fn longest_run(&self) -> Range<usize> {
        if !(2..=4).contains(&self.n) {
            return self.first..self.first;
        }
        let mut longest = 0..0;
        let mut begin = 0;
        for i in 1..=self.starts.len() {
            let weights = |i: usize| {
                let of = i * self.n..(i + 1) * self.n;
                (&self.float[of.clone()], &self.fixed[of])
            };
            let goes_on = i < self.starts.len()
                && self.starts[i] == self.starts[i - 1] + 2
                && weights(i) == weights(i - 1);
            if !goes_on {
                if i - begin > longest.len() {
                    longest = begin..i;
                }
                begin = i;
            }
        }
        // a run of one is no run
        if longest.len() < 2 {
            self.first..self.first
        } else {
            longest.start + self.first..longest.end + self.first
        }
    }

    /// Those of output samples `range` that belong to a run of samples with equal weights, each two source
    /// samples on from the one before; may be empty.
    pub fn by_pairs(&self, range: Range<usize>) -> Range<usize> {
        let start = self.pairs.start.clamp(range.start, range.end);
        start..self.pairs.end.clamp(start, range.end)
    }

    /// Weights per output sample.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether output samples are source samples, in order.
    pub fn is_identity(&self) -> bool {
        self.identity
    }

    /// Whether output samples are means of two source samples each, pair by pair.
    pub fn is_halves(&self) -> bool {
        self.halves
    }

    /// Whether output samples are means of two neighbours.
    pub fn halves_at(&self, i: usize) -> bool {
        *self.wide(i..i + 1) == [32768; 2]
    }

    /// The weights of the samples of [`Taps::by_pairs`] in eighths, if they are three whole numbers of them.
    pub fn eighths(&self) -> Option<[u8; 3]> {
        let weights = self.pairs.clone().next().map(|i| self.wide(i..i + 1));
        match weights {
            Some([a, b, c]) if (a | b | c) % 8192 == 0 => Some([a, b, c].map(|w| (w / 8192) as u8)),
            _ => None,
        }
    }

    /// Whether fewer source samples are read than output samples made.
    pub fn enlarges(&self) -> bool {
        self.enlarges
    }

    /// log2 of the sum of the fixed-point weights of an output sample.
    pub fn shift(&self) -> u32 {
        self.shift
    }

    /// The first source samples of output samples `range`.
    pub fn starts(&self, range: Range<usize>) -> &[u32] {
        &self.starts[range.start - self.first..range.end - self.first]
    }

    /// The first source sample of output sample `i`.
    pub fn start(&self, i: usize) -> usize {
        self.starts[i - self.first] as usize
    }

    pub fn float(&self, range: Range<usize>) -> &[f32] {
        &self.float[(range.start - self.first) * self.n..(range.end - self.first) * self.n]
    }

    pub fn fixed(&self, range: Range<usize>) -> &[i16] {
        &self.fixed[(range.start - self.first) * self.n..(range.end - self.first) * self.n]
    }

    /// In 1/65536.
    pub fn wide(&self, range: Range<usize>) -> &[u16] {
        &self.wide[(range.start - self.first) * self.n..(range.end - self.first) * self.n]
    }

    /// The same, four instead of three for each output sample.
    pub fn wide_padded(&self, range: Range<usize>) -> &[u16] {
        match &self.padded {
            Some(padded) => &padded[(range.start - self.first) * 4..(range.end - self.first) * 4],
            None => self.wide(range),
        }
    }

    /// See [`Picks::within`], and whether eight source samples are enough for half a group.
    pub fn picks(&self, range: Range<usize>) -> Option<(Range<usize>, Groups<'_>, bool)> {
        let picks = self.picks.as_ref()?;
        let (samples, groups) = picks.within(range.start - self.first..range.end - self.first);
        Some((samples.start + self.first..samples.end + self.first, groups, picks.narrow))
    }

    /// The source samples that output samples `range` read.
    pub fn reads(&self, range: Range<usize>) -> Range<usize> {
        let starts = self.starts(range);
        let lo = starts.iter().min().copied().unwrap_or(0) as usize;
        let hi = starts.iter().max().copied().unwrap_or(0) as usize;
        lo..hi + self.n
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(source: f64, source_len: f64, target: f64, target_len: f64) -> AxisMap {
        AxisMap { source, source_len, target, target_len, flip: false }
    }

    fn taps(m: AxisMap, outputs: usize, window: Range<usize>) -> Taps {
        Taps::new(Axis::LUMA, 0..outputs, &m, Axis::LUMA, window)
    }

    #[test]
    fn unscaled_whole_positions_are_the_identity() {
        let t = taps(map(0.0, 8.0, 0.0, 8.0), 8, 0..8);
        assert!(t.is_identity() && t.len() == 1 && t.float(3..4) == [1.0] && t.fixed(3..4) == [16384]);
        let flipped = taps(AxisMap { flip: true, ..map(0.0, 8.0, 0.0, 8.0) }, 8, 0..8);
        assert!(!flipped.is_identity() && flipped.start(0) == 7 && flipped.len() == 1);
    }

    #[test]
    fn the_identity_is_what_weights_would_say() {
        let chroma = Axis { origin: 1.0, pitch: 2.0 };
        let from_0 = AxisMap { source: 2.0, source_len: 20.0, target: -4.0, target_len: 20.0, flip: false };
        for (axis, map, range) in
            [(Axis::LUMA, from_0, 1..13), (chroma, from_0, 2..7), (chroma, AxisMap::SAME, 0..9)]
        {
            let t = Taps::identity(axis, &range, &map, axis, &(0..20), false).expect("whole samples apart");
            let start = ((map.apply(axis.at(range.start)) - axis.origin) / axis.pitch) as u32;
            let starts = (start..start + range.len() as u32).collect();
            let general = Taps::from_weights(range.start, 1, starts, &vec![1.0; range.len()]);
            assert_eq!(format!("{t:?}"), format!("{general:?}"));
        }
        let half = AxisMap { source: 0.5, ..from_0 };
        assert!(Taps::identity(Axis::LUMA, &(1..13), &half, Axis::LUMA, &(0..20), false).is_none());
        assert!(
            Taps::identity(Axis::LUMA, &(1..19), &from_0, Axis::LUMA, &(0..20), false).is_none(),
            "clamped"
        );
    }

    #[test]
    fn shrinking_averages_exactly() {
        let t = taps(map(0.0, 9.0, 0.0, 6.0), 6, 0..9);
        assert_eq!(t.starts(0..3), [0, 1, 3]);
        let near = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(near(t.float(0..2), &[2.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 2.0 / 3.0]));
        let all = taps(map(0.0, 100.0, 0.0, 0.5), 1, 0..100);
        assert!(all.float(0..1).iter().sum::<f32>() > 0.9999);
    }

    #[test]
    fn samples_clamp_at_the_window() {
        // doubling pixels 2..4 only
        let t = taps(map(2.0, 2.0, 0.0, 4.0), 4, 2..4);
        assert_eq!(t.reads(0..4), 2..4);
        assert_eq!(t.float(0..1), [1.0, 0.0]);
        assert_eq!(t.float(1..2), [0.75, 0.25]);
        assert_eq!(t.float(3..4), [0.0, 1.0]);
    }

    #[test]
    fn chroma_at_odd_positions_moves_half_a_sample() {
        let chroma = Axis { origin: 1.0, pitch: 2.0 };
        let t = Taps::new(chroma, 0..4, &map(0.0, 8.0, 1.0, 8.0), chroma, 0..4);
        assert_eq!(t.float(1..2), [0.5, 0.5]);
        assert_eq!(t.start(1), 0);
        let even = Taps::new(chroma, 1..4, &map(0.0, 8.0, 2.0, 8.0), chroma, 0..4);
        assert!(even.is_identity() && even.start(1) == 0);
    }

    #[test]
    fn equal_weights_two_apart_are_found() {
        let left = Axis { origin: 0.5, pitch: 2.0 };
        let t = Taps::new(left, 0..8, &AxisMap::SAME, Axis::LUMA, 0..16);
        assert_eq!(t.len(), 3);
        assert_eq!(t.by_pairs(0..8), 1..8, "the first is clamped");
        assert_eq!(t.by_pairs(3..6), 3..6);
        assert_eq!(t.by_pairs(0..1), 1..1);
        assert_eq!(t.float(1..2), [0.25, 0.5, 0.25]);
        let halves = taps(map(0.0, 8.0, 0.0, 4.0), 4, 0..8);
        assert!(halves.is_halves() && halves.by_pairs(0..4) == (0..4));
        assert!(taps(map(0.0, 9.0, 0.0, 6.0), 6, 0..9).by_pairs(0..6).is_empty());
    }

    #[test]
    fn fixed_weights_sum_to_one_at_every_ratio() {
        for (source, target) in
            [(16384.0, 1.0), (1000.0, 7.3), (3.0, 2.9), (10.0, 9999.7), (1.0, 50.0), (5.0, 0.01)]
        {
            let outputs = (f64::ceil(target) as usize).min(60);
            let t = taps(map(0.0, source, 0.0, target), outputs, 0..source as usize);
            for i in 0..outputs {
                let sum: i32 = t.fixed(i..i + 1).iter().map(|w| i32::from(*w)).sum();
                assert_eq!(sum, 1 << t.shift(), "{source} to {target}, sample {i}");
                assert!(t.fixed(i..i + 1).iter().all(|w| *w >= 0));
                assert!((t.float(i..i + 1).iter().sum::<f32>() - 1.0).abs() < 1e-4);
                assert!(t.start(i) + t.len() <= source as usize);
            }
        }
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! What a device says it can do. None of it is believed beyond its types: drivers leave numbers at zero, or list
//! without end.

use super::formats::{self, Known};
use crate::camera::mode::{Offer, Rates, Sizes};
use crate::v4l2::raw::{DISCRETE, Device, Fract, FrmIvalEnum, FrmSizeEnum};
use lk_media::{FrameRate, Size};

/// Formats, sizes and rates that are looked at, at the most.
const MOST: u32 = 256;
/// What is taken for the rate of a device that tells none.
const GUESS: u32 = 30;

/// What the device offers of what is understood, the preferred formats first.
pub(super) fn all(device: &Device) -> Vec<(Known, Offer)> {
    let mut known: Vec<(usize, Known)> = (0..MOST)
        .map_while(|n| device.format_at(n))
        .filter_map(|described| formats::find(described.pixelformat))
        .collect();
    known.sort_by_key(|(rank, _)| *rank);
    known.dedup_by_key(|(rank, _)| *rank);
    known.into_iter().flat_map(|(_, known)| of_format(device, known)).collect()
}

fn of_format(device: &Device, known: Known) -> Vec<(Known, Offer)> {
    let listed = (0..MOST).map_while(|n| device.size_at(n, known.fourcc));
    let mut sizes: Vec<Sizes> = listed.filter_map(|found| sizes_of(&found)).collect();
    if sizes.is_empty() {
        // it lists none: the size that it has now is one
        let now = device.format().ok().and_then(|pix| Size::checked(pix.width, pix.height).ok());
        sizes.extend(now.map(Sizes::One));
    }
    sizes
        .into_iter()
        .map(|sizes| {
            let probe = match sizes {
                Sizes::One(size) => size,
                Sizes::Range { max, .. } => max,
            };
            let rates = rates_of(device, known.fourcc, probe);
            (known, Offer { format: known.format, sizes, rates })
        })
        .collect()
}

fn sizes_of(found: &FrmSizeEnum) -> Option<Sizes> {
    let [a, b, c, d, e, f] = found.numbers;
    if found.kind == DISCRETE {
        return Size::checked(a, b).ok().map(Sizes::One);
    }
    let (most, least) = (|n: u32| n.min(Size::MAX_SIDE), |n: u32| n.max(1));
    let (min, max) = (Size::new(least(a), least(d)), Size::new(most(b), most(e)));
    let sensible = min.width <= max.width && min.height <= max.height;
    sensible.then(|| Sizes::Range { min, max, step: Size::new(least(c), least(f)) })
}

fn rates_of(device: &Device, fourcc: u32, size: Size) -> Rates {
    let listed = (0..MOST).map_while(|n| device.interval_at(n, fourcc, (size.width, size.height)));
    rates_listed(listed).unwrap_or_else(|| {
        let now = device.parameters().ok().and_then(|p| rate_of(p.timeperframe));
        Rates::Unknown(now.unwrap_or_else(guess))
    })
}

fn rates_listed(listed: impl Iterator<Item = FrmIvalEnum>) -> Option<Rates> {
    let mut rates = Vec::new();
    for found in listed {
        let [first, second, _] = found.intervals;
        if found.kind != DISCRETE {
            // the shortest interval is the fastest rate
            return match (rate_of(second), rate_of(first)) {
                (Some(slow), Some(fast)) => Some(Rates::Range(slow, fast)),
                (None, Some(fast)) => Some(Rates::Range(FrameRate::new(1, 1).unwrap_or(fast), fast)),
                _ => None,
            };
        }
        rates.extend(rate_of(first));
    }
    (!rates.is_empty()).then_some(Rates::Some(rates))
}

/// Frames a second from the time between frames, to the thousandth: USB cameras count in 100 ns, and 333333 of them are
/// meant to be a thirtieth of a second.
pub(super) fn rate_of(interval: Fract) -> Option<FrameRate> {
    let fps = f64::from(interval.denominator) / f64::from(interval.numerator);
    FrameRate::from_f64((fps * 1e3).round() / 1e3).ok()
}

fn guess() -> FrameRate {
    FrameRate::new(GUESS, 1).unwrap_or_else(|_| unreachable!("a rate above 0"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v4l2::raw::Plain;

    const CONTINUOUS: u32 = 2;

    fn rate(num: u32, den: u32) -> FrameRate {
        FrameRate::new(num, den).unwrap()
    }

    #[test]
    fn sizes_as_drivers_list_them() {
        let listed = |kind, numbers| sizes_of(&FrmSizeEnum { kind, numbers, ..FrmSizeEnum::zeroed() });
        assert_eq!(listed(DISCRETE, [640, 480, 9, 9, 9, 9]), Some(Sizes::One(Size::new(640, 480))));
        assert_eq!(listed(DISCRETE, [0, 480, 0, 0, 0, 0]), None);
        let range =
            Sizes::Range { min: Size::new(48, 32), max: Size::new(8192, 4096), step: Size::new(2, 1) };
        assert_eq!(listed(3, [48, 8192, 2, 32, 4096, 1]), Some(range));
        // zeros and giants are made possible, nonsense is left out
        let all = Sizes::Range { min: Size::new(1, 1), max: Size::new(16384, 16384), step: Size::new(1, 1) };
        assert_eq!(listed(CONTINUOUS, [0, u32::MAX, 0, 0, u32::MAX, 0]), Some(all));
        assert_eq!(listed(3, [100, 10, 1, 1, 10, 1]), None);
    }

    #[test]
    fn rates_as_drivers_list_them() {
        let listed = |kind, intervals: [(u32, u32); 3]| {
            let intervals = intervals.map(|(numerator, denominator)| Fract { numerator, denominator });
            FrmIvalEnum { kind, intervals, ..FrmIvalEnum::zeroed() }
        };
        let discrete = [
            listed(DISCRETE, [(1, 30), (0, 0), (0, 0)]),
            listed(DISCRETE, [(333_333, 5_000_000), (0, 0), (0, 0)]),
        ];
        assert_eq!(rates_listed(discrete.into_iter()), Some(Rates::Some(vec![rate(30, 1), rate(15, 1)])));
        let range = listed(3, [(1, 60), (1, 5), (1, 60)]);
        assert_eq!(rates_listed([range].into_iter()), Some(Rates::Range(rate(5, 1), rate(60, 1))));
        let endless = listed(CONTINUOUS, [(1, 120), (1, 0), (1, 1)]);
        assert_eq!(rates_listed([endless].into_iter()), Some(Rates::Range(rate(1, 1), rate(120, 1))));
        assert_eq!(rates_listed([listed(DISCRETE, [(0, 0); 3])].into_iter()), None);
        assert_eq!(rates_listed(std::iter::empty()), None);
    }
}

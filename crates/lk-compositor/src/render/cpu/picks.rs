// SPDX-License-Identifier: GPL-2.0-or-later
//! How sixteen output samples at a time are picked out of two short stretches of a row, eight out of each. Shuffling what
//! was read once is several times as fast as reading each sample by itself; it is possible while eight output samples
//! are made of no more than sixteen source samples, up to a reduction to 4/7 or so.

use std::ops::Range;

/// Output samples that are made together.
pub(super) const GROUP: usize = 16;
/// Source samples of which half of them are made.
const REACH: usize = 16;
/// Bytes that a shuffle sees at a time; what it is to leave empty is marked by the highest bit.
const SEEN: usize = 16;
const EMPTY: u8 = 0x80;

/// The groups of a row of output samples, from the first on; those that do not make a whole group are left out.
#[derive(Debug)]
pub(super) struct Picks {
    /// Of each group, the first source samples of its halves.
    from: Vec<[u32; 2]>,
    /// Of each group, the byte in which the first sample of each sum begins, as a shuffle of the first eight source
    /// samples wants it: those that are not among them are `EMPTY`. For the next eight the highest bit is the other way
    /// round, and each next sample of a sum is two bytes on.
    first: Vec<[u8; 2 * GROUP]>,
    /// Of each group, the weights of the first sample of each sum, of the second, and so on.
    weights: Vec<[u16; GROUP]>,
    /// Whether the first eight source samples are enough everywhere.
    pub narrow: bool,
}

/// Some groups of [`Picks`].
#[derive(Clone, Copy)]
pub(super) struct Groups<'a> {
    pub from: &'a [[u32; 2]],
    pub first: &'a [[u8; 2 * GROUP]],
    pub weights: &'a [[u16; GROUP]],
}

impl Picks {
    /// For output samples made of `n` source samples from each of `starts` on; `weights` has `n` for each. None if they
    /// lie too far from each other.
    pub fn new(n: usize, starts: &[u32], weights: &[u16]) -> Option<Self> {
        if !(2..=4).contains(&n) || starts.len() < GROUP {
            return None;
        }
        let groups = starts.len() / GROUP;
        let mut picks = Self {
            from: Vec::with_capacity(groups),
            first: Vec::with_capacity(groups),
            weights: Vec::with_capacity(n * groups),
            narrow: true,
        };
        for (starts, weights) in starts.chunks_exact(GROUP).zip(weights.chunks_exact(n * GROUP)) {
            let mut first = [0; 2 * GROUP];
            let mut from = [0; 2];
            let halves = starts.chunks_exact(GROUP / 2).zip(first.chunks_exact_mut(GROUP));
            for ((starts, first), from) in halves.zip(&mut from) {
                *from = starts.iter().copied().min()?;
                for (start, bytes) in starts.iter().zip(first.as_chunks_mut::<2>().0) {
                    let reach = (start - *from) as usize;
                    if reach + n > REACH {
                        return None;
                    }
                    picks.narrow &= reach + n <= SEEN / 2;
                    // bytes from SEEN on come to have the highest bit, also by steps from sample to sample
                    let byte = 2 * reach as u8 + EMPTY - SEEN as u8;
                    *bytes = [byte, byte + 1];
                }
            }
            picks.from.push(from);
            picks.first.push(first);
            picks.weights.extend((0..n).map(|k| std::array::from_fn(|i| weights[n * i + k])));
        }
        Some(picks)
    }

    /// The output samples of whole groups within `range`, counted from the first, and those groups.
    pub fn within(&self, range: Range<usize>) -> (Range<usize>, Groups<'_>) {
        let (count, mut start) = (self.from.len(), range.start.div_ceil(GROUP));
        let end = (range.end / GROUP).min(count);
        let mut samples = GROUP * start..GROUP * end;
        if start >= end {
            (start, samples) = (end, range.start..range.start);
        }
        let n = self.weights.len() / count.max(1);
        let groups = Groups {
            from: &self.from[start..end],
            first: &self.first[start..end],
            weights: &self.weights[n * start..n * end],
        };
        (samples, groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_groups_are_found() {
        let starts: Vec<u32> = (0..70).map(|i| i * 3 / 2).collect();
        let picks = Picks::new(3, &starts, &[7; 210]).expect("near each other");
        assert!(!picks.narrow);
        let samples = |range| picks.within(range).0;
        assert_eq!(samples(0..70), 0..64);
        assert_eq!(samples(1..63), 16..48);
        assert_eq!([samples(17..31), samples(65..70), samples(5..5)], [17..17, 65..65, 5..5]);
        let (_, groups) = picks.within(16..48);
        assert_eq!((groups.from, groups.weights.len()), (&[[24, 36], [48, 60]][..], 6));
        // sample 17 begins with source sample 25, the second of its half
        assert_eq!(groups.first[0][2..4], [0x72, 0x73]);
    }

    #[test]
    fn samples_far_apart_are_not_picked() {
        let every = |step: u32| (0..32).map(|i| i * step).collect::<Vec<_>>();
        assert!(Picks::new(2, &every(2), &[0; 64]).is_some());
        assert!(Picks::new(3, &every(2), &[0; 96]).is_none());
        assert!(Picks::new(2, &every(3), &[0; 64]).is_none());
        assert!(Picks::new(2, &[0; 15], &[0; 30]).is_none());
        assert!(Picks::new(5, &[0; 32], &[0; 160]).is_none());
        let backwards: Vec<u32> = every(1).into_iter().rev().collect();
        assert!(Picks::new(2, &backwards, &[0; 64]).is_some_and(|picks| picks.from == [[24, 16], [8, 0]]));
    }
}

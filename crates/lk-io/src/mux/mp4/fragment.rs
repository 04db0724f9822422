// SPDX-License-Identifier: GPL-2.0-or-later
//! What a fragment says of its samples.

use super::boxes::{all, at_path, find, u32_at, u64_at};

/// A sample of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) duration: u32,
    pub(super) size: u32,
    /// Presentation minus decoding time.
    pub(super) shift: i32,
    pub(super) key: bool,
}

/// The samples of one track in a fragment, which lie side by side.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) track: u32,
    /// Decoding time of the first.
    pub(super) time: u64,
    /// Where the time stands in the fragment's header.
    pub(super) time_at: usize,
    /// Where the bytes begin, in the file.
    pub(super) offset: u64,
    pub(super) samples: Vec<Sample>,
}

const NOT_KEY: u32 = 0x1_0000;

/// The runs of the fragment whose header, a whole `moof`, stands at byte `at` of the file; None if it is not
/// understood.
pub(super) fn runs(moof: &[u8], at: u64) -> Option<Vec<Run>> {
    let mut runs = Vec::new();
    for part in all(moof.get(8..)?).filter(|a| a.kind == b"traf") {
        let head = find(part.body, b"tfhd")?;
        let flags = u32_at(head, 0)? & 0xff_ffff;
        let mut place = 8;
        let mut field = |flag: u32, size: usize| {
            let here = place;
            place += if flags & flag != 0 { size } else { 0 };
            (flags & flag != 0).then_some(here)
        };
        let base = field(1, 8).map_or(Some(at), |p| u64_at(head, p))?;
        field(2, 4);
        let mut usual = |flag| field(flag, 4).map_or(Some(0), |p| u32_at(head, p));
        let (duration, size, key) = (usual(8)?, usual(0x10)?, usual(0x20)?);

        let time = at_path(part.body, &[b"tfdt"])?;
        let long = *time.first()? == 1;
        let mut next = if long { u64_at(time, 4)? } else { u64::from(u32_at(time, 4)?) };
        let time_at = if long { time.as_ptr() as usize - moof.as_ptr() as usize + 4 } else { 0 };

        for run in all(part.body).filter(|a| a.kind == b"trun") {
            let (flags, count) = (u32_at(run.body, 0)?, u32_at(run.body, 4)?);
            let mut place = 8;
            let mut word = || {
                place += 4;
                u32_at(run.body, place - 4)
            };
            let offset = if flags & 1 != 0 { word()? as i32 } else { 0 };
            let first = if flags & 4 != 0 { Some(word()?) } else { None };
            let mut samples = Vec::with_capacity(count.min(1 << 20) as usize);
            let mut length = 0u64;
            for n in 0..count {
                let duration = if flags & 0x100 != 0 { word()? } else { duration };
                let size = if flags & 0x200 != 0 { word()? } else { size };
                let mut kind = if flags & 0x400 != 0 { word()? } else { key };
                if let Some(first) = first.filter(|_| n == 0) {
                    kind = first;
                }
                let shift = if flags & 0x800 != 0 { word()? as i32 } else { 0 };
                samples.push(Sample { duration, size, shift, key: kind & NOT_KEY == 0 });
                length += u64::from(duration);
            }
            let offset = base.checked_add_signed(i64::from(offset))?;
            runs.push(Run { track: u32_at(head, 4)?, time: next, time_at, offset, samples });
            next += length;
        }
    }
    Some(runs)
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! The decoder shows grey where a JPEG was cut off. A picture that is only half there is an error here.

/// Whether the marker that ends a JPEG stands where it belongs: after the scans, not in a thumbnail.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    const END: u8 = 0xd9;
    const SCAN: u8 = 0xda;
    let mut rest = bytes.get(2..).unwrap_or_default();
    while let Some((marker, after)) = next_marker(rest) {
        rest = after;
        if marker == END {
            return true;
        }
        // a segment: its length, in front of it, counts itself
        let Some(length) = rest.first_chunk::<2>() else {
            return false;
        };
        rest = rest.get(usize::from(u16::from_be_bytes(*length))..).unwrap_or_default();
        if marker == SCAN && rest.is_empty() {
            return false;
        }
    }
    false
}

/// The next marker that is not part of compressed data, and what follows it.
fn next_marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    // FF 00 is a byte of data, FF FF is filling, FF D0 to D7 and 01 stand alone
    let is_marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0x01 | 0xd0..=0xd7 | 0xff);
    let at = bytes.windows(2).position(is_marker)?;
    Some((bytes[at + 1], &bytes[at + 2..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_found_behind_segments_and_scans() {
        let thumbnail = [0xff, 0xe1, 0, 6, 0xff, 0xd9, 0xff, 0xd9];
        let scan = [0xff, 0xda, 0, 2, 1, 2, 0xff, 0, 0xff, 0xd3, 9];
        let whole = [&[0xff, 0xd8], &thumbnail[..], &scan[..], &[0xff, 0xff, 0xd9, 7, 7]].concat();
        assert!(is_whole(&whole));
        for cut in 0..whole.len() - 2 {
            assert!(!is_whole(&whole[..cut]), "cut at {cut}");
        }
    }
}

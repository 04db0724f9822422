// SPDX-License-Identifier: GPL-2.0-or-later
//! Frames of a device from and to stereo floats.

use lk_media::CHANNELS;
use std::ffi::c_int;

/// How a device has its samples, in this machine's order of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    F32,
    S32,
    /// The lower three bytes of four.
    S24In32,
    /// Three bytes.
    S24,
    S16,
}

impl Format {
    /// All of them, what is asked for first in front.
    pub(super) const ALL: [Self; 5] = [Self::F32, Self::S32, Self::S24In32, Self::S24, Self::S16];

    /// The library's number: the one for the other order of bytes follows each.
    pub(super) fn code(self) -> c_int {
        let little = match self {
            Self::S16 => 2,
            Self::S24In32 => 6,
            Self::S32 => 10,
            Self::F32 => 14,
            Self::S24 => 32,
        };
        little + c_int::from(cfg!(target_endian = "big"))
    }

    /// Bytes of a sample.
    pub(super) fn size(self) -> usize {
        match self {
            Self::F32 | Self::S32 | Self::S24In32 => 4,
            Self::S24 => 3,
            Self::S16 => 2,
        }
    }

    fn put(self, sample: f32, out: &mut [u8]) {
        let whole = |bits: u32| {
            // rounded and held within what there is: `as` does so
            let full = f64::from(1u32 << (bits - 1));
            (f64::from(sample) * full).round().clamp(-full, full - 1.0) as i32
        };
        match self {
            Self::F32 => out.copy_from_slice(&sample.to_ne_bytes()),
            Self::S32 => out.copy_from_slice(&whole(32).to_ne_bytes()),
            Self::S24In32 => out.copy_from_slice(&whole(24).to_ne_bytes()),
            Self::S24 => {
                let bytes = whole(24).to_ne_bytes();
                out.copy_from_slice(if cfg!(target_endian = "big") { &bytes[1..] } else { &bytes[..3] });
            }
            Self::S16 => out.copy_from_slice(&(whole(16) as i16).to_ne_bytes()),
        }
    }

    fn get(self, bytes: &[u8]) -> f32 {
        let four = || <[u8; 4]>::try_from(bytes).unwrap_or_default();
        match self {
            Self::F32 => f32::from_ne_bytes(four()),
            Self::S32 => i32::from_ne_bytes(four()) as f32 / (1u32 << 31) as f32,
            // what lies in the fourth byte is nothing
            Self::S24In32 => (i32::from_ne_bytes(four()) << 8) as f32 / (1u32 << 31) as f32,
            Self::S24 => {
                let mut word = [0; 4];
                word[usize::from(cfg!(target_endian = "little"))..][..3].copy_from_slice(bytes);
                let word = i32::from_ne_bytes(word);
                (if cfg!(target_endian = "big") { word << 8 } else { word & !0xff }) as f32
                    / (1u32 << 31) as f32
            }
            Self::S16 => {
                f32::from(i16::from_ne_bytes(<[u8; 2]>::try_from(bytes).unwrap_or_default())) / 32_768.0
            }
        }
    }

    /// Writes stereo frames as frames of so many channels: the first two, or both in one; others are silent.
    pub(super) fn write(self, stereo: &[f32], channels: usize, out: &mut [u8]) {
        let size = self.size();
        for (frame, out) in stereo.chunks_exact(CHANNELS).zip(out.chunks_exact_mut(size * channels)) {
            if channels == 1 {
                self.put((frame[0] + frame[1]) * 0.5, out);
                continue;
            }
            for (c, out) in out.chunks_exact_mut(size).enumerate() {
                self.put(frame.get(c).copied().unwrap_or(0.0), out);
            }
        }
    }

    /// Reads frames of so many channels as stereo frames: the first two, or one on both sides.
    pub(super) fn read(self, bytes: &[u8], channels: usize, stereo: &mut [f32]) {
        let size = self.size();
        for (frame, out) in bytes.chunks_exact(size * channels).zip(stereo.chunks_exact_mut(CHANNELS)) {
            for (c, sample) in out.iter_mut().enumerate() {
                let c = c.min(channels - 1);
                *sample = self.get(&frame[c * size..(c + 1) * size]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_there_and_back() {
        let stereo = [0.0, 0.5, -1.0, 0.999, 0.1, -0.1, 1.5, -7.0];
        for (format, bits) in [
            (Format::F32, 32),
            (Format::S32, 25),
            (Format::S24In32, 24),
            (Format::S24, 24),
            (Format::S16, 16),
        ] {
            for channels in [1, 2, 6] {
                let mut bytes = vec![0xaa; 4 * channels * format.size()];
                format.write(&stereo, channels, &mut bytes);
                let mut back = [9.0; 8];
                format.read(&bytes, channels, &mut back);
                for (n, (was, is)) in stereo.iter().zip(back).enumerate() {
                    let was = if channels == 1 { (stereo[n & !1] + stereo[n | 1]) * 0.5 } else { *was };
                    let was = if format == Format::F32 { was } else { was.clamp(-1.0, 1.0) };
                    let step = 1.1 / f64::from(1u32 << (bits - 1).min(30));
                    assert!(
                        (f64::from(was) - f64::from(is)).abs() <= step,
                        "{format:?} {channels}: {was} {is}"
                    );
                }
                if channels == 6 {
                    let silent = &bytes[2 * format.size()..6 * format.size()];
                    assert!(silent.iter().all(|b| *b == 0), "{format:?}");
                }
            }
        }
    }

    #[test]
    fn no_number_is_a_sample_of_integers() {
        let mut bytes = [1; 4];
        Format::S16.write(&[f32::NAN, f32::INFINITY], 2, &mut bytes);
        assert_eq!(bytes[..2], [0, 0]);
        assert_eq!(i16::from_ne_bytes([bytes[2], bytes[3]]), i16::MAX);
    }
}

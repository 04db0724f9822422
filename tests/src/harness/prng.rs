// SPDX-License-Identifier: GPL-2.0-or-later
//! Numbers that look random and are the same on every run.

/// A linear congruential generator modulo 2^64 whose high bits are used (constants of Knuth's MMIX).
#[derive(Clone, Debug)]
pub struct Prng(u64);

impl Prng {
    /// The sequence that belongs to `seed`.
    pub fn new(seed: u64) -> Self {
        let mut prng = Self(seed ^ 0x9e37_79b9_7f4a_7c15);
        (0..4).for_each(|_| _ = prng.byte());
        prng
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 56) as u8
    }
}

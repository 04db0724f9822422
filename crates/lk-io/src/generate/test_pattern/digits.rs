// SPDX-License-Identifier: GPL-2.0-or-later
//! Digits of 5 by 7 dots.

/// Dots across and down.
pub(super) const COLUMNS: usize = 5;
pub(super) const ROWS: usize = 7;

/// The rows of each digit; the highest of the five bits is the leftmost dot.
const DOTS: [[u8; ROWS]; 10] = [
    [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110],
    [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
    [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111],
    [0b11111, 0b00010, 0b00100, 0b00110, 0b00001, 0b10001, 0b01110],
    [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010],
    [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
    [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110],
    [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000],
    [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
    [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100],
];

/// Where the dots of `digit` are, (column, row).
pub(super) fn dots(digit: u8) -> impl Iterator<Item = (usize, usize)> {
    let rows = DOTS[usize::from(digit % 10)];
    let all = (0..ROWS).flat_map(|y| (0..COLUMNS).map(move |x| (x, y)));
    all.filter(move |(x, y)| (rows[*y] >> (COLUMNS - 1 - x)) & 1 == 1)
}

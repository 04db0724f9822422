// SPDX-License-Identifier: GPL-2.0-or-later
//! Keys by their codes: what stands on them where the keyboard is American. The layouts of others are a language of
//! libxkbcommon's, which is not needed for anything else here.

use crate::viewer::Key;

/// The rows of a keyboard, each from the code of its first key.
const ROWS: [(u32, &str); 4] =
    [(2, "1234567890-="), (16, "qwertyuiop[]"), (30, "asdfghjkl;'`"), (43, "\\zxcvbnm,./")];

/// The key with that code of the kernel's.
pub(super) fn of_code(code: u32) -> Option<Key> {
    let of_rows = || {
        ROWS.iter().find_map(|(first, row)| {
            let at = code.checked_sub(*first)? as usize;
            row.chars().nth(at).map(Key::Char)
        })
    };
    Some(match code {
        1 => Key::Escape,
        28 | 96 => Key::Enter,
        57 => Key::Char(' '),
        59..=68 => Key::F((code - 58) as u8),
        87 | 88 => Key::F((code - 76) as u8),
        103 => Key::Up,
        105 => Key::Left,
        106 => Key::Right,
        108 => Key::Down,
        _ => return of_rows(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_keys() {
        let codes = [(1, Key::Escape), (16, Key::Char('q')), (33, Key::Char('f')), (50, Key::Char('m'))];
        let others =
            [(87, Key::F(11)), (88, Key::F(12)), (59, Key::F(1)), (57, Key::Char(' ')), (53, Key::Char('/'))];
        for (code, key) in codes.into_iter().chain(others) {
            assert_eq!(of_code(code), Some(key), "{code}");
        }
        for none in [0, 14, 15, 29, 42, 54, 58, 500, u32::MAX] {
            assert_eq!(of_code(none), None, "{none}");
        }
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! Keys of the keyboard.

/// A key pressed in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Key {
    /// What it writes without shift: a letter in lower case, a digit, a space.
    Char(char),
    /// The arrow to the left.
    Left,
    /// The arrow to the right.
    Right,
    /// The arrow up.
    Up,
    /// The arrow down.
    Down,
    /// Escape.
    Escape,
    /// Enter.
    Enter,
    /// F1 to F12.
    F(u8),
}

impl Key {
    /// The key Windows calls `code`, which writes `written` (0 if it writes nothing).
    #[cfg(windows)]
    pub(super) fn of_virtual(code: u32, written: u32) -> Option<Self> {
        Some(match code {
            0x25 => Self::Left,
            0x26 => Self::Up,
            0x27 => Self::Right,
            0x28 => Self::Down,
            0x1b => Self::Escape,
            0x0d => Self::Enter,
            0x70..=0x7b => Self::F((code - 0x6f) as u8),
            // the highest bit marks a dead key
            _ => Self::Char(
                char::from_u32(written & 0x7fff_ffff).filter(|c| !c.is_control())?.to_ascii_lowercase(),
            ),
        })
    }

    /// The key X11 calls `keysym`, if it is one of these.
    #[cfg(target_os = "linux")]
    pub(super) fn of_keysym(keysym: u32) -> Option<Self> {
        Some(match keysym {
            0x20..=0x7e | 0xa0..=0xff => Self::Char(char::from_u32(keysym)?),
            0xff51 => Self::Left,
            0xff52 => Self::Up,
            0xff53 => Self::Right,
            0xff54 => Self::Down,
            0xff1b => Self::Escape,
            0xff0d | 0xff8d => Self::Enter,
            0xffbe..=0xffc9 => Self::F((keysym - 0xffbd) as u8),
            _ => return None,
        })
    }
}

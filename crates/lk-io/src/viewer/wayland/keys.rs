// SPDX-License-Identifier: GPL-2.0-or-later
//! What stands on the keys: the compositor sends the keyboard's map as text, of which the first symbol of each key is
//! read.

use crate::viewer::Key;
use rustix::io::pread;
use std::collections::HashMap;
use std::os::fd::OwnedFd;

/// Maps that are larger are not read; usual ones have 60 KB.
const LARGEST: usize = 1 << 20;
/// Codes in a map are larger by this than those that are sent.
const OFFSET: u32 = 8;

/// The keys of a keyboard, by the codes that are sent for them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Keys(HashMap<u32, Key>);

impl Keys {
    /// Those of the map in a file.
    pub fn of_file(file: &OwnedFd, size: u32) -> Self {
        let mut text = vec![0; LARGEST.min(size as usize)];
        let mut got = 0;
        while got < text.len() {
            match pread(file, &mut text[got..], got as u64) {
                Ok(n) if n > 0 => got += n,
                _ => break,
            }
        }
        Self::of_map(&String::from_utf8_lossy(&text[..got]))
    }

    fn of_map(map: &str) -> Self {
        // <AD01> = 24;
        let codes: HashMap<&str, u32> = map
            .split(';')
            .filter_map(|statement| {
                let (name, code) = statement.rsplit_once('=')?;
                Some((name.rsplit_once('<')?.1.trim().strip_suffix('>')?, code.trim().parse().ok()?))
            })
            .collect();
        // key <AD01> { type = "ALPHABETIC", symbols[Group1] = [ q, Q ] };
        let keys = map.split("key <").skip(1).filter_map(|statement| {
            let (name, rest) = statement.split_once('>')?;
            let rest = rest.split_once("};").map_or(rest, |(rest, _)| rest);
            let symbols = rest.rsplit_once("Group1").map_or(rest, |(_, first)| first.trim_start_matches(']'));
            let first = symbols.split_once('[')?.1.split([',', ']']).next()?;
            Some((codes.get(name)?.checked_sub(OFFSET)?, named(first.trim())?))
        });
        Self(keys.collect())
    }

    /// The key with that code.
    pub fn get(&self, code: u32) -> Option<Key> {
        self.0.get(&code).copied()
    }
}

/// The key whose symbol has that name.
fn named(symbol: &str) -> Option<Key> {
    const SIGNS: [(&str, char); 13] = [
        ("space", ' '),
        ("minus", '-'),
        ("equal", '='),
        ("plus", '+'),
        ("comma", ','),
        ("period", '.'),
        ("slash", '/'),
        ("backslash", '\\'),
        ("semicolon", ';'),
        ("apostrophe", '\''),
        ("grave", '`'),
        ("bracketleft", '['),
        ("bracketright", ']'),
    ];
    let mut letters = symbol.chars();
    if let (Some(letter), None) = (letters.next(), letters.next()) {
        return Some(Key::Char(letter));
    }
    if let Some((_, sign)) = SIGNS.iter().find(|(name, _)| *name == symbol) {
        return Some(Key::Char(*sign));
    }
    Some(match symbol {
        "Left" => Key::Left,
        "Right" => Key::Right,
        "Up" => Key::Up,
        "Down" => Key::Down,
        "Escape" => Key::Escape,
        "Return" | "KP_Enter" => Key::Enter,
        _ => {
            let number = symbol.strip_prefix('F').and_then(|n| n.parse().ok());
            Key::F(number.filter(|n| (1..=12).contains(n))?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = r#"xkb_keymap {
xkb_keycodes "(unnamed)" {
    minimum = 8;
    maximum = 255;
    <ESC>                = 9;
    <AE01>               = 10;
    <AD01>               = 24;
    <SPCE>               = 65;
    <FK11>               = 95;
    <LEFT>               = 113;
    alias <MENU>         = <COMP>;
};
xkb_types "(unnamed)" { virtual_modifiers NumLock; type "ONE_LEVEL" { modifiers = none; level_name[1] = "Any"; }; };
xkb_symbols "(unnamed)" {
    name[Group1]="French";
    key <ESC>                {	[          Escape ] };
    key <AE01>               {	[       ampersand,               1 ] };
    key <AD01>               {
        type= "ALPHABETIC",
        symbols[Group1]= [               a,               A ],
        symbols[Group2]= [               q,               Q ]
    };
    key <SPCE> { [ space ] };
    key <FK11> { type= "CTRL+ALT", symbols[Group1]= [ F11, F11, F11, F11, XF86Switch_VT_11 ] };
    key <LEFT> { [ Left ] };
    key <NONE> { [ b ] };
};
};"#;

    #[test]
    fn a_map_is_read() {
        let keys = Keys::of_map(MAP);
        let codes = [1, 16, 57, 87, 105].map(|code| keys.get(code));
        let wanted = [Key::Escape, Key::Char('a'), Key::Char(' '), Key::F(11), Key::Left];
        assert_eq!(codes, wanted.map(Some));
        assert_eq!((keys.get(2), keys.get(24), keys.0.len()), (None, None, 5));
    }

    #[test]
    fn nonsense_is_no_map() {
        for text in
            ["", "key <", "key <A> { [", "<A> = 3; key <A> { [ a ] };", "<A> = -1; key <A> { [", ">=;=<"]
        {
            assert_eq!(Keys::of_map(text), Keys::default(), "{text}");
        }
        (0..MAP.len()).for_each(|end| drop(Keys::of_map(&MAP[..end])));
    }
}

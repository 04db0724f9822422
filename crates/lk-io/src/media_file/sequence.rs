// SPDX-License-Identifier: GPL-2.0-or-later
//! Numbered pictures as a clip: "slide%03d.png", or "slide*.png" in the order of their names.

use super::name::{not_found, where_to_look};
use lk_media::{Error, ErrorKind, Result};
use std::path::Path;

/// Pictures that are read one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sequence {
    /// A number each, from this one on.
    Numbered(u32),
    /// Whatever has such a name, in the order of names.
    Matching,
}

impl Sequence {
    /// What FFmpeg's demuxer of pictures is told, the user's own words apart.
    pub(crate) fn options(self) -> Vec<(&'static str, String)> {
        match self {
            Self::Numbered(first) => {
                vec![("pattern_type", "sequence".to_owned()), ("start_number", first.to_string())]
            }
            Self::Matching => vec![("pattern_type", "glob".to_owned())],
        }
    }
}

/// The sequence that `path`, which no file has, names, and how FFmpeg wants to be told of it. The folder is taken as it
/// is written: only the name in it stands for many.
pub(super) fn sequence(path: &str) -> Result<Option<(Sequence, String)>> {
    let name = Path::new(path).file_name().and_then(|n| n.to_str()).filter(|n| path.ends_with(n));
    let Some(name) = name else { return Ok(None) };
    let folder = &path[..path.len() - name.len()];
    if let Some(number) = Number::find(name) {
        let first = number.first_in(folder, path)?;
        let url = format!("file:{}{}", folder.replace('%', "%%"), number.as_ffmpeg_writes_it());
        return Ok(Some((Sequence::Numbered(first), url)));
    }
    if !name.contains(['*', '?']) {
        return Ok(None);
    }
    if !pictures_in(folder).is_some_and(|mut names| names.any(|n| !n.starts_with('.') && matches(name, &n))) {
        return Err(none(path, "no name of a file is like this"));
    }
    if cfg!(windows) {
        let message = format!("{path}: pictures are not found by a part of their names on Windows");
        return Err(Error::new(ErrorKind::Media, message)
            .with_hint("FFmpeg cannot do that there: number them, and say \"s%03d.png\""));
    }
    // "*" and "?" in the name alone mean anything; what begins with letters and a colon would be an address
    let mut url = if folder.starts_with('/') { String::new() } else { "./".to_owned() };
    for (n, c) in path.char_indices() {
        if r"[]{}\".contains(c) || (n < folder.len() && "*?".contains(c)) {
            url.push('\\');
        }
        url.push(c);
    }
    Ok(Some((Sequence::Matching, url)))
}

fn none(path: &str, why: &str) -> Error {
    not_found(&format!("{path}: there are no such pictures"), &format!("{why}: {}", where_to_look(path)))
}

/// The names of the ordinary files in a folder: FFmpeg would wait for the other end of a pipe.
fn pictures_in(folder: &str) -> Option<impl Iterator<Item = String>> {
    let entries = std::fs::read_dir(if folder.is_empty() { "." } else { folder }).ok()?;
    Some(entries.filter_map(|entry| {
        let entry = entry.ok()?;
        // a link's own type says nothing
        let kind = entry.file_type().ok().filter(|t| !t.is_symlink());
        let is_file = match kind {
            Some(kind) => kind.is_file(),
            None => std::fs::metadata(entry.path()).is_ok_and(|m| m.is_file()),
        };
        is_file.then(|| entry.file_name().to_string_lossy().into_owned())
    }))
}

/// Whether a name is like a pattern, in which "*" is anything and "?" any one letter.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // where to go on when what follows the last "*" does not fit
    let mut back = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                back = Some((p + 1, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => (p, n) = (p + 1, n + 1),
            _ => {
                let Some((after, from)) = back else { return false };
                back = Some((after, from + 1));
                (p, n) = (after, from + 1);
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// A name with a number in it: what comes before, the least digits, what comes after; "%%" is a "%".
struct Number {
    before: String,
    digits: usize,
    after: String,
}

impl Number {
    /// None unless there is exactly one.
    fn find(name: &str) -> Option<Self> {
        let (mut text, mut found) = (String::new(), None);
        let mut rest = name;
        while let Some((literal, after)) = rest.split_once('%') {
            text.push_str(literal);
            if let Some(more) = after.strip_prefix('%') {
                text.push('%');
                rest = more;
                continue;
            }
            let (digits, more) = after.split_once('d')?;
            if found.is_some() || digits.len() > 2 || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            found = Some((std::mem::take(&mut text), digits.parse().unwrap_or(0)));
            rest = more;
        }
        text.push_str(rest);
        let (before, digits) = found?;
        Some(Self { before, digits, after: text })
    }

    fn as_ffmpeg_writes_it(&self) -> String {
        let (before, after) = (self.before.replace('%', "%%"), self.after.replace('%', "%%"));
        format!("{before}%0{}d{after}", self.digits)
    }

    fn name_of(&self, n: u32) -> String {
        format!("{}{n:0width$}{}", self.before, self.after, width = self.digits)
    }

    /// The number of the first picture in `folder`; an error unless there is one, and none is missing after it.
    fn first_in(&self, folder: &str, path: &str) -> Result<u32> {
        let none = || none(path, &format!("it stands for {}, {}, ...", self.name_of(0), self.name_of(1)));
        let names = pictures_in(folder).ok_or_else(none)?;
        let mut numbers: Vec<u32> = names.filter_map(|name| self.number_of(&name)).collect();
        numbers.sort_unstable();
        let first = *numbers.first().ok_or_else(none)?;
        if let Some((n, _)) = (first..).zip(&numbers).find(|(n, there)| n != *there) {
            let message = format!("{path}: {} is missing", self.name_of(n));
            return Err(Error::new(ErrorKind::Media, message).with_hint(format!(
                "number the pictures without a gap, or take all there are: \"{}*{}\"",
                self.before, self.after
            )));
        }
        Ok(first)
    }

    fn number_of(&self, name: &str) -> Option<u32> {
        let digits = name.strip_prefix(self.before.as_str())?.strip_suffix(self.after.as_str())?;
        let number = digits.parse().ok().filter(|n| *n < i32::MAX as u32)?;
        (self.name_of(number) == name).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_a_number() {
        let found = |name: &str| Number::find(name).map(|n| (n.name_of(7), n.as_ffmpeg_writes_it()));
        assert_eq!(found("s%03d.png"), Some(("s007.png".to_owned(), "s%03d.png".to_owned())));
        assert_eq!(found("%d.png"), Some(("7.png".to_owned(), "%00d.png".to_owned())));
        assert_eq!(found("100%%-%2d"), Some(("100%-07".to_owned(), "100%%-%02d".to_owned())));
        for name in ["a.png", "50%.png", "%s.png", "%03d-%d.png", "%123d", "%-3d", "%%d"] {
            assert_eq!(found(name), None, "{name}");
        }
    }

    #[test]
    fn the_first_is_found_and_gaps_are_told() {
        let folder = std::env::temp_dir().join(format!("lk-sequence-%d-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = |name: &str| format!("{}/{name}", folder.display());
        let kind = |name: &str| sequence(&path(name)).map_err(|e| e.kind());
        assert_eq!(kind("s%03d.png"), Err(ErrorKind::MediaNotFound));
        for n in ["s003.png", "s004.png", "s05.png", "s-01.png", "s0005.png"] {
            std::fs::write(path(n), b"x").unwrap();
        }
        let url = format!("file:{}/s%03d.png", folder.display().to_string().replace('%', "%%"));
        assert_eq!(kind("s%03d.png"), Ok(Some((Sequence::Numbered(3), url))));
        std::fs::write(path("s006.png"), b"x").unwrap();
        let error = sequence(&path("s%03d.png")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Media);
        assert!(
            error.message().ends_with("s005.png is missing") && error.hint().unwrap().contains("\"s*.png\"")
        );
        assert_eq!((sequence("a.png").unwrap(), sequence("a*/").unwrap()), (None, None));
        let url = format!("{}/s*.png", folder.display());
        assert_eq!(kind("s*.png"), Ok(Some((Sequence::Matching, url))));
        assert_eq!(kind("[s]*.png"), Err(ErrorKind::MediaNotFound));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn patterns() {
        for (pattern, name) in
            [("*", "a"), ("a*c", "abbc"), ("a*b*c", "abcbc"), ("?*.png", "ä.png"), ("a**", "a")]
        {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("a*c", "abcd"), ("?", ""), ("a?", "a"), ("*.png", "a.jpg"), ("", "a")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}

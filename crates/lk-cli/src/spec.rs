// SPDX-License-Identifier: GPL-2.0-or-later
//! `FILE[,key=value]...`: what layers and sounds are written as.

use crate::failure::Failure;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// A file with what is said about it.
#[derive(Debug, PartialEq)]
pub(crate) struct Spec<'a> {
    /// The path or address.
    pub file: String,
    /// What is said about it, in order.
    pub settings: Vec<Setting<'a>>,
}

/// One `key=value`, with what is needed to complain about it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Setting<'a> {
    place: String,
    /// The key, with Python's underscores as hyphens.
    pub key: String,
    /// The value.
    pub value: String,
    keys: &'a [&'a str],
}

impl<'a> Spec<'a> {
    /// Takes `text` apart. `flag` is where it stood, for messages; `keys` are the keys there are.
    pub fn parse(flag: &str, text: &str, keys: &'a [&'a str]) -> Result<Self, Failure> {
        let mut parts = split(text).into_iter();
        let file = parts.next().unwrap_or_default();
        if file.is_empty() {
            return Err(Failure::usage(
                format!("{flag} {text:?} names no file"),
                "it is written FILE[,key=value]..., for example clip.mp4,at=20:20",
            ));
        }
        let place = format!("{flag} {}", label(&file));
        let mut settings: Vec<Setting<'a>> = Vec::new();
        for part in parts {
            let Some((key, value)) = part.split_once('=') else {
                return Err(Failure::usage(
                    format!("{place}: {part:?} is not key=value"),
                    "a comma that belongs to the file's name is written \\,",
                ));
            };
            let setting = Setting {
                place: place.clone(),
                key: key.trim().replace('_', "-"),
                value: value.trim().to_owned(),
                keys,
            };
            if !keys.contains(&setting.key.as_str()) {
                return Err(setting.unknown());
            }
            if settings.iter().any(|s| s.key == setting.key) {
                return Err(Failure::usage(format!("{place}: {key} is given twice"), "say it once"));
            }
            settings.push(setting);
        }
        Ok(Self { file, settings })
    }
}

impl Setting<'_> {
    /// The error for a key that does not exist.
    pub fn unknown(&self) -> Failure {
        Failure::usage(
            format!("{}: there is no key {:?}", self.place, self.key),
            format!("one of {}", self.keys.join(", ")),
        )
    }

    /// The error for a value that is not possible; `allowed` completes "`key` is ...".
    pub fn refuse(&self, allowed: &str) -> Failure {
        Failure::usage(
            format!("{}: {}={} is not possible", self.place, self.key, self.value),
            format!("{} is {allowed}", self.key),
        )
    }

    /// The value, if it is a finite number in `range`.
    pub fn number(&self, range: RangeInclusive<f64>, allowed: &str) -> Result<f64, Failure> {
        self.parsed(&self.value, allowed, |n: &f64| range.contains(n))
    }

    /// The value, if it is a whole number in `range`.
    pub fn whole(&self, range: RangeInclusive<u32>, allowed: &str) -> Result<u32, Failure> {
        self.parsed(&self.value, allowed, |n| range.contains(n))
    }

    /// The value as `N` parts with `separator` between them, each of which is `good`; an empty part counts as
    /// a mistake.
    pub fn parts<T: FromStr + Copy + Default, const N: usize>(
        &self,
        separator: char,
        allowed: &str,
        good: impl Fn(&T) -> bool,
    ) -> Result<[T; N], Failure> {
        let mut parts = [T::default(); N];
        let mut given = self.value.split(separator);
        for part in &mut parts {
            *part = self.parsed(given.next().unwrap_or_default(), allowed, &good)?;
        }
        if given.next().is_some() { Err(self.refuse(allowed)) } else { Ok(parts) }
    }

    /// One value of the kind asked for.
    pub fn parsed<T: FromStr>(
        &self,
        text: &str,
        allowed: &str,
        good: impl Fn(&T) -> bool,
    ) -> Result<T, Failure> {
        text.trim().parse().ok().filter(good).ok_or_else(|| self.refuse(allowed))
    }

    /// Yes or no.
    pub fn yes(&self) -> Result<bool, Failure> {
        match self.value.to_ascii_lowercase().as_str() {
            "yes" | "true" | "on" | "1" => Ok(true),
            "no" | "false" | "off" | "0" => Ok(false),
            _ => Err(self.refuse("yes or no")),
        }
    }

    /// One of a list of words.
    pub fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, Failure> {
        choices.iter().find(|(word, _)| *word == self.value).map(|(_, value)| *value).ok_or_else(|| {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            self.refuse(&format!("one of {}", words.join(", ")))
        })
    }
}

/// Splits at commas; `\,` is a comma, every other backslash is one.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek() == Some(&',') => {
                chars.next();
                push(&mut parts, ',');
            }
            ',' => parts.push(String::new()),
            c => push(&mut parts, c),
        }
    }
    parts
}

fn push(parts: &mut [String], c: char) {
    if let Some(last) = parts.last_mut() {
        last.push(c);
    }
}

/// A file as it is called in messages; of an address no more than what holds no secrets.
pub(crate) fn label(file: &str) -> String {
    let Some((scheme, rest)) = file.split_once("://") else { return file.to_owned() };
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 2] = ["at", "sync-offset"];

    fn refused(text: &str) -> Failure {
        Spec::parse("--layer", text, &KEYS).expect_err("it makes no sense")
    }

    #[test]
    fn files_and_settings_come_apart() {
        let spec =
            Spec::parse("--layer", "a b.mp4,at=1:2, sync_offset = 0.5", &KEYS).expect("it is in order");
        assert_eq!(spec.file, "a b.mp4");
        let settings: Vec<_> = spec.settings.iter().map(|s| (s.key.as_str(), s.value.as_str())).collect();
        assert_eq!(settings, [("at", "1:2"), ("sync-offset", "0.5")]);
        let spec = Spec::parse("--layer", r"C:\clips\one\, two.mp4", &KEYS).expect("it is in order");
        assert_eq!((spec.file.as_str(), spec.settings.len()), (r"C:\clips\one, two.mp4", 0));
    }

    #[test]
    fn mistakes_name_the_file_and_the_way_out() {
        assert!(refused("").message.contains("names no file"));
        assert!(refused(",at=1:2").message.contains("names no file"));
        let comma = refused("one, two.mp4");
        assert!(comma.message.contains("--layer one") && comma.hint.is_some_and(|h| h.contains("\\,")));
        let unknown = refused("a.mp4,att=1");
        assert!(
            unknown.message.contains("\"att\"")
                && unknown.hint.is_some_and(|h| h.contains("at, sync-offset"))
        );
        assert!(refused("a.mp4,at=1:2,at=3:4").message.contains("twice"));
        assert!(refused("a.mp4,").message.contains("not key=value"));
    }

    #[test]
    fn secrets_in_addresses_are_not_repeated() {
        assert_eq!(label("rtmp://me:pw@host:1935/app/key"), "rtmp://host:1935");
        assert_eq!(label("https://host?token=1"), "https://host");
        assert_eq!(label("dir/a.mp4"), "dir/a.mp4");
    }
}

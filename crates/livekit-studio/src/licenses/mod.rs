// SPDX-License-Identifier: GPL-2.0-or-later
//! What is inside this build, under which licences, and where its source is.

use serde::Serialize;
use std::fmt;

/// What kind of part it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ComponentKind {
    /// A library that comes along.
    Bundled,
    /// A library of this machine's that is used, and does not come along.
    System,
    /// A font that is built in.
    Font,
    /// The Rust standard library or a crate, built in.
    Crate,
}

/// One part of somebody else's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Component {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What kind of part it is.
    pub kind: ComponentKind,
    /// Its licence, as an SPDX expression.
    pub license: String,
    /// Where its source is.
    pub source: String,
}

/// Everything that is inside.
#[derive(Clone, Debug, Serialize)]
pub struct Licenses {
    /// Our version.
    pub version: &'static str,
    /// The licence of our own source.
    pub license: &'static str,
    /// The licence that this build as a whole is conveyed under.
    pub conveyed: &'static str,
    /// Where our own source is.
    pub source: String,
    /// The parts of others.
    pub components: Vec<Component>,
}

/// The crates that are built in: name, version, licence and source, by `tools/licences.py`.
const CRATES: &str = include_str!("crates.tsv");
/// The libraries that the portable wheel brings along, in the same form: set where it is built.
const BUNDLED: Option<&str> = option_env!("LIVEKIT_BUNDLED");

/// What is inside this build, and where its source is.
pub fn licenses() -> Licenses {
    let mut components = match BUNDLED {
        Some(list) => table(list, ComponentKind::Bundled),
        None => vec![Component {
            name: "FFmpeg".to_owned(),
            version: lk_io::av::version(),
            kind: ComponentKind::System,
            license: spdx(&lk_io::av::license()),
            source: "the package of this system".to_owned(),
        }],
    };
    components.push(Component {
        name: "DejaVu Sans".to_owned(),
        version: "2.37".to_owned(),
        kind: ComponentKind::Font,
        license: "Bitstream-Vera".to_owned(),
        source: "https://dejavu-fonts.github.io".to_owned(),
    });
    components.push(Component {
        name: "Rust standard library".to_owned(),
        version: "of the compiler".to_owned(),
        kind: ComponentKind::Crate,
        license: "MIT OR Apache-2.0".to_owned(),
        source: "https://github.com/rust-lang/rust".to_owned(),
    });
    components.extend(table(CRATES, ComponentKind::Crate));
    let version = env!("CARGO_PKG_VERSION");
    Licenses {
        version,
        license: "GPL-2.0-or-later",
        conveyed: "GPL-3.0-or-later",
        source: format!("the source archive of this version, livekit_studio-{version}.tar.gz"),
        components,
    }
}

/// Whether the libraries come along, as they do in the portable wheel.
pub(crate) fn is_portable() -> bool {
    BUNDLED.is_some()
}

/// Reads lines of name, version, licence and source between tabs.
fn table(lines: &str, kind: ComponentKind) -> Vec<Component> {
    let part = |line: &str| {
        let mut cells = line.split('\t').map(str::to_owned);
        let mut next = || cells.next().unwrap_or_default();
        Component { name: next(), version: next(), kind, license: next(), source: next() }
    };
    lines.lines().filter(|line| !line.is_empty()).map(part).collect()
}

/// FFmpeg's words for its licence as an expression.
fn spdx(words: &str) -> String {
    let (name, version) = words.split_once(" version ").unwrap_or((words, ""));
    match version.strip_suffix(" or later") {
        Some(version) if version.contains('.') => format!("{name}-{version}-or-later"),
        Some(version) => format!("{name}-{version}.0-or-later"),
        None => words.to_owned(),
    }
}

impl fmt::Display for Licenses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, license, conveyed, source, components } = self;
        writeln!(f, "LiveKit {version}: {license}; this build with all that is inside: {conveyed}")?;
        write!(f, "  source: {source}")?;
        let groups = [
            (ComponentKind::Bundled, "libraries that come along"),
            (ComponentKind::System, "libraries of this system"),
            (ComponentKind::Font, "fonts, built in"),
            (ComponentKind::Crate, "Rust, built in"),
        ];
        for (kind, title) in groups {
            let group: Vec<&Component> = components.iter().filter(|c| c.kind == kind).collect();
            if group.is_empty() {
                continue;
            }
            write!(f, "\n\n{title}")?;
            for Component { name, version, license, source, .. } in group {
                write!(f, "\n  {name} {version}: {license}\n      {source}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_says_all_of_it() {
        let told = licenses();
        assert!(told.components.len() > 100, "{}", told.components.len());
        for part in &told.components {
            let cells = [&part.name, &part.version, &part.license, &part.source];
            assert!(cells.iter().all(|cell| !cell.is_empty()), "{part:?}");
        }
        let has = |name: &str| told.components.iter().any(|c| c.name == name);
        assert!(has("FFmpeg") && has("image") && has("DejaVu Sans"));
        assert!(told.to_string().contains("GPL-3.0-or-later"));
    }

    #[test]
    fn ffmpegs_words_become_expressions() {
        let of = ["GPL version 3 or later", "LGPL version 2.1 or later", "nonfree and unredistributable"];
        let expected = ["GPL-3.0-or-later", "LGPL-2.1-or-later", "nonfree and unredistributable"];
        assert_eq!(of.map(spdx), expected);
    }

    #[test]
    fn a_list_of_libraries_is_read() {
        let parts = table(
            "x264\t0.164\tGPL-2.0-or-later\thttps://x\n\nopus\t1.3\tBSD-3-Clause\thttps://o\n",
            ComponentKind::Bundled,
        );
        let names: Vec<&str> = parts.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["x264", "opus"]);
        assert_eq!(parts[1].source, "https://o");
    }
}

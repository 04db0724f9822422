// SPDX-License-Identifier: GPL-2.0-or-later
//! What the user allowed before, by name: a small file each, which nobody else can read.

use lk_media::{Error, ErrorKind, Result};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Names and tokens are shorter.
const LONGEST_NAME: usize = 64;
const LONGEST_TOKEN: u64 = 4096;

/// Where the portal's token of one name is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    file: PathBuf,
}

impl Token {
    /// The one called `name`, in `livekit-studio/portal` of XDG_STATE_HOME, else of ~/.local/state.
    pub fn named(name: &str) -> Result<Self> {
        let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
        let state =
            absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
        let state = state.ok_or_else(|| {
            Error::new(ErrorKind::Output, "there is no folder to remember what may be seen")
                .with_hint("set HOME or XDG_STATE_HOME")
        })?;
        Self::in_folder(&state.join("livekit-studio").join("portal"), name)
    }

    fn in_folder(folder: &Path, name: &str) -> Result<Self> {
        if name.is_empty() || name.len() > LONGEST_NAME {
            return Err(Error::parameter(format!("{name:?} is no name to remember something by"))
                .with_hint(format!("use one of 1 to {LONGEST_NAME} letters")));
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        let letters: String = name
            .bytes()
            .map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02x}") })
            .collect();
        Ok(Self { file: folder.join(letters) })
    }

    /// The token, if one was kept.
    pub fn read(&self) -> Option<String> {
        let mut token = String::new();
        let file = std::fs::File::open(&self.file).ok()?;
        file.take(LONGEST_TOKEN).read_to_string(&mut token).ok()?;
        Some(token).filter(|token| !token.is_empty())
    }

    /// Keeps another one in its place: who reads it sees the old one or the new one.
    pub fn write(&self, token: &str) -> Result<()> {
        self.replace(token).map_err(|e| {
            let errno = e.raw_os_error();
            let made = Error::new(ErrorKind::Output, format!("{}: {e}", self.file.display()));
            errno.map_or(made.clone(), |errno| made.with_errno(errno))
        })
    }

    fn replace(&self, token: &str) -> std::io::Result<()> {
        if let Some(folder) = self.file.parent() {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let new = self.file.with_extension(format!("{}.new", std::process::id()));
        // left behind by a process of the same number
        let _ = std::fs::remove_file(&new);
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(token.as_bytes())?;
        std::fs::rename(&new, &self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn tokens_are_kept_by_name_for_their_owner_alone() {
        let folder = std::env::temp_dir().join(format!("lk-tokens-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let inner = folder.join("state/portal");
        let named = |name: &str| Token::in_folder(&inner, name).unwrap();
        let (desk, other) = (named("../my desk"), named("my desk"));
        assert_eq!(desk.read(), None);
        desk.write("one").unwrap();
        desk.write("two").unwrap();
        other.write("three").unwrap();
        assert_eq!((desk.read().as_deref(), other.read().as_deref()), (Some("two"), Some("three")));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&desk.file), mode(&inner)), (0o600, 0o700));
        assert_eq!(std::fs::read_dir(&inner).unwrap().count(), 2);
        assert_eq!(desk.file, inner.join("%2e%2e%2fmy%20desk"));
        for wrong in ["", &"x".repeat(65)] {
            assert_eq!(Token::in_folder(&inner, wrong).unwrap_err().kind(), ErrorKind::Parameter);
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! Names: is it a file or an address, and may it be opened?

use super::sequence::{Sequence, sequence};
use crate::av::log::mask;
use lk_media::{Error, ErrorKind, Result};
use std::path::Path;

/// The protocols a name may start with. Protocols that reach into other resources (`concat:`, `subfile:`,
/// `pipe:`, ...) are not among them: a name is data.
const PROTOCOLS: &[&str] = &[
    "ftp", "gopher", "gophers", "http", "https", "mms", "mmsh", "mmst", "rist", "rtmp", "rtmpe", "rtmps",
    "rtmpt", "rtmpte", "rtmpts", "rtp", "rtsp", "rtsps", "sctp", "sftp", "srt", "srtp", "tcp", "tls", "udp",
    "udplite", "unix",
];

/// A name made ready for FFmpeg.
#[derive(Clone, Debug)]
pub(crate) struct Location {
    /// What FFmpeg opens.
    pub(crate) url: String,
    /// What people are shown; secrets masked.
    pub(crate) label: String,
    /// Whether it is a file on this machine.
    pub(crate) is_file: bool,
    /// Whether it is a pipe (FIFO): it can be read once, from front to back.
    pub(crate) is_pipe: bool,
    /// Whether it is pictures that are read one after the other.
    pub(crate) sequence: Option<Sequence>,
}

/// Finds out what `name` is. What exists as a file is a file, whatever it looks like.
pub(crate) fn locate(name: &str) -> Result<Location> {
    if name.is_empty() || name.contains('\0') {
        return Err(not_found(&format!("{name:?} is not a file name"), "give a path or an address"));
    }
    let explicit = name.strip_prefix("file:").map(|p| match p.strip_prefix("//") {
        Some(absolute) if absolute.starts_with('/') => absolute,
        _ => p,
    });
    let path = match explicit {
        Some(path) if !Path::new(name).exists() => path,
        _ => name,
    };
    if let Ok(meta) = std::fs::metadata(path) {
        let is_pipe = is_pipe(&meta);
        if !is_pipe {
            check_file(path, &meta)?;
        }
        let (url, label) = (format!("file:{path}"), path.to_owned());
        return Ok(Location { url, label, is_file: !is_pipe, is_pipe, sequence: None });
    }
    if explicit.is_none()
        && let Some(scheme) = scheme_of(name)
    {
        let lower = scheme.to_ascii_lowercase();
        if PROTOCOLS.contains(&lower.as_str()) {
            let (url, label) = (name.to_owned(), mask(name));
            return Ok(Location { url, label, is_file: false, is_pipe: false, sequence: None });
        }
        if name[scheme.len()..].starts_with("://") {
            let known = "known are http, https, rtmp, rtmps, rtsp, srt, rist, tcp, udp, rtp, ftp, sftp";
            return Err(not_found(&format!("{}: there is no protocol {scheme:?} here", mask(name)), known));
        }
    }
    if let Some((sequence, url)) = sequence(path)? {
        let label = path.to_owned();
        return Ok(Location { url, label, is_file: true, is_pipe: false, sequence: Some(sequence) });
    }
    match std::fs::metadata(path) {
        Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => {
            Err(Error::new(ErrorKind::Media, format!("{path}: permission denied"))
                .with_hint("no permission to read it or its folder")
                .with_errno_of(&e)
                .with_source(e))
        }
        _ => Err(not_found(&format!("{path}: no such file"), &where_to_look(path))),
    }
}

#[cfg(unix)]
fn is_pipe(meta: &std::fs::Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&meta.file_type())
}

#[cfg(not(unix))]
fn is_pipe(_meta: &std::fs::Metadata) -> bool {
    false
}

fn scheme_of(name: &str) -> Option<&str> {
    let (scheme, _) = name.split_once(':')?;
    let mut chars = scheme.chars();
    let ok = scheme.len() > 1
        && chars.next().is_some_and(|c| c.is_ascii_alphabetic())
        && chars.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    ok.then_some(scheme)
}

fn check_file(path: &str, meta: &std::fs::Metadata) -> Result<()> {
    let media =
        |what: &str, hint: &str| Err(Error::new(ErrorKind::Media, format!("{path}: {what}")).with_hint(hint));
    if meta.is_dir() {
        return media(
            "is a folder",
            "give the name of a file in it, or of numbered pictures, such as \"slides/%03d.png\"",
        );
    }
    if !meta.is_file() {
        return media("is not an ordinary file", "devices cannot be opened; serve them over tcp://");
    }
    if meta.len() == 0 {
        return media("is empty", "the recording or download may not have finished");
    }
    Ok(())
}

pub(super) fn where_to_look(path: &str) -> String {
    let folder = Path::new(path).parent().filter(|p| !p.as_os_str().is_empty());
    match folder {
        Some(folder) if !folder.exists() => format!("there is no folder {}", folder.display()),
        Some(folder) => format!("the folder {} has no such file", folder.display()),
        None => match std::env::current_dir() {
            Ok(here) => format!("looked in {}", here.display()),
            Err(_) => "check the spelling".to_owned(),
        },
    }
}

pub(super) fn not_found(message: &str, hint: &str) -> Error {
    Error::new(ErrorKind::MediaNotFound, message).with_hint(hint).with_errno(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_win_over_addresses() {
        let folder = std::env::temp_dir().join(format!("lk-names-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let odd = folder.join("a:b -c?.mp4");
        std::fs::write(&odd, b"x").unwrap();
        let odd = odd.to_str().unwrap().to_owned();
        assert_eq!(locate(&odd).unwrap().url, format!("file:{odd}"));
        assert_eq!(locate(&format!("file:{odd}")).unwrap().url, format!("file:{odd}"));
        assert_eq!(locate(&format!("file://{odd}")).unwrap().url, format!("file:{odd}"));
        let kind = |name: &str| locate(name).err().map(|e| e.kind());
        assert_eq!(kind(folder.to_str().unwrap()), Some(ErrorKind::Media));
        for name in
            ["", "nothing.mp4", "a:b.mp4", "-x", "C:\\x.mp4", "foo://bar", "concat:a|b", "pipe:0", "a\0b"]
        {
            assert_eq!(kind(name), Some(ErrorKind::MediaNotFound), "{name}");
        }
        assert!(!locate("rtmp://h/app/key").unwrap().is_file);
        assert!(!locate("rtmp://h/app/key").unwrap().label.contains("key"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

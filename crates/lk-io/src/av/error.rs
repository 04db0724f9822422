// SPDX-License-Identifier: GPL-2.0-or-later
//! FFmpeg's error codes as [`lk_media::Error`]: a kind that says what the caller can do, and a hint.

use super::interrupt::Interrupt;
use ffmpeg_next::error as errno;
use lk_media::{Error, ErrorKind};
use std::ffi::c_int;

/// What was being done; the same code means different things to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    /// Opening or reading a file.
    ReadingFile,
    /// Opening or reading an address.
    ReadingUrl,
    /// Opening or writing an output, or encoding.
    Writing,
}

/// The error for FFmpeg's `code` (negative); `context` names the thing, such as a masked file name.
pub(crate) fn from_code(code: c_int, doing: Doing, context: impl std::fmt::Display) -> Error {
    convert(ffmpeg_next::Error::from(code), doing, context)
}

/// The same where the operation could be interrupted: AVERROR_EXIT becomes Cancelled or Deadline.
pub(crate) fn from_code_or(
    code: c_int,
    interrupt: &Interrupt,
    doing: Doing,
    context: impl std::fmt::Display,
) -> Error {
    // FFmpeg reports an interrupted operation as EXIT, but some protocols as EIO or end of file
    let given_up = ffmpeg_next::Error::from(code) == ffmpeg_next::Error::Exit;
    let error = if given_up { Some(interrupt.given_up()) } else { interrupt.error() };
    error.map_or_else(|| from_code(code, doing, &context), |e| e.context(&context))
}

/// The error for what the system said of a file being written.
pub(crate) fn from_io(error: &std::io::Error, context: impl std::fmt::Display) -> Error {
    let errno = lk_media::error::posix(error).unwrap_or(errno::EIO);
    convert(ffmpeg_next::Error::Other { errno }, Doing::Writing, context)
}

/// The error for an FFmpeg error.
pub(crate) fn convert(error: ffmpeg_next::Error, doing: Doing, context: impl std::fmt::Display) -> Error {
    let (kind, hint) = classify(error, doing);
    let message = super::log::mask(&format!("{context}: {error}"));
    let mut out = Error::new(kind, message);
    if let Some(hint) = hint {
        out = out.with_hint(hint);
    }
    if let ffmpeg_next::Error::Other { errno } = error {
        out = out.with_errno(errno);
    }
    out
}

fn classify(error: ffmpeg_next::Error, doing: Doing) -> (ErrorKind, Option<&'static str>) {
    use ffmpeg_next::Error as E;
    let writing = doing == Doing::Writing;
    match error {
        E::Exit => (ErrorKind::Cancelled, None),
        E::Eof if writing => (ErrorKind::Stream, Some("the other side closed the connection")),
        E::Eof | E::InvalidData if !writing => {
            (ErrorKind::Media, Some("the file is empty, cut short, damaged, or no video or sound at all"))
        }
        E::HttpNotFound => (ErrorKind::MediaNotFound, Some("the server has nothing at this address")),
        E::HttpUnauthorized | E::HttpForbidden => {
            (ErrorKind::Stream, Some("the server wants credentials, or refuses these"))
        }
        E::HttpBadRequest | E::HttpOther4xx | E::HttpServerError => {
            (ErrorKind::Stream, Some("the server refused; try again later"))
        }
        E::ProtocolNotFound => (
            ErrorKind::Parameter,
            Some("this FFmpeg has no such protocol; for example http, rtmp, srt, rtsp"),
        ),
        E::EncoderNotFound | E::MuxerNotFound | E::OptionNotFound if writing => (ErrorKind::Encoder, None),
        E::OptionNotFound => (ErrorKind::Parameter, None),
        E::Bug | E::Bug2 => (ErrorKind::Internal, Some("a bug in FFmpeg")),
        E::Other { errno } => classify_errno(errno, doing),
        _ if writing => (ErrorKind::Encoder, None),
        _ => (ErrorKind::Media, Some("this FFmpeg cannot read it")),
    }
}

fn classify_errno(code: c_int, doing: Doing) -> (ErrorKind, Option<&'static str>) {
    let writing = doing == Doing::Writing;
    match code {
        errno::ENOSPC => (ErrorKind::DiskFull, Some("free some space; what was written stays")),
        errno::ENOMEM => (ErrorKind::Memory, Some("the system has no memory left")),
        errno::ETIMEDOUT => (ErrorKind::Deadline, Some("the other side is silent or slow: try again")),
        errno::ECONNREFUSED => (ErrorKind::Stream, Some("nobody listens at this address")),
        errno::ECONNRESET | errno::ECONNABORTED | errno::ENOTCONN | errno::EPROTO => {
            (ErrorKind::Stream, Some("the other side broke the connection off; try again"))
        }
        errno::EHOSTUNREACH | errno::ENETUNREACH | errno::ENETDOWN | errno::EADDRNOTAVAIL => {
            (ErrorKind::Stream, Some("the network or the host cannot be reached"))
        }
        errno::EPIPE if writing => (ErrorKind::Output, Some("the reader of the output is gone")),
        errno::ENOENT if writing => (ErrorKind::Output, Some("the folder does not exist; make it first")),
        errno::ENOENT => (ErrorKind::MediaNotFound, Some("check the spelling and the current folder")),
        errno::EACCES | errno::EPERM | errno::EROFS if writing => {
            (ErrorKind::Output, Some("no permission to write there"))
        }
        errno::EACCES | errno::EPERM => (ErrorKind::Media, Some("no permission to read it")),
        errno::EISDIR if writing => (ErrorKind::Output, Some("this is a folder; give a file name")),
        errno::EISDIR => (ErrorKind::Media, Some("this is a folder; give a file name")),
        errno::ENOTDIR | errno::ENAMETOOLONG | errno::ELOOP | errno::ETXTBSY | errno::EFBIG if writing => {
            (ErrorKind::Output, Some("this name cannot be written"))
        }
        errno::ENOTDIR | errno::ENAMETOOLONG | errno::ELOOP => {
            (ErrorKind::MediaNotFound, Some("this name cannot be a file"))
        }
        errno::EMFILE | errno::ENFILE => {
            (if writing { ErrorKind::Output } else { ErrorKind::Media }, Some("too many files are open"))
        }
        errno::EIO if doing == Doing::ReadingUrl => {
            (ErrorKind::Stream, Some("the connection failed: check the address, try again"))
        }
        errno::EIO if writing => (ErrorKind::Output, Some("the disk or the connection failed")),
        errno::EINVAL | errno::ERANGE | errno::ENOSYS if writing => (ErrorKind::Encoder, None),
        _ if writing => (ErrorKind::Output, None),
        _ if doing == Doing::ReadingUrl => (ErrorKind::Stream, None),
        _ => (ErrorKind::Media, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_say_what_the_caller_can_do() {
        let kind = |errno, doing| convert(ffmpeg_next::Error::Other { errno }, doing, "x").kind();
        assert_eq!(kind(errno::ENOSPC, Doing::Writing), ErrorKind::DiskFull);
        assert_eq!(kind(errno::EACCES, Doing::Writing), ErrorKind::Output);
        assert_eq!(kind(errno::ENOENT, Doing::ReadingFile), ErrorKind::MediaNotFound);
        assert_eq!(kind(errno::EISDIR, Doing::ReadingFile), ErrorKind::Media);
        assert_eq!(kind(errno::ECONNREFUSED, Doing::ReadingUrl), ErrorKind::Stream);
        let e = convert(ffmpeg_next::Error::InvalidData, Doing::ReadingFile, "rtmp://h/a/key");
        assert!(e.kind() == ErrorKind::Media && e.hint().is_some() && !e.message().contains("key"));
    }
}

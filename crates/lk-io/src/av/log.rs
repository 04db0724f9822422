// SPDX-License-Identifier: GPL-2.0-or-later
//! FFmpeg's log as `tracing` events (target `ffmpeg`), with passwords and stream keys masked.

use ffmpeg_next::ffi;
use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::atomic::{AtomicI32, Ordering};
use tracing::level_filters::LevelFilter;

/// What a `va_list` is passed as on every platform we build for: x86-64 and Windows pass a pointer, and
/// AArch64 passes the structure by hidden reference.
type VaList = *mut c_void;
type FormatLine =
    unsafe extern "C" fn(*mut c_void, c_int, *const c_char, VaList, *mut c_char, c_int, *mut c_int) -> c_int;

/// What FFmpeg is asked to say.
static LEVEL: AtomicI32 = AtomicI32::new(ffi::AV_LOG_WARNING);

/// Says how much of FFmpeg's log becomes events; warnings and worse if nothing is said.
#[allow(unsafe_code)]
pub fn set_level(level: LevelFilter) {
    let level = match level {
        LevelFilter::OFF => ffi::AV_LOG_QUIET,
        LevelFilter::ERROR => ffi::AV_LOG_ERROR,
        LevelFilter::WARN => ffi::AV_LOG_WARNING,
        LevelFilter::INFO => ffi::AV_LOG_INFO,
        LevelFilter::DEBUG => ffi::AV_LOG_VERBOSE,
        LevelFilter::TRACE => ffi::AV_LOG_DEBUG,
    };
    LEVEL.store(level, Ordering::Relaxed);
    // SAFETY: writes a global.
    unsafe { ffi::av_log_set_level(level) }
}

/// Routes the log here.
#[allow(unsafe_code)]
#[allow(clippy::missing_transmute_annotations)] // the target type is spelled differently on every platform
pub(super) fn install() {
    type Given = unsafe extern "C" fn(*mut c_void, c_int, *const c_char, VaList);
    let given: Given = on_line;
    // SAFETY: only the spelling of the last parameter's type differs, see `VaList`; the function lives as long
    // as the process.
    unsafe {
        ffi::av_log_set_level(LEVEL.load(Ordering::Relaxed));
        ffi::av_log_set_callback(Some(std::mem::transmute::<Given, _>(given)));
    }
}

thread_local! {
    // FFmpeg writes a line in pieces; the flag says whether the next piece starts a line
    static PARTIAL: RefCell<(String, c_int)> = const { RefCell::new((String::new(), 1)) };
}

/// # Safety
/// As FFmpeg calls its log callback: a format with the arguments it asks for.
#[allow(unsafe_code)]
unsafe extern "C" fn on_line(class: *mut c_void, level: c_int, format: *const c_char, args: VaList) {
    // SAFETY: reads a global.
    if level > unsafe { ffi::av_log_get_level() } || format.is_null() {
        return;
    }
    // a subscriber of the program may panic, and no panic may cross into C
    let _ = std::panic::catch_unwind(|| {
        let _ = PARTIAL.try_with(|partial| {
            let Ok(mut partial) = partial.try_borrow_mut() else { return };
            let (line, prefix) = &mut *partial;
            let mut buffer: [c_char; 1024] = [0; 1024];
            // SAFETY: as in `install`; FFmpeg ends the text with a zero within the size given, and the class,
            // format and arguments are the ones it called us with.
            let text = unsafe {
                let format_line =
                    std::mem::transmute::<*const (), FormatLine>(ffi::av_log_format_line2 as *const ());
                format_line(class, level, format, args, buffer.as_mut_ptr(), buffer.len() as c_int, prefix);
                CStr::from_ptr(buffer.as_ptr()).to_string_lossy()
            };
            line.push_str(&text);
            if line.ends_with('\n') || line.len() > 8192 {
                let whole = std::mem::take(line);
                emit(level, &mask(whole.trim()));
            }
        });
    });
}

fn emit(level: c_int, line: &str) {
    let at = |limit: c_int| level <= limit;
    if line.is_empty() {
    } else if at(ffi::AV_LOG_ERROR) {
        tracing::error!(target: "ffmpeg", "{line}");
    } else if at(ffi::AV_LOG_WARNING) {
        tracing::warn!(target: "ffmpeg", "{line}");
    } else if at(ffi::AV_LOG_INFO) {
        tracing::info!(target: "ffmpeg", "{line}");
    } else if at(ffi::AV_LOG_VERBOSE) {
        tracing::debug!(target: "ffmpeg", "{line}");
    } else {
        tracing::trace!(target: "ffmpeg", "{line}");
    }
}

/// What stands before a secret outside addresses: "passphrase=", "Authorization: ".
const SECRETS: [&str; 12] = [
    "authorization",
    "cookie",
    "token",
    "key",
    "passphrase",
    "password",
    "passwd",
    "secret",
    "signature",
    "sig",
    "fname",
    "playpath",
];

/// `text` with everything that may be secret replaced by `***`: in addresses user and password, the values of
/// the query and the stream key of rtmp (what follows the application's name); elsewhere what is called a key, a
/// token, a password and the like, and the stream FFmpeg names when it speaks rtmp.
pub fn mask(text: &str) -> String {
    let mut out = mask_named(&mask_queries(&mask_addresses(text)));
    if out.starts_with("[rtmp") {
        for before in ["path = ", "command for '"] {
            if let Some(at) = out.find(before) {
                out.truncate(at + before.len());
                out.push_str("***");
            }
        }
    }
    out
}

fn mask_named(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['=', ':']) {
        let name = rest[..at].trim_end().to_ascii_lowercase();
        let value = rest[at + 1..].trim_start();
        let start = rest.len() - value.len();
        out.push_str(&rest[..start]);
        rest = value;
        let Some(name) = SECRETS.iter().find(|s| name.ends_with(**s)) else { continue };
        // headers are secret to the end of the line
        let header = ["authorization", "cookie"].contains(name);
        let over = |c: char| if header { "\r\n".contains(c) } else { " \t\r\n&,;'\"<>)]".contains(c) };
        let end = value.find(over).unwrap_or(value.len());
        if end > 0 {
            out.push_str("***");
        }
        rest = &value[end..];
    }
    out.push_str(rest);
    out
}

fn mask_addresses(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let start = rest[..at]
            .rfind(|c: char| !c.is_ascii_alphanumeric() && !"+.-".contains(c))
            .map_or(0, |i| i + rest[i..].chars().next().map_or(1, char::len_utf8));
        let scheme = &rest[start..at];
        let tail = &rest[at + 3..];
        let end = tail.find(|c: char| c.is_whitespace() || "'\"<>".contains(c)).unwrap_or(tail.len());
        out.push_str(&rest[..at + 3]);
        mask_address(scheme, &tail[..end], &mut out);
        rest = &tail[end..];
    }
    out.push_str(rest);
    out
}

fn mask_address(scheme: &str, address: &str, out: &mut String) {
    let (path, query) = address.split_once('?').map_or((address, None), |(p, q)| (p, Some(q)));
    let host_end = path.find('/').unwrap_or(path.len());
    let (host, path) = path.split_at(host_end);
    match host.rsplit_once('@') {
        Some((_, host)) => {
            out.push_str("***@");
            out.push_str(host);
        }
        None => out.push_str(host),
    }
    // rtmp://host/application/key
    let key =
        if scheme.to_ascii_lowercase().starts_with("rtmp") { path.match_indices('/').nth(1) } else { None };
    match key {
        Some((slash, _)) if path.len() > slash + 1 => {
            out.push_str(&path[..=slash]);
            out.push_str("***");
        }
        _ => out.push_str(path),
    }
    if let Some(query) = query {
        out.push('?');
        mask_query(query, out);
    }
}

fn mask_query(query: &str, out: &mut String) {
    for (n, pair) in query.split('&').enumerate() {
        if n > 0 {
            out.push('&');
        }
        match pair.split_once('=') {
            Some((name, _)) => {
                out.push_str(name);
                out.push_str("=***");
            }
            None => out.push_str("***"),
        }
    }
}

/// Queries without an address before them, as in the first line of an HTTP request.
fn mask_queries(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('?') {
        let tail = &rest[at + 1..];
        let end = tail.find(|c: char| c.is_whitespace() || "'\"<>".contains(c)).unwrap_or(tail.len());
        out.push_str(&rest[..=at]);
        match tail[..end].contains('=') {
            true => mask_query(&tail[..end], &mut out),
            false => out.push_str(&tail[..end]),
        }
        rest = &tail[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn secrets_in_addresses_are_masked() {
        for (given, shown) in [
            ("rtmp://a.example/live2/abcd-1234: refused", "rtmp://a.example/live2/***"),
            (
                "[tcp] 'http://me:pw@h:80/x.mp4?token=1&q' failed",
                "[tcp] 'http://***@h:80/x.mp4?token=***&***' failed",
            ),
            ("srt://h:9?passphrase=secret&mode=caller", "srt://h:9?passphrase=***&mode=***"),
            ("rtmps://h/app", "rtmps://h/app"),
            ("é://x no address: a://", "é://x no address: a://"),
            ("nothing here", "nothing here"),
            (
                "GET /a?token=secret&x=secret HTTP/1.1\r\nAuthorization: Basic secret==\r\nHost: h",
                "GET /a?token=***&x=*** HTTP/1.1\r\nAuthorization: ***\r\nHost: h",
            ),
            ("passphrase = secret, StreamKey: 1234", "passphrase = ***, StreamKey: ***"),
            (
                "[rtmp @ 0x5] Proto = rtmp, path = /live/secret, app = live",
                "[rtmp @ 0x5] Proto = rtmp, path = ***",
            ),
            ("[rtmp @ 0x5] Sending play command for 'secret'", "[rtmp @ 0x5] Sending play command for '***"),
            ("what? why?=", "what? why?=***"),
            ("keyframes: 5, a = b = c, key=", "keyframes: 5, a = b = c, key="),
        ] {
            assert!(mask(given).starts_with(shown), "{given} became {}", mask(given));
            assert!(!mask(given).contains("secret") && !mask(given).contains("1234"));
        }
    }
}

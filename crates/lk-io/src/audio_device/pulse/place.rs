// SPDX-License-Identifier: GPL-2.0-or-later
//! Where the sound server listens, and the cookie it may ask for.

use std::path::PathBuf;

/// The socket, from `PULSE_SERVER` or the user's runtime folder; whether it is there is another question.
pub(super) fn socket() -> Result<PathBuf, String> {
    if let Some(server) = text("PULSE_SERVER") {
        return named(&server);
    }
    let runtime = text("PULSE_RUNTIME_PATH").map(PathBuf::from);
    let user = text("XDG_RUNTIME_DIR").map(|folder| PathBuf::from(folder).join("pulse"));
    let uid = rustix::process::getuid().as_raw();
    let others = [PathBuf::from(format!("/run/user/{uid}/pulse")), PathBuf::from("/run/pulse")];
    let said = runtime.is_some() || user.is_some();
    let mut sockets =
        runtime.into_iter().chain(user).chain(others.into_iter().filter(|_| !said)).map(|f| f.join("native"));
    let first = sockets.next();
    let there = first.iter().cloned().chain(sockets).find(|s| s.exists());
    there.or(first).ok_or_else(|| "there is no place for its socket".to_owned())
}

/// The first Unix socket in a list such as "{machine}unix:/run/user/1000/pulse/native tcp:host".
fn named(server: &str) -> Result<PathBuf, String> {
    let sockets = server.split_whitespace().filter_map(|name| {
        let name = name.rsplit('}').next().unwrap_or(name);
        name.strip_prefix("unix:").or_else(|| name.starts_with('/').then_some(name))
    });
    let first = sockets.map(PathBuf::from).next();
    first.ok_or_else(|| format!("PULSE_SERVER={server} names no Unix socket, and others are not supported"))
}

/// What tells the server that the program is the user's.
pub(super) fn cookie() -> Vec<u8> {
    let home = text("HOME").map(PathBuf::from);
    let config = text("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| Some(home.as_ref()?.join(".config")));
    let places = [
        text("PULSE_COOKIE").map(PathBuf::from),
        config.map(|c| c.join("pulse/cookie")),
        home.map(|h| h.join(".pulse-cookie")),
    ];
    places.into_iter().flatten().find_map(|path| std::fs::read(path).ok()).unwrap_or_default()
}

fn text(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|v| !v.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_in_a_server_string() {
        assert_eq!(named("unix:/a/native").as_deref(), Ok("/a/native".as_ref()));
        assert_eq!(named("tcp:host {id}unix:/b").as_deref(), Ok("/b".as_ref()));
        assert_eq!(named("/c").as_deref(), Ok("/c".as_ref()));
        assert!(named("tcp:host").is_err());
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! What can be wrong with a portal, and what to do about it.

use crate::desktop::variable;
use lk_media::{Error, ErrorKind};

/// The session has no bus, or it lets nobody in.
pub(super) fn no_bus(error: zbus::Error) -> Error {
    Error::new(ErrorKind::Display, format!("the session's message bus cannot be reached: {error}"))
        .with_hint(
            "run in a desktop session, or under dbus-run-session; DBUS_SESSION_BUS_ADDRESS says where it is",
        )
        .with_source(error)
}

/// Nobody says anything.
pub(super) fn no_answer() -> Error {
    Error::new(ErrorKind::Display, "the session's message bus or the desktop's portal does not answer")
        .with_hint("restart it: systemctl --user restart xdg-desktop-portal")
}

/// A call that failed.
pub(super) fn of_bus(error: zbus::Error) -> Error {
    let name = match &error {
        zbus::Error::MethodError(name, ..) => name.as_str(),
        zbus::Error::InputOutput(e) if e.kind() == std::io::ErrorKind::TimedOut => {
            return no_answer().with_source(error);
        }
        _ => "",
    };
    let what = name.rsplit('.').next().unwrap_or_default();
    let made = match what {
        "ServiceUnknown" | "NameHasNoOwner" | "ChildExited" | "ExecFailed" | "ChildSignaled" | "TimedOut"
        | "NoReply" => Error::new(ErrorKind::Display, "there is no desktop portal in this session")
            .with_hint(format!("install it and start the session anew: {}", packages())),
        "UnknownInterface" | "UnknownMethod" | "UnknownProperty" | "InvalidArgs" => Error::new(
            ErrorKind::Display,
            "the desktop's portal cannot show screens: it has no backend for that",
        )
        .with_hint(format!(
            "install the one of your desktop and start the session anew: {}; XDG_CURRENT_DESKTOP says which \
                     desktop it is",
            packages()
        )),
        "AccessDenied" | "NotAllowed" => {
            Error::new(ErrorKind::Display, "the desktop's portal lets this program see nothing")
                .with_hint("allow it in the settings of the desktop")
        }
        "" => Error::new(ErrorKind::Display, format!("the session's message bus went away: {error}"))
            .with_hint("open it again once there is a session"),
        _ => Error::new(ErrorKind::Display, format!("the desktop's portal failed: {error}"))
            .with_hint("restart it: systemctl --user restart xdg-desktop-portal"),
    };
    made.with_source(error)
}

/// What the user's desktop wants to be installed.
pub(super) fn packages() -> &'static str {
    let desktop = variable("XDG_CURRENT_DESKTOP").unwrap_or_default().to_string_lossy().to_lowercase();
    match desktop {
        d if d.contains("gnome") => "apt install xdg-desktop-portal xdg-desktop-portal-gnome",
        d if d.contains("kde") => "apt install xdg-desktop-portal xdg-desktop-portal-kde",
        d if d.contains("hyprland") => "apt install xdg-desktop-portal xdg-desktop-portal-hyprland",
        _ => "apt install xdg-desktop-portal xdg-desktop-portal-wlr (for sway; -gnome, -kde for those)",
    }
}

/// The user was not asked, or the choice cannot be shown.
pub(super) fn failed() -> Error {
    Error::new(ErrorKind::Display, "the desktop's portal shows nothing: its backend failed")
        .with_hint("its log says why: journalctl --user -u 'xdg-desktop-portal*'; PipeWire must be running")
}

/// The portal talks nonsense.
pub(super) fn nonsense(what: &str) -> Error {
    Error::new(ErrorKind::Display, format!("the desktop's portal is not understood: {what}"))
        .with_hint("update xdg-desktop-portal")
}

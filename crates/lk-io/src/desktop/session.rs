// SPDX-License-Identifier: GPL-2.0-or-later
//! Which display is meant.

use lk_media::{Error, ErrorKind};
use std::ffi::OsString;

/// A display by its protocol. No name means the one the session's environment names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Session {
    X11(Option<String>),
    Wayland(Option<String>),
    /// Whatever the user chooses in the desktop's dialog.
    Portal,
}

impl Session {
    /// The display called `name`: "wayland-1" or the path of a socket are Wayland, "portal" is the desktop's portal, all
    /// else (":0") is X11. Without a name Wayland, where there is a Wayland session.
    pub fn named(name: Option<&str>) -> Self {
        match name {
            Some("portal") => Self::Portal,
            Some(name) if name.starts_with("wayland-") || name.starts_with('/') => {
                Self::Wayland(Some(name.to_owned()))
            }
            Some(name) => Self::X11(Some(name.to_owned())),
            None if variable("WAYLAND_DISPLAY").is_some() => Self::Wayland(None),
            None => Self::X11(None),
        }
    }

    /// The X11 display on which windows are looked at: that of the session, Xwayland in one of Wayland. An error says
    /// what to do in a session without.
    pub fn of_windows(self) -> Result<Option<String>, Error> {
        match self {
            Self::X11(name) => Ok(name),
            Self::Wayland(None) if variable("DISPLAY").is_some() => Ok(None),
            Self::Wayland(_) | Self::Portal => Err(no_xwayland()),
        }
    }
}

/// Whether a Wayland session is around.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// What to do in a Wayland session without Xwayland.
pub(crate) const WITHOUT_XWAYLAND: &str = "install or enable Xwayland (apt install xwayland); captures need none: \
     \"screen\", \"window:Choose a window...\"";

fn no_xwayland() -> Error {
    let message = "this Wayland session has no Xwayland, whose windows alone can be captured by their titles";
    Error::new(ErrorKind::Display, message).with_hint(WITHOUT_XWAYLAND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_the_protocol() {
        assert_eq!(Session::named(Some(":0")), Session::X11(Some(":0".to_owned())));
        assert_eq!(Session::named(Some("portal")), Session::Portal);
        assert_eq!(Session::named(Some("host:1.0")), Session::X11(Some("host:1.0".to_owned())));
        for name in ["wayland-1", "/run/user/1000/wayland-0"] {
            assert_eq!(Session::named(Some(name)), Session::Wayland(Some(name.to_owned())));
            let error = Session::named(Some(name)).of_windows().expect_err("no X11 there");
            assert_eq!(error.kind(), ErrorKind::Display);
        }
    }
}

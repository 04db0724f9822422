// SPDX-License-Identifier: GPL-2.0-or-later
//! What of capturing works in this session.

use lk_media::Result;

/// The ways to the windows and screens of the session.
#[derive(Clone, Debug)]
pub struct CaptureWays {
    /// What kind of session it is, and whose ("wayland, sway").
    pub session: String,
    /// How many windows can be captured by their titles; errors say why none can.
    pub windows: Result<usize>,
    /// How screens are captured ("wlr-screencopy").
    pub screens: Result<&'static str>,
    /// What the desktop's portal offers ("version 4 with wlr: screens"); None where a session has no use for one.
    pub portal: Option<Result<String>>,
}

/// Looks at the session. Nobody is asked anything; a portal that does not answer takes ten seconds.
pub fn capture_ways() -> CaptureWays {
    super::backend::ways()
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! What threads that speak to a display have in common, whichever protocol it speaks.

mod asking;
#[cfg(windows)]
mod event;
#[cfg(target_os = "linux")]
mod pictures;
#[cfg(target_os = "linux")]
mod segment;
#[cfg(target_os = "linux")]
mod session;

#[cfg(target_os = "linux")]
pub(crate) use asking::ask;
pub(crate) use asking::{answer, let_go};
#[cfg(windows)]
pub(crate) use event::Bell;
#[cfg(target_os = "linux")]
pub(crate) use pictures::{BYTES, Memory, Pictures, Shape, Share};
#[cfg(target_os = "linux")]
pub(crate) use segment::Segment;
#[cfg(target_os = "linux")]
pub(crate) use session::{Session, WITHOUT_XWAYLAND, variable};

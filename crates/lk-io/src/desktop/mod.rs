// SPDX-License-Identifier: GPL-2.0-or-later
//! What threads that speak to a display have in common, whichever protocol it speaks.

mod asking;
mod pictures;
mod segment;
mod session;

pub(crate) use asking::{answer, ask, let_go};
pub(crate) use pictures::{BYTES, Memory, Pictures, Shape, Share};
pub(crate) use segment::Segment;
pub(crate) use session::{Session, WITHOUT_XWAYLAND, variable};

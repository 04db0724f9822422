// SPDX-License-Identifier: GPL-2.0-or-later
//! Pictures and sound from files and addresses.
//!
//! [`MediaInfo`] says what is in a file, [`LazyPlayer`] gives its pictures frame by frame, [`FileAudio`] its
//! sound sample by sample. Both are pulled: they decode on the thread that asks, and answer for any time.
//! Media time 0 is the start of the container, for pictures and sound alike, so that the two stay together.

mod audio_player;
mod cursor;
mod info;
mod lazy_player;
mod name;
mod options;
mod play;
mod sequence;
mod text;

pub use audio_player::FileAudio;
pub use info::{AudioInfo, MediaInfo, VideoInfo};
pub use lazy_player::LazyPlayer;
pub use options::{Deinterlace, OpenOptions};

pub(crate) use audio_player::cubic;
pub(crate) use name::{Location, locate};

// SPDX-License-Identifier: GPL-2.0-or-later
//! Pictures over PipeWire: [`video_nodes`] lists cameras and other programs that give pictures, and [`NodeWatch`] tells
//! of changes; [`Input`] reads one of them, or what the desktop's portal lets us see; [`Output`] is a camera of our own.
//! `SoundStream` is for sound that must be soon; other sound goes another way: see [`audio_device`](crate::audio_device).
//!
//! `library` is libpipewire, opened at first use; `abi` its structures; `pod` and `formats` what is said of pictures;
//! `connection` a server and a loop on one thread; `raw_stream` what all streams have in common; `stream` and `buffers` pictures in shared memory; `stamps` their
//! times; `sound` blocks of sound on the library's own thread.

mod abi;
mod buffers;
mod connection;
mod formats;
mod input;
mod library;
mod nodes;
mod output;
mod pod;
mod raw_stream;
mod sound;
mod stamps;
mod stream;

pub use formats::{Agreed, Encoding, NodeFormat, Offer};
pub use input::{Input, InputEvent, InputOptions, NodeChoice};
pub use nodes::{NodeWatch, VideoNode, video_nodes};
pub use output::{Output, OutputOptions, OutputState};
pub(crate) use sound::{Blocks, Moment, SoundOptions, SoundStream};

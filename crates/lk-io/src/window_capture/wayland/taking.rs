// SPDX-License-Identifier: GPL-2.0-or-later
//! One copy of a screen, from the question to the picture.

use super::Desk;
use super::formats::Format;
use crate::desktop::Shape;
use crate::wayland::Memory;
use lk_media::{Error, ErrorKind, Result, Size};
use wayland_client::Proxy;
use wayland_protocols_wlr::screencopy::v1::client::zwlr_screencopy_frame_v1::ZwlrScreencopyFrameV1;

/// The version from which it is said when all kinds of memory have been told.
const TELLS_ALL: u32 = 3;
/// The version from which a copy can wait for a change.
const WAITS: u32 = 2;

/// What the compositor has said of it.
#[derive(Default)]
pub(super) struct Taken {
    /// The memory it may be copied into.
    pub offers: Vec<Shape>,
    pub all_told: bool,
    pub inverted: bool,
    pub ready: bool,
    pub failed: bool,
}

impl Taken {
    /// Whether it is known what memory it needs.
    pub fn is_described(&self, frame: &ZwlrScreencopyFrameV1) -> bool {
        if frame.version() >= TELLS_ALL { self.all_told } else { !self.offers.is_empty() }
    }

    /// The memory to copy into: the first that can be read in place.
    pub fn shape(&self) -> Result<Shape> {
        let readable = |shape: &&Shape| {
            let size = shape.size;
            Format::of(shape.format).is_ok_and(|format| {
                Size::checked(size.width, size.height).is_ok()
                    && shape.stride >= size.width as usize * format.bytes
            })
        };
        if let Some(shape) = self.offers.iter().find(readable) {
            return Ok(*shape);
        }
        match self.offers.first() {
            Some(shape) => Err(Format::of(shape.format).err().unwrap_or_else(|| {
                Error::new(ErrorKind::Display, format!("the compositor offers {shape:?} for its screen"))
            })),
            None => {
                Err(Error::new(ErrorKind::Display, "the compositor shares its screen in no ordinary memory"))
            }
        }
    }
}

/// A copy under way.
pub(super) struct Taking {
    pub frame: ZwlrScreencopyFrameV1,
    /// The compositor's number for the screen.
    pub global: u32,
    memory: Option<Memory<Desk>>,
}

impl Taking {
    pub fn new(frame: ZwlrScreencopyFrameV1, global: u32) -> Self {
        Self { frame, global, memory: None }
    }

    pub fn is_copying(&self) -> bool {
        self.memory.is_some()
    }

    /// Has it copied into `memory`: at once, or when something has changed since the last copy.
    pub fn copy(&mut self, memory: Memory<Desk>, on_change: bool) {
        if let Some(buffer) = memory.id() {
            if on_change && self.frame.version() >= WAITS {
                self.frame.copy_with_damage(buffer);
            } else {
                self.frame.copy(buffer);
            }
        }
        self.memory = Some(memory);
    }

    /// What was copied.
    pub fn finish(mut self) -> Option<Memory<Desk>> {
        self.memory.take()
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        self.frame.destroy();
    }
}

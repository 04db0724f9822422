// SPDX-License-Identifier: GPL-2.0-or-later
//! A node of PipeWire's: programs find it among the cameras, and choose one of its formats.

use super::output::{Output, Wanted};
use crate::pipewire::{self, OutputOptions, OutputState};
use lk_media::{Error, Frame, FrameSpec, PixelFormat, Result, Size};

/// A node that is there as long as this is, and comes back with its server.
pub(super) struct Node {
    node: pipewire::Output,
    name: String,
    size: Size,
    best: PixelFormat,
}

impl Node {
    pub fn open(wanted: &Wanted) -> Result<Self> {
        let best = wanted.formats.first().copied().unwrap_or(PixelFormat::Yuy2);
        let others = OutputOptions::FORMATS.into_iter().filter(|f| *f != best);
        let formats = std::iter::once(best).chain(others).filter(|f| f.check_even(wanted.size).is_ok());
        let node = pipewire::Output::open(OutputOptions {
            name: format!("livekit.{}", wanted.name),
            description: wanted.name.clone(),
            size: wanted.size,
            rate: wanted.rate,
            formats: formats.collect(),
        })?;
        Ok(Self { node, name: wanted.name.clone(), size: wanted.size, best })
    }
}

impl Output for Node {
    fn backend(&self) -> &'static str {
        "pipewire"
    }

    fn device(&self) -> &str {
        &self.name
    }

    fn spec(&self) -> FrameSpec {
        FrameSpec::of(self.node.format().unwrap_or(self.best), self.size)
    }

    fn is_watched(&self) -> bool {
        self.node.format().is_some()
    }

    fn lost(&self) -> Option<Error> {
        match self.node.state() {
            OutputState::There => None,
            OutputState::Lost(error) => Some(error),
        }
    }

    fn show(&mut self, picture: &Frame) -> Result<()> {
        self.node.show(picture)
    }
}

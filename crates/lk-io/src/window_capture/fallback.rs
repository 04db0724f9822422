// SPDX-License-Identifier: GPL-2.0-or-later
//! The better of two ways to see a desktop, and the other one where that does not work.

use super::areas::Area;
use super::capturing::{Eye, Origin, WindowState};
use super::{Shared, WindowInfo};
use lk_media::{Frame, Result, Timestamp};
use std::sync::Arc;

/// Sees by `A`; by `B` where that cannot be opened, and for good when it sees no more.
pub(super) enum Either<A, B> {
    Better(A, Arc<Shared>),
    Other(B),
}

impl<A: Eye, B: Eye> Eye for Either<A, B> {
    fn open(shared: &Arc<Shared>) -> Result<Self> {
        match A::open(shared) {
            Ok(eye) => Ok(Self::Better(eye, shared.clone())),
            Err(error) => {
                tracing::debug!("{}: seen in the other way: {error}", shared.name);
                B::open(shared).map(Self::Other)
            }
        }
    }

    fn windows(&self) -> Vec<WindowInfo> {
        match self {
            Self::Better(eye, _) => eye.windows(),
            Self::Other(eye) => eye.windows(),
        }
    }

    fn window_state(&self, window: u32) -> WindowState {
        match self {
            Self::Better(eye, _) => eye.window_state(window),
            Self::Other(eye) => eye.window_state(window),
        }
    }

    fn desktop(&self) -> Area {
        match self {
            Self::Better(eye, _) => eye.desktop(),
            Self::Other(eye) => eye.desktop(),
        }
    }

    fn has_news(&self) -> bool {
        match self {
            Self::Better(eye, _) => eye.has_news(),
            Self::Other(eye) => eye.has_news(),
        }
    }

    fn frame(&mut self, origin: &Origin, now: Timestamp) -> Result<Option<Frame>> {
        if let Self::Better(eye, shared) = self {
            match eye.frame(origin, now) {
                Ok(frame) => return Ok(frame),
                Err(error) => {
                    tracing::warn!("{}: seen in the other way from now on: {error}", shared.name);
                    *self = Self::Other(B::open(shared)?);
                }
            }
        }
        match self {
            Self::Other(eye) => eye.frame(origin, now),
            Self::Better(..) => Ok(None),
        }
    }

    fn forget(&mut self) {
        match self {
            Self::Better(eye, _) => eye.forget(),
            Self::Other(eye) => eye.forget(),
        }
    }
}

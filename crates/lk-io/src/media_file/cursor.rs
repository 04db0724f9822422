// SPDX-License-Identifier: GPL-2.0-or-later
//! A place among the pictures of a file: finds the one that belongs to a media time, wherever it stood before.

use crate::av::video::{Picture, VideoReader};
use lk_media::{Frame, Result, Timestamp};

/// Jumps ahead up to this are decoded through.
const NEAR_NANOS: i64 = 1_000_000_000;
/// How far before the target decoding begins, try after try: some containers land too late.
const BACK_NANOS: [i64; 5] = [0, 1_000_000_000, 5_000_000_000, 20_000_000_000, 60_000_000_000];

/// Where a media time lies.
pub(super) struct Found {
    /// The picture's own media time.
    pub(super) pts: Timestamp,
    /// The picture, due at its media time.
    pub(super) frame: Frame,
    /// Whether the time asked for is past its end and it was the last.
    pub(super) ended: bool,
}

/// Holds at most two pictures: the one shown and the one after it.
pub(super) struct Cursor {
    reader: VideoReader,
    current: Option<Picture>,
    next: Option<Picture>,
    over: bool,
    lost: bool,
    frame: Option<Frame>,
}

impl Cursor {
    pub(super) fn new(reader: VideoReader) -> Self {
        Self { reader, current: None, next: None, over: false, lost: false, frame: None }
    }

    pub(super) fn reader(&self) -> &VideoReader {
        &self.reader
    }

    /// The picture for media time `at`: the last one due, or the first if none is.
    pub(super) fn find(&mut self, at: Timestamp) -> Result<Found> {
        if self.lost || self.must_jump(at) {
            self.jump(at)?;
        }
        self.advance(at)?;
        let Some(current) = &self.current else {
            return Err(self.reader.input().media_error("no picture in it can be decoded"));
        };
        let frame = match &self.frame {
            Some(frame) => frame.clone(),
            None => self.frame.insert(self.reader.frame(current)?).clone(),
        };
        let end = current.pts.offset(current.nanos);
        Ok(Found { pts: current.pts, frame, ended: self.over && self.next.is_none() && end.is_due(at) })
    }

    /// The picture after the one due at `at`, or the first one of all for None; None after the last.
    pub(super) fn after(&mut self, at: Option<Timestamp>) -> Result<Option<Found>> {
        let Some(at) = at else { return self.find(self.reader.first()).map(Some) };
        self.find(at)?;
        match self.next.as_ref().map(|next| next.pts) {
            Some(pts) => self.find(pts).map(Some),
            None => Ok(None),
        }
    }

    /// The shown picture, if a reading came this far.
    pub(super) fn shown(&self) -> Option<&Frame> {
        self.frame.as_ref()
    }

    fn must_jump(&mut self, at: Timestamp) -> bool {
        let from = match &self.current {
            Some(current) if !current.pts.is_due(at) => return current.pts > self.reader.first(),
            Some(current) => current.pts,
            None => self.reader.first(),
        };
        let ahead = self.next.as_ref().map_or(from, |n| n.pts);
        !self.over && at.nanos_since(ahead) > NEAR_NANOS && self.reader.seek_pays(from, at)
    }

    fn jump(&mut self, at: Timestamp) -> Result<()> {
        let can_go_on = !self.lost && self.current.as_ref().is_some_and(|c| c.pts.is_due(at));
        // lost until it is done: a cancelled jump leaves the reader anywhere
        self.lost = true;
        let first = self.reader.first();
        let mut moved = false;
        for back in BACK_NANOS {
            let target = at.offset(-back - self.reader.lead_nanos());
            if target <= first || !self.reader.seek(target)? {
                break;
            }
            moved = true;
            (self.current, self.next, self.over, self.frame) = (None, None, false, None);
            if let Some(picture) = self.reader.next()?
                && picture.pts.is_due(at)
            {
                self.current = Some(picture);
                self.lost = false;
                return Ok(());
            }
        }
        if moved || !can_go_on {
            (self.current, self.next, self.over, self.frame) = (None, None, false, None);
            self.reader.rewind()?;
        }
        self.lost = false;
        Ok(())
    }

    fn advance(&mut self, at: Timestamp) -> Result<()> {
        loop {
            if self.next.is_none() && !self.over {
                self.next = self.reader.next()?;
                self.over = self.next.is_none();
            }
            match self.next.take() {
                Some(next) if self.current.is_none() || next.pts.is_due(at) => {
                    self.current = Some(next);
                    self.frame = None;
                }
                Some(next) => {
                    self.next = Some(next);
                    return Ok(());
                }
                None => return Ok(()),
            }
        }
    }
}

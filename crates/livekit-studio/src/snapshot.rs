// SPDX-License-Identifier: GPL-2.0-or-later
//! One picture of a source, outside of any composition.

use lk_media::clock::Deadline;
use lk_media::{
    Cancel, Clock, ClockId, Error, ErrorKind, Exactness, Frame, Result, Sample, Sampling, Timestamp,
    VideoSource, Wake,
};
use std::time::Duration;

/// The picture that `source` shows at `at`, or, of one that is live, the newest, which is waited for no longer than
/// `patience`. LiveSource for another time than the present of a live one, Busy if it is in use by a run and keeps a
/// place, Deadline when nothing comes.
pub fn picture_of(
    source: &dyn VideoSource,
    at: Timestamp,
    patience: Duration,
    cancel: &Cancel,
) -> Result<Frame> {
    let wake = Wake::new();
    source.wake_on_ready(&wake);
    if let Exactness::LiveOnly(why) = source.exactness() {
        only_now(&source.name(), why, at)?;
        let now = || source.sample(<dyn Clock>::live().now(), Sampling::Live);
        return wait(source, now, &wake, Deadline::after(patience), cancel);
    }
    let _claim = source.claim(ClockId::unique(), Timestamp::ZERO)?;
    wait(source, || source.sample(at, Sampling::Exact), &wake, Deadline::after(source.deadline()), cancel)
}

/// LiveSource unless `at` is zero, which stands for the present.
pub fn only_now(name: &str, why: &str, at: Timestamp) -> Result<()> {
    if at == Timestamp::ZERO {
        return Ok(());
    }
    let message = format!("{name} has no picture of another time than now: {why}");
    Err(Error::new(ErrorKind::LiveSource, message).with_hint("leave \"at\" out"))
}

fn wait(
    source: &dyn VideoSource,
    sample: impl Fn() -> Result<Sample>,
    wake: &Wake,
    deadline: Deadline,
    cancel: &Cancel,
) -> Result<Frame> {
    let exact = source.exactness() == Exactness::Exact;
    loop {
        match sample()? {
            Sample::Frame(frame) | Sample::Ended(Some(frame)) => return Ok(frame),
            Sample::Ended(None) => return Err(nothing(source)),
            Sample::Empty if exact => return Err(nothing(source)),
            Sample::Empty | Sample::Pending => {}
        }
        if !cancel.wait(wake, deadline) {
            let (kind, what) = if cancel.is_cancelled() {
                (ErrorKind::Cancelled, "was given up waiting for")
            } else {
                (ErrorKind::Deadline, "has shown nothing yet")
            };
            return Err(Error::new(kind, format!("{} {what}", source.name())));
        }
    }
}

fn nothing(source: &dyn VideoSource) -> Error {
    Error::new(ErrorKind::Media, format!("{} shows nothing there", source.name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FrameSpec, PixelFormat, Size, Still, VideoPort};

    fn still() -> Still {
        let spec = FrameSpec::of(PixelFormat::Bgra, Size::new(4, 2));
        Still::new("a still", Frame::from_packed(spec, &[9; 32], Timestamp::ZERO).unwrap())
    }

    #[test]
    fn a_still_has_a_picture_at_any_time_and_an_empty_port_none() {
        let at = Timestamp::from_secs_f64(3.0);
        let frame = picture_of(&still(), at, Duration::ZERO, &Cancel::new()).unwrap();
        assert_eq!((frame.size(), frame.timestamp()), (Size::new(4, 2), at));
        let port = VideoPort::new();
        let error = picture_of(&port, Timestamp::ZERO, Duration::ZERO, &Cancel::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Deadline);
        let error = picture_of(&port, at, Duration::ZERO, &Cancel::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LiveSource);
    }
}

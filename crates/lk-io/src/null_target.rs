// SPDX-License-Identifier: GPL-2.0-or-later
//! A target that takes everything and keeps nothing: for measuring, and for tests.

use lk_media::{
    AudioBlock, AudioTarget, Delivery, Frame, Offered, PixelFormat, Result, TargetStatistics, VideoTarget,
    VideoWish,
};
use parking_lot::Mutex;

/// Takes frames in one format, counts them and lets them go. It reads each frame in its format, so that a
/// conversion that would be needed is really made. Sound is counted too.
pub struct NullTarget {
    format: PixelFormat,
    keep_last: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    frames: u64,
    bytes: u64,
    samples: u64,
    last: Option<Frame>,
}

impl NullTarget {
    /// Takes frames in `format`.
    pub fn new(format: PixelFormat) -> Self {
        Self { format, keep_last: false, state: Mutex::default() }
    }

    /// Holds on to the newest frame, in the target's format, until the next one comes.
    #[must_use]
    pub fn keep_last(mut self) -> Self {
        self.keep_last = true;
        self
    }

    /// The newest frame, if it is kept.
    pub fn last(&self) -> Option<Frame> {
        self.state.lock().last.clone()
    }

    /// Bytes of all frames so far, without padding.
    pub fn bytes(&self) -> u64 {
        self.state.lock().bytes
    }

    /// Sound samples so far, per channel.
    pub fn samples(&self) -> u64 {
        self.state.lock().samples
    }
}

impl VideoTarget for NullTarget {
    fn name(&self) -> String {
        "a null target".to_owned()
    }

    fn wish(&self) -> VideoWish {
        VideoWish { format: Some(self.format), ..VideoWish::default() }
    }

    fn offer(&self, frame: &Frame, _delivery: Delivery) -> Result<Offered> {
        let map = frame.map(self.format)?;
        let mut state = self.state.lock();
        state.frames += 1;
        state.bytes += self.format.packed_len(frame.size()) as u64;
        let before = if self.keep_last { state.last.replace(map.frame().clone()) } else { None };
        drop(state);
        // outside the lock: the frame's memory goes back to its pool
        drop(before);
        Ok(Offered::Taken)
    }

    fn statistics(&self) -> TargetStatistics {
        TargetStatistics { frames: self.state.lock().frames, dropped: 0 }
    }
}

impl AudioTarget for NullTarget {
    fn name(&self) -> String {
        VideoTarget::name(self)
    }

    fn offer_audio(&self, block: &AudioBlock, _delivery: Delivery) -> Result<Offered> {
        self.state.lock().samples += block.len() as u64;
        Ok(Offered::Taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lk_media::{FrameSpec, Size, Timestamp};

    #[test]
    fn counts_and_converts() {
        let target = NullTarget::new(PixelFormat::I420).keep_last();
        let spec = FrameSpec::of(PixelFormat::Bgra, Size::new(4, 2));
        let frame = Frame::from_packed(spec, &[255; 32], Timestamp::ZERO).unwrap();
        for _ in 0..3 {
            assert_eq!(target.offer(&frame, Delivery::Lossless).unwrap(), Offered::Taken);
        }
        assert_eq!((target.statistics().frames, target.bytes()), (3, 36));
        assert_eq!(target.last().map(|f| f.format()), Some(PixelFormat::I420));
        let block = AudioBlock { position: 0, samples: vec![0.0; 960].into() };
        target.offer_audio(&block, Delivery::Live).unwrap();
        assert_eq!(target.samples(), 480);
    }
}

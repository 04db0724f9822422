// SPDX-License-Identifier: GPL-2.0-or-later
//! Pictures of any size and format as the camera's own.

use crate::av::resize::Resizer;
use crate::ipc::{IpcFit, fit};
use lk_media::frame::FrameId;
use lk_media::{Frame, FramePool, FrameSpec, Result};

/// Converts each picture once.
pub(super) struct Fitting {
    to: FrameSpec,
    fit: IpcFit,
    resizer: Resizer,
    last: Option<(FrameId, Frame)>,
}

impl Fitting {
    pub fn new(to: FrameSpec, fit: IpcFit) -> Self {
        Self { to, fit, resizer: Resizer::default(), last: None }
    }

    /// What pictures become.
    pub fn spec(&self) -> FrameSpec {
        self.to
    }

    /// `frame` as the camera's: the same one if it was the last.
    pub fn fitted(&mut self, frame: &Frame) -> Result<Frame> {
        match &self.last {
            Some((id, fitted)) if *id == frame.id() => return Ok(fitted.clone()),
            _ => {}
        }
        let fitted = self.make(frame)?;
        self.last = Some((frame.id(), fitted.clone()));
        Ok(fitted)
    }

    fn make(&mut self, frame: &Frame) -> Result<Frame> {
        let converted = frame.convert(FrameSpec { size: frame.size(), ..self.to })?;
        if frame.size() == self.to.size {
            return Ok(converted);
        }
        let scaled = fit::scaled(&mut self.resizer, &converted, Some(self.fit), self.to.size)?;
        let mut whole = FramePool::shared().frame(self.to)?;
        fit::place(&scaled.map_native(), &mut whole);
        Ok(whole.publish(frame.timestamp()))
    }
}

/// A black picture.
pub(super) fn black(spec: FrameSpec) -> Result<Frame> {
    let mut frame = FramePool::shared().frame(spec)?;
    fit::blacken(&mut frame);
    Ok(frame.publish(lk_media::Timestamp::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lk_media::{PixelFormat, Size, Timestamp};

    #[test]
    fn every_format_and_size_becomes_the_cameras() {
        let to = FrameSpec::of(PixelFormat::Yuy2, Size::new(64, 36));
        let mut fitting = Fitting::new(to, IpcFit::Contain);
        for format in PixelFormat::ALL {
            for size in [Size::new(64, 36), Size::new(128, 72), Size::new(34, 50), Size::new(641, 361)] {
                let mut white = FramePool::shared().frame(FrameSpec::of(format, size)).unwrap();
                for (index, plane) in white.planes_mut().iter_mut().enumerate() {
                    for y in 0..plane.rows {
                        plane.row_mut(y).fill(if format.is_yuv() && index > 0 { 128 } else { 235 });
                    }
                }
                if format == PixelFormat::Yuy2 {
                    let mut plane = white.plane_mut(0);
                    for y in 0..plane.rows {
                        plane.row_mut(y).iter_mut().skip(1).step_by(2).for_each(|c| *c = 128);
                    }
                }
                let white = white.publish(Timestamp::ZERO);
                let fitted = fitting.fitted(&white).unwrap();
                assert_eq!(fitted.spec(), to);
                let map = fitted.map_native();
                let (middle, left) = (map.plane(0).row(18)[64], map.plane(0).row(18)[0]);
                assert!(middle > 210, "{format} {size}: {middle}");
                assert_eq!(left == 16, size.width == 34, "{format} {size}: {left}");
                assert_eq!(fitting.fitted(&white.at(Timestamp::from_nanos(9))).unwrap().id(), fitted.id());
            }
        }
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! What a camera shows while nobody writes.

use lk_media::{Frame, FramePool, FrameSpec, PixelFormat, Result, Size};

/// Smaller text is nothing that anybody could read.
#[cfg(feature = "text")]
const LEGIBLE: f64 = 8.0;

/// A black picture that says what is waited for, where text is part of the program.
pub fn picture(size: Size, mapping_name: &str) -> Result<Frame> {
    let mut frame = FramePool::shared().frame(FrameSpec::of(PixelFormat::Bgr, size))?;
    crate::ipc::fit::blacken(&mut frame);
    write_on(&mut frame, mapping_name)?;
    Ok(frame.publish(lk_media::Timestamp::ZERO))
}

/// `frame` as one of `size` and `format`: in the middle, unscaled.
pub fn centred(frame: &Frame, size: Size, format: PixelFormat) -> Result<Frame> {
    let map = frame.map(format)?;
    if frame.size() == size {
        return Ok(map.frame().clone());
    }
    let spec = FrameSpec { size, ..map.spec() };
    let mut placed = FramePool::shared().frame(spec)?;
    crate::ipc::fit::place(&map, &mut placed);
    Ok(placed.publish(frame.timestamp()))
}

#[cfg(feature = "text")]
fn write_on(frame: &mut lk_media::FrameMut, mapping_name: &str) -> Result<()> {
    use crate::generate::{Align, Text, TextStyle};
    let Size { width, height } = frame.spec().size;
    let font_size = f64::from(height.min(width)) / 14.0;
    if font_size < LEGIBLE {
        return Ok(());
    }
    let style = TextStyle {
        font_size,
        color: [190, 190, 190, 255],
        background: Some([0, 0, 0, 255]),
        width: Some(f64::from(width) * 0.9),
        align: Align::Center,
        ..TextStyle::default()
    };
    let text = Text::new(&format!("LiveKit\nnobody writes to {mapping_name}"), style)?;
    crate::ipc::fit::place(&text.frame().map(PixelFormat::Bgr)?, frame);
    Ok(())
}

#[cfg(not(feature = "text"))]
fn write_on(_frame: &mut lk_media::FrameMut, _mapping_name: &str) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_as_large_as_asked_for_and_says_something() {
        for (size, legible) in
            [((2, 2), false), ((64, 200), false), ((160, 120), true), ((320, 180), true), ((1280, 720), true)]
        {
            let size = Size::new(size.0, size.1);
            let frame = picture(size, "LiveKitVCam").unwrap();
            assert_eq!(frame.size(), size);
            let bright = frame.map_native().to_packed().iter().filter(|b| **b > 100).count();
            assert_eq!(bright > 50, legible && cfg!(feature = "text"), "{size}: {bright}");
        }
    }
}

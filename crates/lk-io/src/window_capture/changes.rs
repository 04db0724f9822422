// SPDX-License-Identifier: GPL-2.0-or-later
//! Frames of what a system has copied, where that is not what it was before.

use lk_media::{AlphaKind, Frame, FramePool, FrameSpec, PixelFormat, Result, Size, Timestamp};

/// Bytes of a pixel.
pub(super) const BYTES: usize = 4;

/// Remembers the last picture.
#[derive(Default)]
pub(super) struct Changes {
    last: Vec<u8>,
    size: Option<Size>,
}

impl Changes {
    /// A frame of a picture in BGRA with `pitch` bytes from row to row; None if it is the last one again, or if there
    /// are fewer bytes than it has. What stands for alpha is not looked at.
    pub fn frame(&mut self, bytes: &[u8], pitch: usize, size: Size, now: Timestamp) -> Result<Option<Frame>> {
        let (row, rows) = (size.width as usize * BYTES, size.height as usize);
        let end = (rows.max(1) - 1).checked_mul(pitch).and_then(|start| start.checked_add(row));
        let is_whole = row > 0 && rows > 0 && pitch >= row && end.is_some_and(|end| end <= bytes.len());
        if !is_whole || !self.takes(bytes.chunks(pitch).take(rows).map(|line| &line[..row]), size) {
            return Ok(None);
        }
        let spec = FrameSpec::of(PixelFormat::Bgra, size).with_alpha(AlphaKind::Opaque);
        let mut frame = FramePool::shared().frame(spec)?;
        let mut plane = frame.plane_mut(0);
        for (y, from) in self.last.chunks_exact(row).enumerate() {
            let to = plane.row_mut(y);
            to.copy_from_slice(from);
            to.iter_mut().skip(3).step_by(BYTES).for_each(|alpha| *alpha = 255);
        }
        Ok(Some(frame.publish(now)))
    }

    /// The next picture is a frame, whatever it is.
    pub fn forget(&mut self) {
        self.size = None;
    }

    /// Remembers a picture; false if it is the last one again.
    fn takes<'a>(&mut self, mut rows: impl Iterator<Item = &'a [u8]> + Clone, size: Size) -> bool {
        let row = size.width as usize * BYTES;
        if self.size == Some(size) && self.last.chunks_exact(row).eq(rows.clone()) {
            return false;
        }
        self.size = Some(size);
        self.last.clear();
        self.last.reserve_exact(row * size.height as usize);
        rows.by_ref().for_each(|line| self.last.extend_from_slice(line));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size::new(3, 2);
    const ROW: usize = 3 * BYTES;

    /// Pixels of a picture with 20 bytes from row to row, and as little after the last row as there may be.
    fn picture() -> Vec<u8> {
        (0..20 + ROW as u8).collect()
    }

    #[test]
    fn rows_are_taken_out_of_longer_ones_and_are_opaque() {
        let frame = Changes::default().frame(&picture(), 20, SIZE, Timestamp::ZERO).unwrap().unwrap();
        assert_eq!((frame.size(), frame.spec().alpha), (SIZE, AlphaKind::Opaque));
        let map = frame.map_native();
        assert_eq!(map.plane(0).row(0), [0, 1, 2, 255, 4, 5, 6, 255, 8, 9, 10, 255]);
        assert_eq!(map.plane(0).row(1), [20, 21, 22, 255, 24, 25, 26, 255, 28, 29, 30, 255]);
    }

    #[test]
    fn what_has_not_changed_is_no_frame() {
        let mut changes = Changes::default();
        let mut bytes = picture();
        let is_new = |changes: &mut Changes, bytes: &[u8], pitch, size| {
            changes.frame(bytes, pitch, size, Timestamp::ZERO).unwrap().is_some()
        };
        assert!(is_new(&mut changes, &bytes, 20, SIZE));
        assert!(!is_new(&mut changes, &bytes, 20, SIZE));
        bytes[ROW] ^= 1;
        assert!(!is_new(&mut changes, &bytes, 20, SIZE), "between the rows");
        bytes[20] ^= 1;
        assert!(is_new(&mut changes, &bytes, 20, SIZE), "a pixel of the last row");
        changes.forget();
        assert!(is_new(&mut changes, &bytes, 20, SIZE), "it was away");
        // as many bytes in another shape, all alike
        assert!(is_new(&mut changes, &[7; 24], 12, SIZE));
        assert!(is_new(&mut changes, &[7; 24], 8, Size::new(2, 3)));
    }

    #[test]
    fn memory_that_is_too_short_is_no_picture() {
        let bytes = picture();
        let mut changes = Changes::default();
        for (len, pitch, size) in [
            (bytes.len() - 1, 20, SIZE),
            (0, 20, SIZE),
            (bytes.len(), ROW - 1, SIZE),
            (bytes.len(), 0, Size::new(0, 0)),
            (bytes.len(), usize::MAX, SIZE),
        ] {
            let made = changes.frame(&bytes[..len], pitch, size, Timestamp::ZERO).unwrap();
            assert!(made.is_none(), "{len} {pitch} {size}");
        }
    }
}

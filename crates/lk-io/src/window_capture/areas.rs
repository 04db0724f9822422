// SPDX-License-Identifier: GPL-2.0-or-later
//! Where windows and screens lie on a desktop: in pixels of its own, which go below zero where a screen stands left of
//! the first or above it.

use super::Region;
use lk_media::Size;

/// A part of the desktop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub x: i32,
    pub y: i32,
    pub size: Size,
}

/// Pixels from `from` to `to`, none if that is behind it.
fn length(from: i32, to: i32) -> u32 {
    (i64::from(to) - i64::from(from)).clamp(0, i64::from(u32::MAX)) as u32
}

impl Area {
    /// From its edges; the right and the lower one lie outside.
    pub fn between(left: i32, top: i32, right: i32, bottom: i32) -> Self {
        Self { x: left, y: top, size: Size::new(length(left, right), length(top, bottom)) }
    }

    /// A part of it.
    pub fn part(self, region: Region) -> Self {
        let add = |at: i32, more: u32| at.saturating_add_unsigned(more);
        Self { x: add(self.x, region.x), y: add(self.y, region.y), size: region.size }
    }

    /// Where `other` lies in it, cut off where it ends; None if nothing of it does.
    pub fn shown(self, other: Self) -> Option<Region> {
        let span = |at: i32, side: u32, other: i32, length: u32| {
            let start = i64::from(other) - i64::from(at);
            let end = (start + i64::from(length)).min(i64::from(side));
            let first = start.max(0);
            let span = u32::try_from(end - first).ok().filter(|length| *length > 0)?;
            Some((u32::try_from(first).ok()?, span))
        };
        let (x, width) = span(self.x, self.size.width, other.x, other.size.width)?;
        let (y, height) = span(self.y, self.size.height, other.y, other.size.height)?;
        Some(Region { x, y, size: Size::new(width, height) })
    }
}

/// The first of the screens that has all of `part`, and where in it that lies.
pub(super) fn screen_with(screens: &[Area], part: Area) -> Option<(usize, Region)> {
    let whole = |screen: &Area| screen.shown(part).filter(|region| region.size == part.size);
    screens.iter().enumerate().find_map(|(index, screen)| Some((index, whole(screen)?)))
}

/// The size that pictures are to have from now on, if `content` does not have the one they have.
pub(super) fn resized(pictures: Size, content: (i32, i32)) -> Option<Size> {
    let (width, height) = (u32::try_from(content.0).ok()?, u32::try_from(content.1).ok()?);
    Size::checked(width, height).ok().filter(|size| *size != pictures)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(x: u32, y: u32, width: u32, height: u32) -> Region {
        Region { x, y, size: Size::new(width, height) }
    }

    #[test]
    fn the_inside_of_a_window_is_what_its_picture_shows_of_it() {
        let frame = Area::between(-50, 20, 750, 620);
        assert_eq!(frame.size, Size::new(800, 600));
        assert_eq!(frame.shown(Area::between(-42, 50, 742, 612)), Some(region(8, 30, 784, 562)));
        assert_eq!(frame.shown(frame), Some(region(0, 0, 800, 600)));
        // wider than what is there to see, or elsewhere
        assert_eq!(frame.shown(Area::between(-60, 600, 900, 700)), Some(region(0, 580, 800, 20)));
        assert_eq!(frame.shown(Area::between(750, 20, 760, 30)), None);
        assert_eq!(frame.shown(Area::between(0, 30, 0, 40)), None);
        let far = Area::between(i32::MIN, i32::MIN, i32::MAX, i32::MAX);
        assert_eq!(far.size, Size::new(u32::MAX, u32::MAX));
        assert_eq!(Area::between(5, 5, 1, 1).size, Size::new(0, 0));
    }

    #[test]
    fn a_part_of_the_desktop_is_on_one_screen_or_on_none() {
        let screens = [Area::between(0, 0, 1920, 1080), Area::between(-1280, 56, 0, 1080)];
        let desktop = Area::between(-1280, 0, 1920, 1080);
        let found = |part| screen_with(&screens, desktop.part(part));
        assert_eq!(found(region(1280, 0, 1920, 1080)), Some((0, region(0, 0, 1920, 1080))));
        assert_eq!(found(region(100, 156, 200, 100)), Some((1, region(100, 100, 200, 100))));
        assert_eq!(found(region(1200, 100, 200, 100)), None, "over both");
        assert_eq!(found(region(0, 0, 200, 100)), None, "partly over neither");
        assert_eq!(found(region(0, 0, 3200, 1080)), None);
        assert_eq!(screen_with(&[], desktop), None);
    }

    #[test]
    fn pictures_are_made_anew_for_another_size_that_can_be_one() {
        let now = Size::new(800, 600);
        assert_eq!(resized(now, (800, 600)), None);
        assert_eq!(resized(now, (801, 600)), Some(Size::new(801, 600)));
        for nothing in [(0, 600), (800, -1), (i32::MAX, i32::MAX)] {
            assert_eq!(resized(now, nothing), None, "{nothing:?}");
        }
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! What a frame shows, and where two frames differ: a frame used again is drawn only where it has to change.

use super::additive;
use super::geometry::{Area, GeometryKey};
use super::plan::LayerPlan;
use crate::scene::{Blend, Color};
use lk_media::{FrameId, Size};
use smallvec::SmallVec;
use std::ops::Range;
use std::sync::Arc;

/// Everything the bytes of an output depend on but its spec. Input pictures are remembered by identity alone, so
/// that none is held back from its pool.
#[derive(Debug, PartialEq)]
pub(super) struct Shown {
    pub size: Size,
    pub background: Color,
    /// From the lowest.
    pub layers: Vec<ShownLayer>,
    /// How far a change spreads through layers that read around each sample.
    pub halo: usize,
}

/// Everything the samples of a layer depend on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ShownLayer {
    pub frame: FrameId,
    pub geometry: GeometryKey,
    /// The pixels it may touch.
    pub visible: Area,
    pub opacity: u64,
    pub blend: Blend,
    pub additive_yuv: bool,
}

/// What frames of the last jobs show. What nobody refers to any more is filled anew.
#[derive(Default)]
pub(super) struct Showns(Vec<Arc<Shown>>);

impl Showns {
    /// What `layers`, the lowest first, show.
    pub fn get(&mut self, size: Size, background: Color, layers: &[LayerPlan]) -> Arc<Shown> {
        let idle = self.0.iter().position(|s| Arc::strong_count(s) == 1).map(|at| self.0.swap_remove(at));
        let mut shown = idle.unwrap_or_else(|| {
            Arc::new(Shown { size, background, layers: Vec::with_capacity(layers.len()), halo: 0 })
        });
        if let Some(shown) = Arc::get_mut(&mut shown) {
            shown.renew(size, background, layers);
        }
        self.0.push(shown.clone());
        shown
    }
}

impl Shown {
    fn renew(&mut self, size: Size, background: Color, layers: &[LayerPlan]) {
        let shown = |l: &LayerPlan| ShownLayer {
            frame: l.frame,
            geometry: l.geometry.key(),
            visible: l.geometry.visible.clone(),
            opacity: l.opacity.to_bits(),
            blend: l.blend,
            additive_yuv: l.additive_yuv,
        };
        (self.size, self.background) = (size, background);
        self.halo = layers.iter().filter(|l| l.additive_yuv).count() * additive::REACH;
        self.layers.clear();
        self.layers.extend(layers.iter().map(shown));
    }

    /// The pixels in which a frame that shows this may differ from one that shows `new`; None: anywhere.
    pub fn damage(&self, new: &Self) -> Option<Areas> {
        if (self.size, self.background) != (new.size, new.background) {
            return None;
        }
        let halo = self.halo.max(new.halo);
        let mut areas = Areas::new();
        let mut add = |layer: &ShownLayer| add_area(&mut areas, grown(&layer.visible, halo, new.size));
        // Any layers of both in one order will do: where no other layer lies the picture is the same.
        let (old, new) = (&self.layers, &new.layers);
        let mut next = 0;
        for layer in old {
            match new[next..].iter().position(|l| l == layer) {
                Some(skipped) => {
                    new[next..next + skipped].iter().for_each(&mut add);
                    next += skipped + 1;
                }
                None => add(layer),
            }
        }
        new[next..].iter().for_each(&mut add);
        Some(areas)
    }

    /// How many layers from the lowest on, and the background, are the same.
    pub fn common_bottom(&self, other: &Self) -> usize {
        if (self.size, self.background) != (other.size, other.background) {
            return 0;
        }
        self.layers.iter().zip(&other.layers).take_while(|(a, b)| a == b).count()
    }
}

/// Areas beyond which damage is not told apart any finer: comparing them must stay cheaper than drawing.
const MOST_AREAS: usize = 16;

/// Areas that differ.
pub(super) type Areas = SmallVec<[Area; MOST_AREAS]>;

/// Adds an area to some; what is too much for a list joins its last one.
pub(super) fn add_area(areas: &mut Areas, area: Area) {
    if areas.contains(&area) {
        return;
    }
    let full = areas.len() >= MOST_AREAS;
    match areas.last_mut() {
        Some(last) if full => {
            let both = |a: &Range<usize>, b: &Range<usize>| a.start.min(b.start)..a.end.max(b.end);
            *last = Area { x: both(&last.x, &area.x), y: both(&last.y, &area.y) };
        }
        _ => areas.push(area),
    }
}

/// `area` with whole chroma samples, and the rows and columns that a change in it spreads to.
fn grown(area: &Area, halo: usize, canvas: Size) -> Area {
    let (width, height) = (canvas.width as usize, canvas.height as usize);
    let even = |start: usize, end: usize, len: usize| {
        start.saturating_sub(halo) & !1..(end + halo).next_multiple_of(2).min(len)
    };
    // a canvas that is read around each sample is drawn in whole rows
    let x = if halo > 0 { 0..width } else { even(area.x.start, area.x.end, width) };
    Area { x, y: even(area.y.start, area.y.end, height) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Layer, Placement, SourceId};
    use lk_media::{Frame, FrameSpec, PixelFormat, Timestamp};

    const CANVAS: Size = Size::new(64, 48);

    fn layer(frame: &Frame, x: f64, y: f64) -> ShownLayer {
        let layer = Layer { placement: Placement::moved(x, y), ..Layer::new(SourceId::unique()) };
        let geometry = super::super::geometry::Geometry::resolve(&layer, CANVAS, frame.size()).unwrap();
        ShownLayer {
            frame: frame.id(),
            geometry: geometry.key(),
            visible: geometry.visible,
            opacity: 1f64.to_bits(),
            blend: Blend::Normal,
            additive_yuv: false,
        }
    }

    fn shown(layers: &[&ShownLayer]) -> Shown {
        let layers = layers.iter().map(|l| (*l).clone()).collect();
        Shown { size: CANVAS, background: Color::BLACK, layers, halo: 0 }
    }

    fn frame() -> Frame {
        let spec = FrameSpec::of(PixelFormat::Bgr, Size::new(3, 3));
        Frame::from_packed(spec, &[0; 27], Timestamp::ZERO).unwrap()
    }

    #[test]
    fn only_layers_that_differ_are_damage() {
        let [f, g] = [frame(), frame()];
        let (a, b, c) = (layer(&f, 1.0, 1.0), layer(&g, 10.0, 10.0), layer(&f, 61.0, 44.0));
        let area = |l: &ShownLayer| grown(&l.visible, 0, CANVAS);
        assert_eq!(area(&a), Area { x: 0..4, y: 0..4 });
        assert_eq!(area(&c), Area { x: 60..64, y: 44..48 });
        let damage = |old: &[&ShownLayer], new: &[&ShownLayer]| shown(old).damage(&shown(new)).unwrap();
        assert!(damage(&[&a, &b], &[&a, &b]).is_empty());
        assert_eq!(damage(&[&a, &b], &[&a, &c])[..], [area(&b), area(&c)]);
        assert_eq!(damage(&[&a], &[&b, &a, &c])[..], [area(&b), area(&c)]);
        assert_eq!(damage(&[&b, &a, &c], &[&a])[..], [area(&b), area(&c)]);
        assert_eq!(damage(&[&a, &b], &[&b, &a]).len(), 1, "another order");
        let many: Vec<ShownLayer> =
            (0..200).map(|i| layer(&f, f64::from(i % 60), f64::from(i % 45))).collect();
        let areas = damage(&[], &many.iter().collect::<Vec<_>>());
        assert!(areas.len() <= MOST_AREAS);
        assert!(many.iter().all(|l| areas.iter().any(|a| a.common(&l.visible) == l.visible)));
        let other = Shown { background: Color::rgb(1, 0, 0), ..shown(&[]) };
        assert_eq!(shown(&[]).damage(&other), None);
    }
}

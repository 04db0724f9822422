// SPDX-License-Identifier: GPL-2.0-or-later
//! What the layers of a scene show in a frame. Each source is asked once, and each layer decides for itself what to
//! make of the answer.

use lk_compositor::{Layer, Sampled, Scene, SourceId};
use lk_media::{Frame, Result};

/// What a source has for a frame.
#[derive(Clone, Default)]
pub(crate) struct Given {
    /// Its picture; None when it has nothing to show.
    pub frame: Option<Frame>,
    /// Whether that is what it showed before it was lost.
    pub lost: bool,
}

impl Given {
    /// `frame`, of a source that is not lost.
    pub(crate) fn of(frame: Option<Frame>) -> Self {
        Self { frame, lost: false }
    }
}

/// What sources have for one frame, each asked once.
#[derive(Default)]
pub(crate) struct Asked(Vec<(SourceId, Given)>);

impl Asked {
    /// What a source has; `ask` finds out.
    pub(crate) fn once(&mut self, id: SourceId, ask: impl FnOnce() -> Result<Given>) -> Result<Given> {
        if let Some((_, given)) = self.0.iter().find(|(known, _)| *known == id) {
            return Ok(given.clone());
        }
        let given = ask()?;
        self.0.push((id, given.clone()));
        Ok(given)
    }
}

/// What each layer that can be seen shows: its source's picture; while there is none, or the source is lost, its
/// fallback's; and the last picture of a source that is lost if there is nothing instead. `give` is asked what a
/// source has for a layer.
pub(crate) fn shown(
    scene: &Scene,
    mut give: impl FnMut(&Layer, SourceId) -> Result<Given>,
) -> Result<Vec<Sampled>> {
    let layers = scene.layers.values().filter(|l| l.visible && l.opacity > 0.0);
    let mut sampled = Vec::with_capacity(scene.layers.len());
    for layer in layers {
        let own = give(layer, layer.source)?;
        let frame = match layer.fallback {
            Some(fallback) if own.lost || own.frame.is_none() => give(layer, fallback)?.frame.or(own.frame),
            _ => own.frame,
        };
        sampled.push(Sampled { layer: layer.id, frame });
    }
    Ok(sampled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lk_media::{FrameSpec, PixelFormat, Size, Timestamp};

    fn frame() -> Frame {
        let spec = FrameSpec::of(PixelFormat::Rgb, Size::new(1, 1));
        Frame::from_packed(spec, &[0; 3], Timestamp::ZERO).unwrap()
    }

    #[test]
    fn every_layer_decides_for_itself() {
        let (source, fallback) = (SourceId::unique(), SourceId::unique());
        let (own, instead) = (frame(), frame());
        // what a layer without a fallback and one with a fallback show
        let cases = [
            ((true, false), (true, false), [Some(&own), Some(&own)]),
            ((true, true), (true, false), [Some(&own), Some(&instead)]),
            ((true, true), (true, true), [Some(&own), Some(&instead)]),
            ((true, true), (false, false), [Some(&own), Some(&own)]),
            ((false, true), (true, false), [None, Some(&instead)]),
            ((false, false), (true, false), [None, Some(&instead)]),
            ((false, false), (false, false), [None, None]),
        ];
        for (of_source, of_fallback, expected) in cases {
            for order in [[0, 1, 0], [1, 0, 1]] {
                let mut scene = Scene::new(Size::new(1, 1)).unwrap();
                for kind in order {
                    let fallback = (kind == 1).then_some(fallback);
                    scene.layers.insert(scene.top_slot(), Layer { fallback, ..Layer::new(source) });
                }
                let mut asked = Asked::default();
                let mut asks = Vec::new();
                let shows = shown(&scene, |_, id| {
                    asked.once(id, || {
                        asks.push(id);
                        let (has, frame) =
                            if id == source { (of_source, &own) } else { (of_fallback, &instead) };
                        Ok(Given { frame: has.0.then(|| frame.clone()), lost: has.1 })
                    })
                });
                let shows: Vec<_> = shows.unwrap().iter().map(|s| s.frame.as_ref().map(Frame::id)).collect();
                let expected = order.map(|kind| expected[kind].map(Frame::id));
                assert_eq!(shows, expected, "{of_source:?} {of_fallback:?} {order:?}");
                asks.sort_unstable();
                assert!(asks.windows(2).all(|pair| pair[0] != pair[1]), "asked once each: {asks:?}");
            }
        }
    }
}

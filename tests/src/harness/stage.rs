// SPDX-License-Identifier: GPL-2.0-or-later
//! Scenes for tests, written shortly and printed readably.

use super::{Picture, assert_close};
use crate::reference;
use lk_compositor::render::OutputRequest;
use lk_compositor::{
    Blend, Color, CpuRenderer, Layer, Placed, RenderJob, Renderer, Sampled, Scene, SourceId,
};
use lk_media::{Frame, FrameSpec, PixelFormat, Result, Size, Timestamp};
use std::fmt;

/// A scene and the pictures its sources give.
#[derive(Clone)]
pub struct Stage {
    /// The scene.
    pub scene: Scene,
    /// The pictures.
    pub pictures: Vec<(SourceId, Picture)>,
}

impl Stage {
    /// An empty scene on opaque black.
    pub fn new(width: u32, height: u32) -> Self {
        let scene = Scene::new(Size::new(width, height)).expect("tests ask for possible sizes");
        Self { scene, pictures: Vec::new() }
    }

    /// The same on another background.
    #[must_use]
    pub fn background(mut self, [r, g, b, a]: [u8; 4]) -> Self {
        self.scene.background = Color { r, g, b, a };
        self
    }

    /// One layer more, on top, showing `picture`; `edit` says how.
    #[must_use]
    pub fn layer(mut self, picture: Picture, edit: impl FnOnce(&mut Layer)) -> Self {
        let source = SourceId::unique();
        let mut layer = Layer::new(source);
        edit(&mut layer);
        self.pictures.push((source, picture));
        self.scene.layers.insert(self.scene.top_slot(), layer);
        self
    }

    /// What the layers show. Layers of one source show one frame.
    pub fn inputs(&self) -> Vec<Sampled> {
        let frames: Vec<_> = self.pictures.iter().map(|(source, p)| (*source, p.frame())).collect();
        let frame =
            |layer: &Layer| Some(frames.iter().find(|(source, _)| *source == layer.source)?.1.clone());
        self.scene.layers.values().map(|l| Sampled { layer: l.id, frame: frame(l) }).collect()
    }

    /// The tolerance that `docs/rendering.md` sets: 1 if every layer is unscaled and unrotated, else 2; and 1
    /// more for every additive layer after the first.
    pub fn tolerance(&self) -> u8 {
        let visible = || self.scene.layers.values().filter(|layer| layer.visible);
        let additive = visible().filter(|layer| layer.blend == Blend::Additive).count();
        let base: usize = if visible().all(|layer| self.is_plain(layer)) { 1 } else { 2 };
        u8::try_from(base + additive.saturating_sub(1)).unwrap_or(u8::MAX)
    }

    /// Whether a layer is unscaled and unrotated, or shows nothing.
    fn is_plain(&self, layer: &Layer) -> bool {
        let picture = self.pictures.iter().find(|(source, _)| *source == layer.source);
        let placed =
            picture.and_then(|(_, p)| layer.placement.resolve(self.scene.size, p.spec.size, layer.crop));
        layer.rotation % 360.0 == 0.0
            && placed.is_none_or(|Placed { source, target }| {
                (source.width, source.height) == (target.width, target.height)
            })
    }

    /// Renders one frame in each of `specs` and compares each with the reference.
    #[track_caller]
    pub fn check(&self, name: &str, specs: &[FrameSpec]) {
        let inputs = self.inputs();
        let mut renderer = CpuRenderer::new(1).expect("a renderer with one thread");
        let frames = render_with(&mut renderer, &self.scene, &inputs, specs).expect("the scene is in order");
        assert_eq!(frames.len(), specs.len(), "{name}: as many frames as were asked for");
        for (frame, spec) in frames.iter().zip(specs) {
            let expected = reference::render(&self.scene, &inputs, *spec);
            assert_close(name, self, frame, &expected, self.tolerance());
        }
    }

    /// [`Stage::check`] in the natural BGRA and I420 of the canvas.
    #[track_caller]
    pub fn check_both_families(&self, name: &str) {
        self.check(name, &[PixelFormat::Bgra, PixelFormat::I420].map(|f| FrameSpec::of(f, self.scene.size)));
    }
}

/// One frame in each of `specs`.
pub fn render_with(
    renderer: &mut CpuRenderer,
    scene: &Scene,
    inputs: &[Sampled],
    specs: &[FrameSpec],
) -> Result<Vec<Frame>> {
    let outputs = specs.iter().map(|spec| OutputRequest { spec: *spec, buffer: None }).collect();
    renderer.submit(RenderJob { index: 7, time: Timestamp::from_nanos(700), scene, inputs, outputs })?;
    let rendered = renderer.poll().expect("a CPU renderer has its job done at once");
    assert_eq!((rendered.index, rendered.time), (7, Timestamp::from_nanos(700)));
    Ok(rendered.frames.into_vec())
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Color { r, g, b, a } = self.scene.background;
        writeln!(f, "canvas {}, background #{r:02x}{g:02x}{b:02x}{a:02x}", self.scene.size)?;
        for (slot, layer) in &self.scene.layers {
            write!(f, "  slot {slot}:")?;
            match self.pictures.iter().find(|(source, _)| *source == layer.source) {
                Some((_, picture)) => write!(f, " {picture}")?,
                None => write!(f, " nothing")?,
            }
            describe(layer, f)?;
        }
        Ok(())
    }
}

fn describe(layer: &Layer, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (p, crop) = (layer.placement, layer.crop);
    if let Some(at) = p.at {
        write!(f, ", at ({}, {})", at.x, at.y)?;
    }
    if p.width.is_some() || p.height.is_some() {
        write!(f, ", size ({:?}, {:?})", p.width, p.height)?;
    }
    if let Some(fit) = p.fit {
        write!(f, ", fit {fit:?}")?;
    }
    if let Some(anchor) = p.anchor {
        write!(f, ", anchor {anchor:?}")?;
    }
    if p.margin != 0.0 {
        write!(f, ", margin {}", p.margin)?;
    }
    if crop != lk_compositor::Crop::default() {
        write!(f, ", crop left {} top {} right {} bottom {}", crop.left, crop.top, crop.right, crop.bottom)?;
    }
    if layer.flip.horizontal || layer.flip.vertical {
        let flips = [(layer.flip.horizontal, " horizontally"), (layer.flip.vertical, " vertically")];
        write!(f, ", flipped")?;
        flips.iter().filter(|(is, _)| *is).try_for_each(|(_, word)| f.write_str(word))?;
    }
    if layer.rotation != 0.0 {
        write!(f, ", rotated by {}", layer.rotation)?;
    }
    if layer.opacity != 1.0 {
        write!(f, ", opacity {}", layer.opacity)?;
    }
    if layer.blend == Blend::Additive {
        write!(f, ", additive")?;
    }
    writeln!(f, "{}", if layer.visible { "" } else { ", invisible" })
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f)?;
        fmt::Display::fmt(self, f)
    }
}

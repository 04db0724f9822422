// SPDX-License-Identifier: GPL-2.0-or-later
//! Random scenes edited at random on one renderer, with frames held back for random times: every output must be, byte
//! for byte, what a renderer without a past makes of the same scene.

use super::CpuRenderer;
use super::tests::{Stage, picture};
use crate::render::{OutputRequest, RenderStatistics};
use crate::scene::{Blend, Color, Crop, Flip, Layer, Placement, SourceId};
use lk_media::frame::{PlaneLayout, PlanesMut};
use lk_media::kernel::portable_only;
use lk_media::{
    AlphaKind, ColorSpace, Frame, FrameId, FrameMut, FramePool, FrameSpec, HostMemory, HostMemoryMut,
    PixelFormat, Size,
};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// A picture of any format, now and then opaque in fact, or as large as the canvas.
fn any_picture(random: &mut Random, canvas: Size) -> Frame {
    let small = Size::new(1 + random.below(70) as u32, 1 + random.below(50) as u32);
    let size = if random.one_in(3) { canvas } else { small };
    let format = random.pick(&PixelFormat::ALL);
    let even = Size::new(size.width.next_multiple_of(2), size.height.next_multiple_of(2));
    let size = if format.is_yuv() && random.one_in(2) { even } else { size };
    let frame = picture(format, size.width, size.height, random.below(1 << 20) as u32);
    let mut spec = frame.spec();
    let mut bytes = frame.map_native().to_packed();
    if format.has_alpha() {
        if random.one_in(3) {
            bytes.chunks_exact_mut(4).for_each(|p| p[3] = 255);
        }
        let premultiplied = random.one_in(4);
        if premultiplied {
            bytes.chunks_exact_mut(4).for_each(|p| p[3] = 255 - p[3] / 8);
            bytes.chunks_exact_mut(4).for_each(|p| (0..3).for_each(|i| p[i] = p[i].min(p[3])));
        }
        let kinds = [AlphaKind::Straight, AlphaKind::Straight, AlphaKind::Opaque];
        spec = spec.with_alpha(if premultiplied { AlphaKind::Premultiplied } else { random.pick(&kinds) });
    } else if random.one_in(3) {
        spec = spec.with_color(random.pick(&[ColorSpace::JPEG, ColorSpace::BT709, ColorSpace::BT601]));
    }
    Frame::from_packed(spec, &bytes, frame.timestamp()).unwrap()
}

fn any_placement(random: &mut Random, canvas: Size) -> Placement {
    let at = |random: &mut Random, len: u32| {
        let at = random.below(len as usize + 30) as f64 - 20.0;
        if random.one_in(3) { at + random.pick(&[0.5, 0.25, 0.9]) } else { at }
    };
    let (x, y) = (at(random, canvas.width), at(random, canvas.height));
    let side = |random: &mut Random| {
        let side = 1.0 + random.below(90) as f64;
        if random.one_in(3) { side + 0.3 } else { side }
    };
    match random.below(8) {
        0 => Placement::STRETCH,
        1 => Placement::moved(0.0, 0.0),
        2..=4 => Placement::moved(x, y),
        _ => Placement::rectangle(x, y, side(random), side(random)),
    }
}

/// Memory that a target lends again and again, with the picture it was last offered.
#[derive(Clone, Default)]
struct Lender(Arc<Mutex<Option<Remembered>>>);

type Remembered = (FrameMut, Option<FrameId>);

/// The memory while it is lent; it goes back when the frame made of it is dropped.
struct Lent(Option<FrameMut>, Option<FrameId>, Lender);

impl Lender {
    fn lend(&self, spec: FrameSpec) -> FrameMut {
        let before = self.0.lock().take().filter(|(memory, _)| memory.spec() == spec);
        let (memory, shows) = before.unwrap_or_else(|| (FramePool::shared().frame(spec).unwrap(), None));
        FrameMut::new(spec, Box::new(Lent(Some(memory), shows, self.clone()))).unwrap()
    }

    /// The memory is back and shows this.
    fn shows(&self, id: FrameId) {
        self.0.lock().as_mut().unwrap().1 = Some(id);
    }
}

impl HostMemory for Lent {
    fn layout(&self, plane: usize) -> PlaneLayout {
        let plane = self.0.as_ref().unwrap().plane(plane);
        PlaneLayout { stride: plane.stride, rows: plane.rows }
    }

    fn plane(&self, plane: usize) -> &[u8] {
        self.0.as_ref().unwrap().plane(plane).data
    }
}

impl HostMemoryMut for Lent {
    fn plane_mut(&mut self, plane: usize) -> &mut [u8] {
        self.0.as_mut().unwrap().plane_mut(plane).data
    }

    fn planes_mut(&mut self) -> PlanesMut<'_> {
        self.0.as_mut().unwrap().planes_mut().into_iter().map(|plane| plane.data).collect()
    }

    fn shows(&self) -> Option<FrameId> {
        self.1
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        *self.2.0.lock() = self.0.take().map(|memory| (memory, None));
    }
}

struct Sequence {
    lender: Lender,
    random: Random,
    stage: Stage,
    renderer: CpuRenderer,
    /// Frames held as encoders and ports hold them.
    held: VecDeque<Frame>,
    additive: bool,
}

impl Sequence {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let canvas = [(96, 64), (130, 48), (64, 90)][random.below(3)];
        let mut renderer = CpuRenderer::new(1 + random.below(2)).unwrap();
        renderer.band_pixels = 1 << (9 + random.below(4));
        let additive = random.one_in(4);
        let stage = Stage::new(canvas.0, canvas.1);
        let lender = Lender::default();
        let mut sequence = Self { lender, random, stage, renderer, held: VecDeque::new(), additive };
        for _ in 0..2 + sequence.random.below(6) {
            sequence.add();
        }
        sequence
    }

    fn add(&mut self) {
        let placement = any_placement(&mut self.random, self.stage.scene.size);
        let frame = any_picture(&mut self.random, self.stage.scene.size);
        self.stage.add(&frame, placement);
    }

    fn any_layer(&mut self) -> Option<&mut Layer> {
        let count = self.stage.scene.layers.len().max(1);
        let at = self.random.below(count);
        self.stage.scene.layers.values_mut().nth(at)
    }

    /// One change, as small as users make them.
    fn edit(&mut self) {
        let canvas = self.stage.scene.size;
        let placement = any_placement(&mut self.random, canvas);
        let frame = any_picture(&mut self.random, self.stage.scene.size);
        let number = self.random.below(1000) as f64 / 1000.0;
        let even = 2.0 * self.random.below(40) as f64;
        let additive = self.additive && self.random.one_in(3);
        let coin = self.random.one_in(2);
        match self.random.below(26) {
            0..=6 if !self.stage.inputs.is_empty() => {
                let at = self.random.below(self.stage.inputs.len());
                self.stage.inputs[at].frame = (!self.random.one_in(8)).then_some(frame);
            }
            7..=9 => self.any_layer().into_iter().for_each(|l| l.placement = placement),
            10 => {
                let moved = Placement::moved(even, even / 2.0);
                self.any_layer().into_iter().for_each(|l| l.placement = moved);
            }
            11..=12 => {
                let opacity = if coin { 1.0 } else { number };
                self.any_layer().into_iter().for_each(|l| l.opacity = opacity);
            }
            13 => self.any_layer().into_iter().for_each(|l| l.visible = !l.visible),
            14 => {
                let rotation = self.random.pick(&[0.0, 90.0, 180.0, 30.0 * number, -270.0]);
                self.any_layer().into_iter().for_each(|l| l.rotation = rotation);
            }
            15 => {
                let flip = Flip { horizontal: coin, vertical: number < 0.5 };
                self.any_layer().into_iter().for_each(|l| l.flip = flip);
            }
            16 => {
                let crop = Crop { left: (number * 4.0) as u32, ..Crop::default() };
                self.any_layer().into_iter().for_each(|l| l.crop = crop);
            }
            17 if self.stage.scene.layers.len() < 9 => self.add(),
            18 => {
                let slot = self.stage.scene.layers.keys().copied().nth(self.random.below(9));
                slot.into_iter().for_each(|slot| drop(self.stage.scene.layers.remove(&slot)));
            }
            19 => {
                // another order
                let sources: Vec<SourceId> = self.stage.scene.layers.values().map(|l| l.source).collect();
                let layers = self.stage.scene.layers.values_mut();
                layers.zip(sources.iter().rev()).for_each(|(layer, source)| layer.source = *source);
            }
            20 => {
                let blend = if additive { Blend::Additive } else { Blend::Normal };
                self.any_layer().into_iter().for_each(|l| l.blend = blend);
            }
            22..=25 => {
                // by whole chroma samples, as pictures that slide move
                let (x, y) = (even % 24.0 - 10.0, 2.0 * (number * 5.0).floor() - 4.0);
                let slide = |l: &mut Layer| {
                    l.placement.at.iter_mut().for_each(|at| (at.x, at.y) = (at.x + x, at.y + y))
                };
                self.any_layer().into_iter().for_each(slide);
            }
            21 if self.random.one_in(4) => {
                let a = if coin { 255 } else { (number * 255.0) as u8 };
                self.stage.scene.background = Color { r: 90, g: 10, b: 200, a };
            }
            _ => {}
        }
    }

    fn any_spec(&mut self, formats: &[PixelFormat]) -> FrameSpec {
        let spec = FrameSpec::of(self.random.pick(formats), self.stage.scene.size);
        match self.random.below(6) {
            0 => spec.with_alpha(AlphaKind::Premultiplied),
            1 => spec.with_alpha(AlphaKind::Opaque),
            2 => spec.with_color(ColorSpace::JPEG),
            _ => spec,
        }
    }

    /// One job on the renderer with a past, compared with one on a renderer without.
    fn step(&mut self, formats: &[PixelFormat], name: &str) {
        if !self.random.one_in(5) {
            self.edit();
        }
        if self.random.one_in(10) {
            self.edit();
        }
        let specs: Vec<FrameSpec> = (0..1 + self.random.below(2)).map(|_| self.any_spec(formats)).collect();
        let lends = self.random.one_in(3);
        let outputs: Vec<OutputRequest> = specs
            .iter()
            .enumerate()
            .map(|(index, spec)| {
                let brings = self.random.one_in(12);
                let buffer = match index {
                    0 if lends => Some(self.lender.lend(*spec)),
                    _ => brings.then(|| FramePool::shared().frame(*spec).unwrap()),
                };
                OutputRequest { spec: *spec, buffer }
            })
            .collect();
        let mut frames = self.stage.render(&mut self.renderer, outputs).unwrap();
        for (frame, spec) in frames.iter().zip(&specs) {
            let mut fresh = CpuRenderer::new(1).unwrap();
            let outputs = vec![OutputRequest { spec: *spec, buffer: None }];
            // kernels for every processor agree, too
            portable_only(self.random.one_in(3));
            let expected = &self.stage.render(&mut fresh, outputs).unwrap()[0];
            portable_only(false);
            self.compare(frame, expected, name);
        }
        if lends {
            let lent = frames.remove(0).id();
            self.lender.shows(lent);
        }
        self.held.extend(frames);
        // what is held must stay what it was: see `compare` of the next use of its memory
        let most = self.random.pick(&[0, 1, 1, 2, 5, 12]);
        while self.held.len() > most {
            self.held.pop_front();
        }
    }

    fn compare(&self, got: &Frame, expected: &Frame, name: &str) {
        if got.map_native().to_packed() == expected.map_native().to_packed() {
            return;
        }
        let (a, b) = (got.map_native(), expected.map_native());
        for plane in 0..got.format().planes() {
            for y in 0..a.plane(plane).rows {
                let differs =
                    a.plane(plane).row(y).iter().zip(b.plane(plane).row(y)).position(|(a, b)| a != b);
                if let Some(x) = differs {
                    panic!(
                        "{name}: {:?} plane {plane}, byte {x} of row {y}: {} for {}\n{:#?}",
                        got.spec(),
                        a.plane(plane).row(y)[x],
                        b.plane(plane).row(y)[x],
                        self.stage.scene.layers
                    );
                }
            }
        }
    }
}

/// `sequences` times `steps` jobs.
fn run(first: u64, sequences: u64, steps: usize) -> RenderStatistics {
    let mut sum = RenderStatistics::default();
    for seed in first..first + sequences {
        let mut sequence = Sequence::new(seed);
        // a few formats at a time, so that frames of the same kind come again
        let formats: Vec<PixelFormat> = (0..2).map(|_| sequence.random.pick(&PixelFormat::ALL)).collect();
        for step in 0..steps {
            sequence.step(&formats, &format!("sequence {seed}, step {step}"));
        }
        let s = sequence.renderer.statistics();
        sum.jobs += s.jobs;
        sum.repeated += s.repeated;
        sum.reclaimed += s.reclaimed;
        sum.pixels += s.pixels;
        sum.drawn += s.drawn;
        sum.kept_layers += s.kept_layers;
    }
    sum
}

#[test]
fn edits_at_random_give_what_a_fresh_renderer_gives() {
    let sum = run(1, 60, 60);
    println!("{sum:?}");
    // the test means something only if memory was used again and not drawn whole
    assert!(sum.reclaimed * 3 > sum.jobs, "{sum:?}");
    assert!(sum.drawn * 10 < sum.pixels * 9, "{sum:?}");
    assert!(sum.repeated * 100 > sum.jobs && sum.kept_layers > sum.jobs, "{sum:?}");
}

#[test]
#[ignore = "minutes; run by `make verify`"]
fn edits_at_random_for_long() {
    let sum = run(10_000, 500, 100);
    println!("VERIFY incremental rendering: {} jobs equal a fresh render byte for byte: {sum:?}", sum.jobs);
}

/// A frame that somebody holds never changes, however many are made after it.
#[test]
fn frames_that_are_held_stay_what_they_were() {
    let mut sequence = Sequence::new(77);
    let spec = FrameSpec::of(PixelFormat::I420, sequence.stage.scene.size);
    let mut held: VecDeque<(Frame, Vec<u8>)> = VecDeque::new();
    for _ in 0..300 {
        sequence.edit();
        let outputs = vec![OutputRequest { spec, buffer: None }];
        let frame = sequence.stage.render(&mut sequence.renderer, outputs).unwrap().remove(0);
        let bytes = frame.map_native().to_packed();
        held.push_back((frame, bytes));
        for (frame, bytes) in &held {
            assert!(frame.map_native().to_packed() == *bytes);
        }
        while held.len() > sequence.random.below(8) {
            let at = sequence.random.below(held.len());
            held.remove(at);
        }
    }
}

/// Memory that is brought again with what was drawn into it is drawn only where that changes.
#[test]
fn memory_that_comes_back_is_not_drawn_anew() {
    let mut stage = Stage::new(640, 360);
    stage.add(&picture(PixelFormat::Bgr, 640, 360, 1), Placement::STRETCH);
    stage.add(&picture(PixelFormat::Rgba, 64, 36, 2), Placement::moved(0.0, 0.0));
    let (lender, mut renderer) = (Lender::default(), CpuRenderer::new(1).unwrap());
    let spec = FrameSpec::of(PixelFormat::Bgra, stage.scene.size);
    let mut drawn = Vec::new();
    for n in 0..6 {
        if n % 2 == 1 {
            let top = *stage.scene.layers.keys().next_back().unwrap();
            stage.scene.layers.get_mut(&top).unwrap().placement = Placement::moved(f64::from(n) * 7.0, 100.0);
        }
        let before = renderer.statistics().drawn;
        let outputs = vec![OutputRequest { spec, buffer: Some(lender.lend(spec)) }];
        let id = stage.render(&mut renderer, outputs).unwrap().remove(0).id();
        lender.shows(id);
        drawn.push(renderer.statistics().drawn - before);
    }
    assert_eq!(drawn[0], 640 * 360);
    assert!(drawn[1..].iter().step_by(2).all(|d| (1..2 * 80 * 40).contains(d)), "{drawn:?}");
    assert!(drawn[2..].iter().step_by(2).all(|d| *d == 0), "{drawn:?}");
}

/// A small moving layer costs about its own pixels, not the canvas'.
#[test]
fn only_what_changes_is_drawn() {
    let mut stage = Stage::new(640, 360);
    stage.add(&picture(PixelFormat::Bgr, 640, 360, 1), Placement::STRETCH);
    for i in 0..12 {
        let at = f64::from(i) * 30.0;
        stage.add(&picture(PixelFormat::Rgba, 100, 60, i), Placement::moved(at, at / 2.0));
    }
    stage.add(&picture(PixelFormat::I420, 64, 36, 99), Placement::moved(0.0, 0.0));
    for format in PixelFormat::ALL {
        let mut renderer = CpuRenderer::new(1).unwrap();
        let spec = FrameSpec::of(format, stage.scene.size);
        let mut before = RenderStatistics::default();
        for n in 0..20 {
            let top = *stage.scene.layers.keys().next_back().unwrap();
            stage.scene.layers.get_mut(&top).unwrap().placement = Placement::moved(f64::from(n) * 7.0, 100.0);
            stage.render(&mut renderer, vec![OutputRequest { spec, buffer: None }]).unwrap();
            let now = renderer.statistics();
            if n >= 2 {
                let drawn = now.drawn - before.drawn;
                assert!(drawn < 2 * 80 * 40, "{format}: {drawn} pixels of frame {n}");
            }
            before = now;
        }
    }
}

/// A picture that slides is converted and scaled once, and shown again in parts; the part outside the canvas is not.
#[test]
fn pictures_that_slide_are_made_once() {
    let mut stage = Stage::new(640, 360);
    stage.add(&picture(PixelFormat::Bgr, 640, 360, 1), Placement::STRETCH);
    stage.add(&picture(PixelFormat::Rgba, 64, 36, 2), Placement::rectangle(0.0, 0.0, 101.0, 55.5));
    let mut renderer = CpuRenderer::new(2).unwrap();
    let spec = FrameSpec::of(PixelFormat::I420, stage.scene.size);
    let mut found = Vec::new();
    for step in -4..8 {
        let before = renderer.statistics().kept_layers;
        let at = stage.scene.layers.values_mut().last().unwrap().placement.at.as_mut().unwrap();
        (at.x, at.y) = (f64::from(step) * 10.0, 7.0 + f64::from(step * 4).abs());
        let request = |_: usize| vec![OutputRequest { spec, buffer: None }];
        let frame = stage.render(&mut renderer, request(0)).unwrap().remove(0);
        let fresh = stage.render(&mut CpuRenderer::new(1).unwrap(), request(1)).unwrap().remove(0);
        assert!(frame.map_native().to_packed() == fresh.map_native().to_packed(), "step {step}");
        found.push(renderer.statistics().kept_layers - before);
    }
    // the background is found from the third step on, the picture from its second whole one
    assert_eq!(found, [0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2]);
}

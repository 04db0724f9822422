// SPDX-License-Identifier: GPL-2.0-or-later
//! A renderer that has seen a few frames of a scene takes no memory from the system any more: every allocation of
//! this program is counted.

use lk_compositor::render::{OutputRequest, Outputs};
use lk_compositor::{CpuRenderer, Layer, Placement, RenderJob, Renderer, Sampled, Scene, SourceId};
use lk_media::{Frame, FrameSpec, PixelFormat, Size, Timestamp};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counts what is allocated while it is told to.
struct Counting;

static COUNTS: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

fn count(bytes: usize) {
    if COUNTS.load(Ordering::Relaxed) {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

#[allow(unsafe_code)]
// SAFETY: everything is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promises are the ones asked for.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, size) }
    }
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Frames in a row that must not allocate.
const FRAMES: u64 = 60;
const CANVAS: Size = Size::new(640, 360);

fn picture(format: PixelFormat, width: u32, height: u32, seed: u32) -> Frame {
    let size = Size::new(width, height);
    let mut state = seed;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    let bytes: Vec<u8> = noise.take(format.packed_len(size)).collect();
    Frame::from_packed(FrameSpec::of(format, size), &bytes, Timestamp::ZERO).expect("a picture")
}

/// A scene like one of the standard ones, at a third of their size.
struct Stage {
    name: &'static str,
    scene: Scene,
    /// The pictures each layer shows in turn.
    shown: Vec<Vec<Frame>>,
    inputs: Vec<Sampled>,
    output: PixelFormat,
    fading: bool,
}

impl Stage {
    fn new(name: &'static str, output: PixelFormat) -> Self {
        let scene = Scene::new(CANVAS).expect("a canvas");
        Self { name, scene, shown: Vec::new(), inputs: Vec::new(), output, fading: false }
    }

    fn add(mut self, frames: Vec<Frame>, placement: Placement) -> Self {
        let layer = Layer { placement, ..Layer::new(SourceId::unique()) };
        self.inputs.push(Sampled { layer: layer.id, frame: None });
        self.scene.layers.insert(self.scene.top_slot(), layer);
        self.shown.push(frames);
        self
    }

    fn still(self, format: PixelFormat, width: u32, height: u32, placement: Placement) -> Self {
        let seed = self.shown.len() as u32;
        self.add(vec![picture(format, width, height, seed)], placement)
    }

    /// Sources give their frames in turn, as from a pool of decoded pictures.
    fn clip(self, width: u32, height: u32, placement: Placement) -> Self {
        self.add((0..3).map(|seed| picture(PixelFormat::I420, width, height, seed)).collect(), placement)
    }

    fn frame(&mut self, renderer: &mut CpuRenderer, index: u64) {
        for (input, shown) in self.inputs.iter_mut().zip(&self.shown) {
            input.frame = Some(shown[index as usize % shown.len()].clone());
        }
        if self.fading {
            for layer in self.scene.layers.values_mut() {
                layer.opacity = 0.5 + (index % 40) as f64 / 100.0;
            }
        }
        let spec = FrameSpec::of(self.output, CANVAS);
        let outputs = Outputs::from_iter([OutputRequest { spec, buffer: None }]);
        let time = Timestamp::from_nanos(index as i64);
        let job = RenderJob { index, time, scene: &self.scene, inputs: &self.inputs, outputs };
        renderer.submit(job).expect("a job");
        assert_eq!(renderer.poll().map(|r| r.frames.len()), Some(1));
    }

    /// Whether there comes a time after which frames allocate nothing: with several threads it may take a while
    /// until each of them has drawn every part once.
    fn settles(mut self, threads: usize) -> bool {
        let mut renderer = CpuRenderer::new(threads).expect("a renderer");
        let mut index = 0;
        for _ in 0..20 {
            let before = (ALLOCATIONS.load(Ordering::Relaxed), BYTES.load(Ordering::Relaxed));
            COUNTS.store(true, Ordering::Relaxed);
            (0..FRAMES).for_each(|n| self.frame(&mut renderer, index + n));
            COUNTS.store(false, Ordering::Relaxed);
            index += FRAMES;
            let found = ALLOCATIONS.load(Ordering::Relaxed) - before.0;
            let bytes = BYTES.load(Ordering::Relaxed) - before.1;
            println!(
                "{}, {threads} threads: {found} allocations, {bytes} bytes in {FRAMES} frames",
                self.name
            );
            if found == 0 {
                return true;
            }
        }
        false
    }
}

fn stages() -> Vec<Stage> {
    use PixelFormat::{Bgr, Bgra, I420};
    let whole = || Placement::moved(0.0, 0.0);
    let at = |x: f64, y: f64| Placement::moved(x, y);
    let quarter =
        |i: u32| Placement::rectangle(f64::from(i % 2) * 320.0, f64::from(i / 2) * 180.0, 320.0, 180.0);
    let fading = |stage: Stage| {
        let stage = (0..8).fold(stage.still(Bgr, 640, 360, whole()), |s, i| {
            s.still(Bgra, 200, 120, at(f64::from(i) * 30.0, f64::from(i) * 16.0))
        });
        Stage { fading: true, ..stage }
    };
    vec![
        Stage::new("s1", I420).still(Bgr, 640, 360, whole()).clip(320, 180, at(32.0, 32.0)),
        (0..4).fold(Stage::new("s2", I420), |s, i| s.clip(640, 360, quarter(i))),
        fading(Stage::new("s3b", I420)),
        fading(Stage::new("s3b BGRA", Bgra)),
        Stage::new("s4r", I420)
            .still(Bgr, 640, 360, whole())
            .clip(640, 360, whole())
            .clip(400, 200, Placement::rectangle(466.0, 20.0, 160.0, 90.0))
            .still(Bgra, 100, 60, at(20.0, 20.0))
            .still(Bgra, 600, 54, at(20.0, 290.0)),
    ]
}

#[test]
fn frames_do_not_allocate() {
    for threads in [1, 2] {
        for stage in stages() {
            let name = stage.name;
            assert!(stage.settles(threads), "{name} goes on allocating with {threads} threads");
        }
    }
}

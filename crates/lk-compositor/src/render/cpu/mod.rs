// SPDX-License-Identifier: GPL-2.0-or-later
//! The renderer for every machine. A job is planned once for each family of truth its outputs need ([`plan`]),
//! compared with what the memory at hand shows already ([`damage`], [`recycle`]), cut into tiles ([`tiles`]) and
//! drawn tile by tile by all threads ([`pool`], [`draw`]): layers are read ([`source`]), resampled ([`resample`],
//! [`rotate`]), blended onto a piece of canvas ([`canvas`], [`coverage`], [`blend`], [`additive`]) and written to
//! every output ([`output`]). Layers that stand still are kept finished ([`cache`], [`flat`]); while nothing
//! changes at all the same frames are handed out again ([`last`]). Tiles are the same for any number of threads,
//! and the picture is the same for any tiles.

mod additive;
mod blend;
mod cache;
mod canvas;
mod coverage;
mod cull;
mod damage;
mod draw;
mod flat;
mod geometry;
#[cfg(test)]
mod incremental;
mod kernels16;
mod last;
mod output;
mod picks;
mod plan;
mod pool;
mod recycle;
mod resample;
mod resample16;
mod rgb16;
mod rotate;
mod rows;
mod scratch;
mod simd;
mod source;
#[cfg(test)]
mod tests;
mod tiles;
#[cfg(test)]
mod timing;
mod weights;
mod wide;
mod yuv16;

use super::{Frames, Outputs, RenderJob, RenderStatistics, Rendered, Renderer};
use crate::scene::Layer;
use cache::{Cache, Key};
use canvas::Family;
use damage::{Areas, Shown, Showns};
use draw::{Drawing, Target};
use flat::Flats;
use last::Last;
use lk_media::clock::thread_cpu_time;
use lk_media::{AlphaKind, Error, Frame, FrameMut, FrameSpec, Result, Size};
use plan::{LayerPlan, Shapes};
use pool::Pool;
use recycle::Recycler;
use smallvec::{SmallVec, smallvec};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use tiles::{BAND_PIXELS, Bands, Cutter, Shape};

/// Bytes of finished layer pictures that are kept.
const CACHE_LIMIT: usize = 256 << 20;
/// Fewer bands of pixels are as soon drawn as another thread is woken.
const THREAD_BANDS: usize = 2;
/// So many pixels that are only copied take as long as one that is drawn, and memory gives two threads hardly more of them.
const COPIES: usize = 8;
/// So many bands leave no thread waiting for the last one for long.
const BANDS_PER_THREAD: usize = 8;
/// More than this only take memory.
const MAX_THREADS: usize = 256;

/// The frame made for each request.
type Made = SmallVec<[Option<Frame>; 4]>;

/// Renders on the CPU.
pub struct CpuRenderer {
    pool: Pool,
    cache: Cache,
    shapes: Shapes,
    flats: Flats,
    recycler: Recycler,
    finished: VecDeque<Rendered>,
    last: Option<Last>,
    statistics: RenderStatistics,
    // what follows keeps its memory from job to job
    shown: Showns,
    cutter: Cutter,
    outlines: Vec<Shape>,
    /// Frames to be drawn in this job.
    waiting: Vec<Target<FrameMut>>,
    /// What is drawn, between jobs.
    idle: Option<Arc<Drawing>>,
    /// Pixels of the canvases of the last job.
    pixels: u64,
    band_pixels: usize,
}

impl CpuRenderer {
    /// A renderer with `threads` threads, the calling one included; more than 256 are not made.
    pub fn new(threads: usize) -> Result<Self> {
        Ok(Self {
            pool: Pool::new(threads.min(MAX_THREADS))?,
            cache: Cache::new(CACHE_LIMIT),
            shapes: Shapes::default(),
            flats: Flats::default(),
            recycler: Recycler::default(),
            finished: VecDeque::new(),
            last: None,
            statistics: RenderStatistics::default(),
            shown: Showns::default(),
            cutter: Cutter::default(),
            outlines: Vec::new(),
            waiting: Vec::new(),
            idle: None,
            pixels: 0,
            band_pixels: BAND_PIXELS,
        })
    }

    /// What was done so far, and how much of it could be left out.
    pub fn statistics(&self) -> RenderStatistics {
        RenderStatistics {
            pool_cpu: self.pool.cpu(),
            kept_layers: self.cache.hits,
            kept_bytes: self.cache.bytes() + self.flats.bytes(),
            ..self.statistics
        }
    }

    /// Draws the canvas of a family and writes it to the frames waiting that are of it.
    fn draw(&mut self, job: &RenderJob<'_>, family: Family, alpha: bool, frames: &mut Made) -> Result<()> {
        let scene = job.scene;
        let mut drawing = self.idle.take().unwrap_or_default();
        let d = Arc::get_mut(&mut drawing).ok_or_else(still_held)?;
        (d.family, d.background) = (family, scene.background);
        d.targets.extend(
            self.waiting.extract_if(.., |t| Family::of(&t.frame.spec(), alpha) == family).map(Target::shared),
        );
        for layer in scene.layers.values().filter(|l| l.visible) {
            let Some(frame) = frame_of(layer, job) else { continue };
            self.statistics.layers += 1;
            self.statistics.culled += 1;
            d.layers.extend(LayerPlan::new(layer, frame, family, scene.size, &mut self.shapes));
        }
        cull::leave_out_hidden(&mut d.layers);
        self.statistics.culled -= d.layers.len() as u64;
        let shown = self.shown.get(scene.size, scene.background, &d.layers);
        let halo = shown.halo;
        d.bands = Bands::new(scene.size, self.pixels_of_bands(scene.size), halo);
        for plan in d.layers.iter_mut().filter(|plan| !plan.is_in_place()) {
            let (frame, bytes) = (plan.frame, plan.bytes());
            let (additive_yuv, rough) = (plan.additive_yuv, plan.rough);
            let key = |geometry, bands| Key { frame, family, additive_yuv, rough, geometry, bands };
            let still = key(plan.geometry.key(), (d.bands.rows, halo));
            let moving = plan.geometry.key_anywhere(scene.size).map(|geometry| key(geometry, (0, 0)));
            plan.kept = self.cache.entry(still, moving, bytes, d.bands.count());
        }
        d.flat = self.flats.get(family, &shown, d.bands.count());
        d.next = AtomicUsize::new(0);
        self.outlines.clear();
        self.outlines.extend(d.layers.iter().map(LayerPlan::shape));
        let damage = damage_of(&d.targets, &shown);
        self.cutter.cut(&d.bands, &self.outlines, damage.as_deref(), &mut d.tiles);
        self.statistics.pixels += u64::from(scene.size.width) * u64::from(scene.size.height);
        self.statistics.written += d.targets.len() as u64;
        let pixels: usize = d.tiles.iter().map(|t| t.area.pixels()).sum();
        self.statistics.drawn += pixels as u64;
        let work: usize =
            d.tiles.iter().map(|t| t.area.pixels() / if d.copies(t) { COPIES } else { 1 }).sum();
        self.pool.run(drawing.clone(), 1 + work / (THREAD_BANDS * self.band_pixels))?;
        let d = Arc::get_mut(&mut drawing).ok_or_else(still_held)?;
        for target in d.targets.drain(..) {
            let frame = target.frame.into_inner().publish(job.time);
            if target.brought {
                self.recycler.remember(&frame, &shown);
            } else {
                self.recycler.keep(&frame, &shown);
            }
            for request in target.requests {
                frames[request] = Some(frame.clone());
            }
        }
        // no picture of a source is held back
        d.layers.clear();
        d.flat = None;
        self.idle = Some(drawing);
        Ok(())
    }

    /// Pixels of a band: each begins by waiting for memory, so there are no more of them than threads find work in.
    fn pixels_of_bands(&self, canvas: Size) -> usize {
        let pixels = canvas.width as usize * canvas.height as usize;
        (pixels / (BANDS_PER_THREAD * self.pool.threads())).clamp(self.band_pixels, 2 * self.band_pixels)
    }

    /// Has memory for every request wait to be drawn; requests without memory of their own share by spec.
    fn prepare(&mut self, requests: Outputs, canvas: Size) -> Result<()> {
        self.waiting.clear();
        for (index, request) in requests.into_iter().enumerate() {
            let spec = request.spec;
            if spec.size != canvas {
                return Err(Error::format(format!("an output of {} on a canvas of {canvas}", spec.size)));
            }
            spec.format.check_even(spec.size)?;
            let same = |t: &&mut Target<FrameMut>| !t.brought && t.frame.spec() == spec;
            let (frame, shown, brought) = match request.buffer {
                Some(frame) if frame.spec() != spec => {
                    let message = "the memory brought for an output is for another kind of picture";
                    return Err(Error::format(message));
                }
                Some(frame) => {
                    let shown = self.recycler.shown_in(&frame);
                    self.statistics.reclaimed += u64::from(shown.is_some());
                    (frame, shown, true)
                }
                None => {
                    if let Some(target) = self.waiting.iter_mut().find(same) {
                        target.requests.push(index);
                        continue;
                    }
                    let (frame, shown) = self.recycler.take(spec)?;
                    self.statistics.reclaimed += u64::from(shown.is_some());
                    (frame, shown, false)
                }
            };
            self.waiting.push(Target { frame, requests: smallvec![index], shown, brought });
        }
        Ok(())
    }

    fn render(&mut self, job: &mut RenderJob<'_>) -> Result<Frames> {
        job.scene.validate()?;
        self.recycler.begin_job();
        self.cache.begin_job();
        self.shapes.begin_job();
        self.flats.begin_job();
        let requests = std::mem::take(&mut job.outputs);
        let mut frames: Made = requests.iter().map(|_| None).collect();
        self.prepare(requests, job.scene.size)?;
        // alpha is kept where the background has some and an output can show it
        let has_alpha = self.waiting.iter().any(|t| keeps_alpha(&t.frame.spec()));
        let alpha = !job.scene.background.is_opaque() && has_alpha;
        while let Some(first) = self.waiting.first() {
            let family = Family::of(&first.frame.spec(), alpha);
            self.draw(job, family, alpha, &mut frames)?;
        }
        Ok(frames.into_iter().flatten().collect())
    }
}

impl Renderer for CpuRenderer {
    fn depth(&self) -> usize {
        0
    }

    fn submit(&mut self, mut job: RenderJob<'_>) -> Result<()> {
        self.statistics.jobs += 1;
        let before = thread_cpu_time();
        let frames = match self.last.as_ref().and_then(|last| last.answer(&job)) {
            Some(frames) => {
                self.statistics.repeated += 1;
                self.statistics.pixels += self.pixels;
                frames
            }
            None => {
                let specs = Last::specs(&job.outputs);
                // what was handed out last may be used again now
                if let Some(last) = &mut self.last {
                    last.forget();
                }
                let before = self.statistics.pixels;
                let frames = self.render(&mut job)?;
                self.pixels = self.statistics.pixels - before;
                match specs {
                    Some(specs) => Last::keep(&mut self.last, &job, specs, &frames),
                    None => self.last = None,
                }
                frames
            }
        };
        self.finished.push_back(Rendered { index: job.index, time: job.time, frames });
        self.statistics.cpu += thread_cpu_time().saturating_sub(before);
        Ok(())
    }

    fn poll(&mut self) -> Option<Rendered> {
        self.finished.pop_front()
    }
}

/// The pixels that at least one of `targets` does not show yet; None: all.
fn damage_of(targets: &[Target], new: &Shown) -> Option<Areas> {
    let mut areas = Areas::new();
    for target in targets {
        for area in target.shown.as_ref()?.damage(new)? {
            damage::add_area(&mut areas, area);
        }
    }
    Some(areas)
}

fn still_held() -> Error {
    Error::internal("a render thread kept its work")
}

fn keeps_alpha(spec: &FrameSpec) -> bool {
    spec.format.has_alpha() && spec.alpha != AlphaKind::Opaque
}

/// What a layer shows.
fn frame_of<'a>(layer: &Layer, job: &'a RenderJob<'_>) -> Option<&'a Frame> {
    job.inputs.iter().find(|i| i.layer == layer.id)?.frame.as_ref()
}

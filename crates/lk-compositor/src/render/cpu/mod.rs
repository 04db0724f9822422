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
mod damage;
mod draw;
mod flat;
mod geometry;
#[cfg(test)]
mod incremental;
mod kernels16;
mod last;
mod output;
mod plan;
mod pool;
mod recycle;
mod resample;
mod resample16;
mod rotate;
mod rows;
mod simd;
mod source;
#[cfg(test)]
mod tests;
mod tiles;
#[cfg(test)]
mod timing;
mod weights;
mod wide;

use super::{OutputRequest, RenderJob, RenderStatistics, Rendered, Renderer};
use crate::scene::Layer;
use cache::{Cache, Key};
use canvas::Family;
use damage::Shown;
use draw::{Drawing, Target};
use flat::Flats;
use geometry::Area;
use last::Last;
use lk_media::{AlphaKind, Error, Frame, FrameSpec, Result, Size};
use parking_lot::Mutex;
use plan::{LayerPlan, Shapes};
use pool::Pool;
use recycle::Recycler;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use tiles::{BAND_PIXELS, Bands};

/// Bytes of finished layer pictures that are kept.
const CACHE_LIMIT: usize = 256 << 20;
/// More than this only take memory.
const MAX_THREADS: usize = 256;

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
            band_pixels: BAND_PIXELS,
        })
    }

    /// What was done so far, and how much of it could be left out.
    pub fn statistics(&self) -> RenderStatistics {
        RenderStatistics { kept_layers: self.cache.hits, ..self.statistics }
    }

    /// Draws the canvas of a family and writes it to `targets`.
    fn draw(
        &mut self,
        job: &RenderJob<'_>,
        family: Family,
        targets: Vec<Target>,
    ) -> Result<(Vec<Target>, Arc<Shown>)> {
        let scene = job.scene;
        let shown = scene.layers.values().filter_map(|layer| Some((layer, frame_of(layer, job)?)));
        let mut layers: Vec<LayerPlan> = shown
            .filter_map(|(layer, frame)| LayerPlan::new(layer, frame, family, scene.size, &mut self.shapes))
            .collect();
        let shown = Arc::new(Shown::new(scene.size, scene.background, &layers));
        let halo = shown.halo;
        let bands = Bands::new(scene.size, self.band_pixels, halo);
        for plan in layers.iter_mut().filter(|plan| !plan.is_in_place()) {
            let (frame, geometry) = (plan.frame, plan.geometry.key());
            let (additive_yuv, rough) = (plan.additive_yuv, plan.rough);
            let key = Key { frame, family, additive_yuv, rough, geometry, bands: (bands.rows, halo) };
            plan.kept = self.cache.entry(key, plan.bytes(), bands.count());
        }
        let flat = self.flats.get(family, &shown, bands.count());
        let shapes: Vec<_> = layers.iter().map(LayerPlan::shape).collect();
        let tiles = tiles::cut(&bands, &shapes, damage_of(&targets, &shown).as_deref());
        self.statistics.pixels += u64::from(scene.size.width) * u64::from(scene.size.height);
        self.statistics.drawn += tiles.iter().map(|t| t.area.pixels() as u64).sum::<u64>();
        let drawing = Arc::new(Drawing {
            family,
            background: scene.background,
            layers,
            bands,
            tiles,
            flat,
            next: AtomicUsize::new(0),
            targets: targets.into_iter().map(Mutex::new).collect(),
        });
        self.pool.run(drawing.clone())?;
        let drawing =
            Arc::into_inner(drawing).ok_or_else(|| Error::internal("a render thread kept its work"))?;
        Ok((drawing.targets.into_iter().map(Mutex::into_inner).collect(), shown))
    }

    /// Memory for every request; requests without memory of their own share by spec.
    fn targets(&mut self, requests: Vec<OutputRequest>, canvas: Size) -> Result<Vec<Target>> {
        let mut targets: Vec<Target> = Vec::new();
        for (index, request) in requests.into_iter().enumerate() {
            let spec = request.spec;
            if spec.size != canvas {
                return Err(Error::format(format!("an output of {} on a canvas of {canvas}", spec.size)));
            }
            spec.format.check_even(spec.size)?;
            match request.buffer {
                Some(frame) if frame.spec() != spec => {
                    let message = "the memory brought for an output is for another kind of picture";
                    return Err(Error::format(message));
                }
                Some(frame) => {
                    let shown = self.recycler.shown_in(&frame);
                    self.statistics.reclaimed += u64::from(shown.is_some());
                    targets.push(Target { frame, requests: vec![index], shown, brought: true });
                }
                None => match targets.iter_mut().find(|t| !t.brought && t.frame.spec() == spec) {
                    Some(target) => target.requests.push(index),
                    None => {
                        let (frame, shown) = self.recycler.take(spec)?;
                        self.statistics.reclaimed += u64::from(shown.is_some());
                        targets.push(Target { frame, requests: vec![index], shown, brought: false });
                    }
                },
            }
        }
        Ok(targets)
    }

    fn render(&mut self, job: &mut RenderJob<'_>) -> Result<Vec<Frame>> {
        job.scene.validate()?;
        self.recycler.begin_job();
        self.cache.begin_job();
        self.shapes.begin_job();
        self.flats.begin_job();
        let requests = std::mem::take(&mut job.outputs);
        let mut frames: Vec<Option<Frame>> = vec![None; requests.len()];
        let mut waiting = self.targets(requests, job.scene.size)?;
        // alpha is kept where the background has some and an output can show it
        let alpha = !job.scene.background.is_opaque() && waiting.iter().any(|t| keeps_alpha(&t.frame.spec()));
        while let Some(first) = waiting.first() {
            let family = Family::of(&first.frame.spec(), alpha);
            let (own, others) =
                waiting.into_iter().partition(|t| Family::of(&t.frame.spec(), alpha) == family);
            waiting = others;
            let (targets, shown) = self.draw(job, family, own)?;
            for target in targets {
                let frame = target.frame.publish(job.time);
                if target.brought {
                    self.recycler.remember(&frame, &shown);
                } else {
                    self.recycler.keep(&frame, &shown);
                }
                for request in target.requests {
                    frames[request] = Some(frame.clone());
                }
            }
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
        let frames = match self.last.as_ref().and_then(|last| last.answer(&job)) {
            Some(frames) => {
                self.statistics.repeated += 1;
                frames
            }
            None => {
                let specs = Last::specs(&job.outputs);
                // what was handed out last may be used again now
                if let Some(last) = &mut self.last {
                    last.forget();
                }
                let frames = self.render(&mut job)?;
                match specs {
                    Some(specs) => Last::keep(&mut self.last, &job, specs, &frames),
                    None => self.last = None,
                }
                frames
            }
        };
        self.finished.push_back(Rendered { index: job.index, time: job.time, frames });
        Ok(())
    }

    fn poll(&mut self) -> Option<Rendered> {
        self.finished.pop_front()
    }
}

/// The pixels that at least one of `targets` does not show yet; None: all.
fn damage_of(targets: &[Target], new: &Shown) -> Option<Vec<Area>> {
    let mut areas = Vec::new();
    for target in targets {
        for area in target.shown.as_ref()?.damage(new)? {
            damage::add_area(&mut areas, area);
        }
    }
    Some(areas)
}

fn keeps_alpha(spec: &FrameSpec) -> bool {
    spec.format.has_alpha() && spec.alpha != AlphaKind::Opaque
}

/// What a layer shows: its source's frame, else its fallback's.
fn frame_of<'a>(layer: &Layer, job: &'a RenderJob<'_>) -> Option<&'a Frame> {
    let of = |source| job.inputs.iter().filter(|i| i.source == source).find_map(|i| i.frame.as_ref());
    of(layer.source).or_else(|| of(layer.fallback?))
}

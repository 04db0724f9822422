// SPDX-License-Identifier: GPL-2.0-or-later
//! The renderer for every machine. A job is planned once for each family of truth its outputs need ([`plan`]),
//! then drawn band by band by all threads ([`pool`]): layers are read ([`source`]), resampled ([`resample`],
//! [`rotate`]), blended onto a few rows of canvas ([`canvas`], [`coverage`], [`blend`], [`additive`]) and the
//! rows written to every output ([`output`]). While nothing changes the same frames are handed out again
//! ([`last`]). Bands are the same for any number of threads, and so is the
//! picture.

mod additive;
mod blend;
mod cache;
mod canvas;
mod coverage;
mod geometry;
mod last;
mod output;
mod plan;
mod pool;
mod resample;
mod rotate;
mod rows;
mod source;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod timing;
mod weights;

use super::{OutputRequest, RenderJob, Rendered, Renderer};
use crate::scene::{Color, Layer, Scene};
use cache::{Cache, Key};
use canvas::{Canvas, Family};
use coverage::RowWeights;
use last::Last;
use lk_media::{AlphaKind, Error, Frame, FrameMut, FramePool, FrameSpec, Result, Size};
use parking_lot::Mutex;
use plan::LayerPlan;
use pool::{Pool, Task};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of finished layer pictures that are kept.
const CACHE_LIMIT: usize = 256 << 20;
/// More than this only take memory.
const MAX_THREADS: usize = 256;
/// Pixels of a band: what a few planes of it take stays in a core's own cache.
const BAND_PIXELS: usize = 1 << 16;

/// Renders on the CPU.
pub struct CpuRenderer {
    pool: Pool,
    cache: Cache,
    finished: VecDeque<Rendered>,
    last: Option<Last>,
    band_pixels: usize,
}

impl CpuRenderer {
    /// A renderer with `threads` threads, the calling one included; more than 256 are not made.
    pub fn new(threads: usize) -> Result<Self> {
        Ok(Self {
            pool: Pool::new(threads.min(MAX_THREADS))?,
            cache: Cache::new(CACHE_LIMIT),
            finished: VecDeque::new(),
            last: None,
            band_pixels: BAND_PIXELS,
        })
    }

    /// Draws the canvas of a family and writes it to `targets`.
    fn draw(&mut self, job: &RenderJob<'_>, family: Family, targets: Vec<Target>) -> Result<Vec<Target>> {
        let scene = job.scene;
        let shown: Vec<(&Layer, &Frame)> =
            scene.layers.values().filter_map(|layer| Some((layer, frame_of(layer, job)?))).collect();
        let mut layers = Vec::with_capacity(shown.len());
        for (layer, frame) in shown {
            if let Some(plan) = LayerPlan::new(layer, frame, family, scene.size) {
                layers.push((plan, frame.id()));
            }
        }
        let additive = layers.iter().filter(|(l, _)| LayerPlan::is_additive_yuv(l.blend, family)).count();
        let halo = additive * additive::REACH;
        let bands = Bands::new(scene.size, self.band_pixels, halo);
        for (plan, frame) in &mut layers {
            if !plan.is_in_place() {
                let through_rgb = LayerPlan::is_additive_yuv(plan.blend, family);
                let key = Key::new(*frame, family, through_rgb, &plan.geometry, (bands.rows, halo));
                plan.kept = self.cache.entry(key, plan.bytes(), bands.count());
            }
        }
        let drawing = Arc::new(Drawing {
            family,
            size: scene.size,
            background: scene.background,
            layers: layers.into_iter().map(|(plan, _)| plan).collect(),
            bands,
            next: AtomicUsize::new(0),
            targets: targets.into_iter().map(Mutex::new).collect(),
        });
        self.pool.run(drawing.clone())?;
        let drawing =
            Arc::into_inner(drawing).ok_or_else(|| Error::internal("a render thread kept its work"))?;
        Ok(drawing.targets.into_iter().map(Mutex::into_inner).collect())
    }
}

impl Renderer for CpuRenderer {
    fn depth(&self) -> usize {
        0
    }

    fn submit(&mut self, mut job: RenderJob<'_>) -> Result<()> {
        if let Some(frames) = self.last.as_ref().and_then(|last| last.answer(&job)) {
            self.finished.push_back(Rendered { index: job.index, time: job.time, frames });
            return Ok(());
        }
        job.scene.validate()?;
        let specs = Last::specs(&job.outputs);
        let requests = std::mem::take(&mut job.outputs);
        let wanted = requests.len();
        let mut waiting = targets(requests, job.scene)?;
        // alpha is kept where the background has some and an output can show it
        let alpha = !job.scene.background.is_opaque() && waiting.iter().any(|t| keeps_alpha(&t.frame.spec()));
        self.cache.begin_job();
        let mut frames: Vec<Option<Frame>> = vec![None; wanted];
        while let Some(first) = waiting.first() {
            let family = Family::of(&first.frame.spec(), alpha);
            let (own, others) =
                waiting.into_iter().partition(|t| Family::of(&t.frame.spec(), alpha) == family);
            waiting = others;
            for target in self.draw(&job, family, own)? {
                let frame = target.frame.publish(job.time);
                for request in target.requests {
                    frames[request] = Some(frame.clone());
                }
            }
        }
        let frames: Vec<Frame> = frames.into_iter().flatten().collect();
        match specs {
            Some(specs) => Last::keep(&mut self.last, &job, specs, &frames),
            None => self.last = None,
        }
        self.finished.push_back(Rendered { index: job.index, time: job.time, frames });
        Ok(())
    }

    fn poll(&mut self) -> Option<Rendered> {
        self.finished.pop_front()
    }
}

/// A frame to be written, and the requests it answers.
struct Target {
    frame: FrameMut,
    requests: Vec<usize>,
}

/// Memory for every request; requests without memory of their own share by spec.
fn targets(requests: Vec<OutputRequest>, scene: &Scene) -> Result<Vec<Target>> {
    let mut targets: Vec<Target> = Vec::new();
    let mut shared: Vec<usize> = Vec::new();
    for (index, request) in requests.into_iter().enumerate() {
        let spec = request.spec;
        if spec.size != scene.size {
            return Err(Error::format(format!("an output of {} on a canvas of {}", spec.size, scene.size)));
        }
        spec.format.check_even(spec.size)?;
        match request.buffer {
            Some(frame) if frame.spec() != spec => {
                return Err(Error::format("the memory brought for an output is for another kind of picture"));
            }
            Some(frame) => targets.push(Target { frame, requests: vec![index] }),
            None => match shared.iter().find(|t| targets[**t].frame.spec() == spec) {
                Some(target) => targets[*target].requests.push(index),
                None => {
                    shared.push(targets.len());
                    let frame = FramePool::shared().frame(spec)?;
                    targets.push(Target { frame, requests: vec![index] });
                }
            },
        }
    }
    Ok(targets)
}

fn keeps_alpha(spec: &FrameSpec) -> bool {
    spec.format.has_alpha() && spec.alpha != AlphaKind::Opaque
}

/// What a layer shows: its source's frame, else its fallback's.
fn frame_of<'a>(layer: &Layer, job: &'a RenderJob<'_>) -> Option<&'a Frame> {
    let of = |source| job.inputs.iter().filter(|i| i.source == source).find_map(|i| i.frame.as_ref());
    of(layer.source).or_else(|| of(layer.fallback?))
}

/// The rows of a canvas in bands of even height.
struct Bands {
    height: usize,
    rows: usize,
    /// Rows drawn above and below a band for what reads around it.
    halo: usize,
}

impl Bands {
    fn new(size: Size, pixels: usize, halo: usize) -> Self {
        let rows = (pixels / size.width as usize).clamp(8, 256).next_multiple_of(2).max(4 * halo);
        Self { height: size.height as usize, rows, halo }
    }

    fn count(&self) -> usize {
        self.height.div_ceil(self.rows)
    }

    /// The rows of band `index`, and those drawn for it.
    fn get(&self, index: usize) -> (Range<usize>, Range<usize>) {
        let rows = index * self.rows..((index + 1) * self.rows).min(self.height);
        let drawn = rows.start.saturating_sub(self.halo)..(rows.end + self.halo).min(self.height);
        (rows, drawn)
    }
}

/// One canvas being drawn.
struct Drawing {
    family: Family,
    size: Size,
    background: Color,
    layers: Vec<LayerPlan>,
    bands: Bands,
    next: AtomicUsize,
    targets: Vec<Mutex<Target>>,
}

impl Task for Drawing {
    fn work(&self) {
        loop {
            let band = self.next.fetch_add(1, Ordering::Relaxed);
            if band >= self.bands.count() {
                return;
            }
            let (rows, drawn) = self.bands.get(band);
            let (covered, layers) = self.layers_of(&drawn);
            if let (true, [layer], Family::Yuv { .. } | Family::Rgb { alpha: false }) =
                (covered, &layers[..], self.family)
            {
                // the picture of this layer is all there is: no canvas is needed
                self.with_parts(layer, band, &drawn, |parts| {
                    self.write(&WholeRows { layer, parts }, &rows);
                });
                continue;
            }
            self.write(&self.draw(band, &drawn, covered, &layers), &rows);
        }
    }
}

impl Drawing {
    /// The layers seen in pixel rows `rows`, and whether the lowest of them covers the background.
    fn layers_of(&self, rows: &Range<usize>) -> (bool, Vec<&LayerPlan>) {
        let bottom = self.layers.iter().rposition(|l| l.hides(self.size.width as usize, rows));
        let seen = |layer: &&LayerPlan| {
            let visible = &layer.geometry.visible.y;
            visible.end > rows.start && visible.start < rows.end
        };
        (bottom.is_some(), self.layers[bottom.unwrap_or(0)..].iter().filter(seen).collect())
    }

    fn write(&self, picture: &impl output::Rows, rows: &Range<usize>) {
        for target in &self.targets {
            output::write(picture, rows.clone(), &mut target.lock().frame);
        }
    }

    /// Calls `f` with what a layer shows in a band.
    fn with_parts<R>(
        &self,
        layer: &LayerPlan,
        band: usize,
        rows: &Range<usize>,
        f: impl FnOnce(&[plan::Part]) -> R,
    ) -> R {
        let make = || layer.parts.iter().map(|part| part.make(rows)).collect::<Vec<_>>();
        match &layer.kept {
            Some(entry) => f(entry.band(band, make)),
            None => f(&make()),
        }
    }

    fn draw(&self, band: usize, rows: &Range<usize>, covered: bool, layers: &[&LayerPlan]) -> Canvas {
        let background = (!covered).then_some(self.background);
        let mut canvas = Canvas::new(self.family, self.size, rows.clone(), background);
        let mut weights = RowWeights::default();
        for layer in layers {
            self.with_parts(layer, band, rows, |parts| {
                if LayerPlan::is_additive_yuv(layer.blend, self.family) {
                    additive::add(&mut canvas, layer, &parts[0], self.size);
                    return;
                }
                for (plan, part) in layer.parts.iter().zip(parts) {
                    lay(&mut canvas, layer, plan, part, &mut weights);
                }
            });
        }
        canvas
    }
}

/// The rows of an opaque layer as wide as the canvas.
struct WholeRows<'a> {
    layer: &'a LayerPlan,
    parts: &'a [plan::Part],
}

impl output::Rows for WholeRows<'_> {
    fn row(&self, plane: usize, y: usize) -> &[u8] {
        let mut parts = self.layer.parts.iter().zip(self.parts);
        let found = parts.find(|(plan, _)| plan.planes.contains(&plane));
        found.map_or(&[], |(plan, part)| part.row(&plan.reader, plane - plan.planes.start, y))
    }

    fn has_alpha(&self) -> bool {
        false
    }
}

/// Blends one part of a layer onto the canvas planes of its grid.
fn lay(
    canvas: &mut Canvas,
    layer: &LayerPlan,
    plan: &plan::PartPlan,
    part: &plan::Part,
    weights: &mut RowWeights,
) {
    let reader = &plan.reader;
    let alpha_channel = (!reader.opaque).then(|| reader.channels() - 1);
    let covered = vec![255; if canvas.planes.len() > 3 { part.area.x.len() } else { 0 }];
    for y in part.area.y.clone() {
        layer.outline.row(plan.cell, y, part.area.x.clone(), layer.opacity, weights);
        let alpha = alpha_channel.map(|c| part.row(reader, c, y));
        for (channel, plane) in plan.planes.clone().enumerate() {
            let dst = &mut canvas.planes[plane].row_mut(y)[part.area.x.clone()];
            let is_alpha = matches!(canvas.family, Family::Rgb { .. }) && channel == 3;
            let values = match alpha {
                _ if !is_alpha => part.row(reader, channel, y),
                Some(alpha) => alpha,
                None => &covered,
            };
            blend::row(layer.blend, dst, values, alpha, weights);
        }
    }
}

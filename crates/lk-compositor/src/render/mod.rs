// SPDX-License-Identifier: GPL-2.0-or-later
//! Turns a scene and the frames sampled for it into output frames. What each pixel must be is written in
//! `docs/rendering.md`.

mod cpu;

pub use cpu::CpuRenderer;

use crate::scene::{LayerId, Scene};
use lk_media::{Frame, FrameMut, FrameSpec, Result, Timestamp};
use serde::Serialize;
use smallvec::SmallVec;
use std::time::Duration;

/// The frame sampled for a layer: its source's, or what is shown instead of it.
#[derive(Clone, Debug)]
pub struct Sampled {
    /// Which layer.
    pub layer: LayerId,
    /// What it shows; None when there is nothing to show.
    pub frame: Option<Frame>,
}

/// The frames wanted of a job.
pub type Outputs = SmallVec<[OutputRequest; 4]>;
/// The frames made for a job.
pub type Frames = SmallVec<[Frame; 4]>;

/// One frame to be made.
pub struct RenderJob<'a> {
    /// The frame index.
    pub index: u64,
    /// The frame's time; output frames carry it.
    pub time: Timestamp,
    /// What to show.
    pub scene: &'a Scene,
    /// What the layers show; a layer without an entry shows nothing.
    pub inputs: &'a [Sampled],
    /// The frames wanted, each of the canvas' size. A format decides the family of truth (RGB or YUV).
    pub outputs: Outputs,
}

/// One output frame wanted.
pub struct OutputRequest {
    /// Its format, colour space and kind of alpha; the size must be the canvas'.
    pub spec: FrameSpec,
    /// Memory to render into, of exactly `spec`; None takes memory from the frame pool.
    pub buffer: Option<FrameMut>,
}

/// The frames made for one job.
pub struct Rendered {
    /// The job's index.
    pub index: u64,
    /// The job's time.
    pub time: Timestamp,
    /// One frame for each output, in the job's order. Equal specs share one frame unless they brought memory.
    pub frames: Frames,
}

/// Makes frames. Jobs go in by [`Renderer::submit`] and come out in the same order by [`Renderer::poll`]; a CPU
/// renderer has each one ready at once.
pub trait Renderer: Send {
    /// How many jobs may be under way at a time.
    fn depth(&self) -> usize;
    /// Takes a job.
    fn submit(&mut self, job: RenderJob<'_>) -> Result<()>;
    /// The next finished job.
    fn poll(&mut self) -> Option<Rendered>;
}

/// What a renderer did so far, and how much of it could be left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RenderStatistics {
    /// Jobs taken.
    pub jobs: u64,
    /// Jobs answered with the frames of the job before, because nothing had changed.
    pub repeated: u64,
    /// Frames drawn into memory that showed something like it already.
    pub reclaimed: u64,
    /// CPU time of the calling thread in jobs.
    pub cpu: Duration,
    /// CPU time of the other render threads.
    pub pool_cpu: Duration,
    /// Pixels of the canvases of all jobs, once for each family of truth.
    pub pixels: u64,
    /// Those of them that had to be drawn.
    pub drawn: u64,
    /// Layers with something to show, of all jobs that were not repeated, once for each family of truth.
    pub layers: u64,
    /// Those of them that were left out: outside the canvas, clear, or hidden by a layer above.
    pub culled: u64,
    /// Layers whose finished picture was at hand.
    pub kept_layers: u64,
    /// Bytes of finished pictures that are kept now.
    pub kept_bytes: usize,
    /// Frames converted and written: one for each kind that was wanted, and for each memory that was brought.
    pub written: u64,
}

impl RenderStatistics {
    /// How much of the canvases had to be drawn, from 0 to 1.
    pub fn damaged(&self) -> f64 {
        if self.pixels == 0 { 0.0 } else { self.drawn as f64 / self.pixels as f64 }
    }
}

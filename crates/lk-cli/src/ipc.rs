// SPDX-License-Identifier: GPL-2.0-or-later
//! `livekit-studio ipc`: what running programs share.

use crate::args::{IpcCommand, WatchArgs};
use crate::failure::Failure;
use crate::output::{self, Output};
use livekit_studio::clock::{Deadline, Stopwatch};
use livekit_studio::{Cancel, Clock, FrameSpec, IpcFolder, IpcListed, IpcSource, VideoSource, ipc};
use serde_json::{Value, json};
use std::time::Duration;

/// How long a line of `watch` tells of.
const LINE: Duration = Duration::from_secs(1);
/// How often Ctrl-C is looked for.
const LOOK: Duration = Duration::from_millis(50);

/// Does one of both.
pub(crate) fn command(command: &IpcCommand, output: Output, cancel: &Cancel) -> Result<(), Failure> {
    match command {
        IpcCommand::List => list(output),
        IpcCommand::Watch(args) => watch(args, output, cancel),
    }
}

fn list(output: Output) -> Result<(), Failure> {
    let listed = ipc::list(&IpcFolder::default())?;
    let rows: Vec<String> = listed.iter().map(row).collect();
    let text = if rows.is_empty() { "nothing is shared".to_owned() } else { rows.join("\n") };
    let shared: Vec<Value> = listed
        .iter()
        .map(|l| {
            let pictures = l.pictures.as_ref().map(pictures);
            json!({ "name": l.name, "pictures": pictures, "frames": l.frames, "process": l.process })
        })
        .collect();
    output.result(&json!({ "shared": shared }), &text)
}

fn row(listed: &IpcListed) -> String {
    let Some(spec) = listed.pictures else { return format!("{}  (does not answer)", listed.name) };
    let process = listed.process.map_or_else(String::new, |id| format!(", process {id}"));
    format!("{}  {} {}, {} frames{process}", listed.name, spec.size, spec.format, listed.frames)
}

fn pictures(spec: &FrameSpec) -> Value {
    json!({ "size": spec.size, "format": spec.format.name() })
}

/// What was seen in some time.
#[derive(Default)]
struct Seen {
    frames: u64,
    spec: Option<FrameSpec>,
    /// From the time of a picture until it was here, in milliseconds.
    late: Vec<f64>,
}

impl Seen {
    fn late(&mut self, part: f64) -> f64 {
        self.late.sort_by(f64::total_cmp);
        let at = (self.late.len() as f64 * part) as usize;
        self.late.get(at).or(self.late.last()).copied().unwrap_or(0.0)
    }

    fn add(&mut self, other: Self) {
        /// More say no more.
        const KEPT: usize = 100_000;
        self.frames += other.frames;
        self.spec = other.spec.or(self.spec);
        let room = KEPT.saturating_sub(self.late.len());
        self.late.extend(other.late.into_iter().take(room));
    }
}

fn watch(args: &WatchArgs, output: Output, cancel: &Cancel) -> Result<(), Failure> {
    let source = IpcSource::open(&args.name, &IpcFolder::default())?;
    let end = args.seconds.map_or(Deadline::NEVER, |s| Deadline::after(Duration::from_secs_f64(s)));
    let (whole, mut all, mut seq, mut lost) = (Stopwatch::start(), Seen::default(), 0, 0);
    while !cancel.is_cancelled() && !end.has_passed() {
        let (line, watch) = (Deadline::after(end.left(LINE)), Stopwatch::start());
        let mut seen = Seen::default();
        while !line.has_passed() && !cancel.is_cancelled() {
            let Some((at, frame)) = source.next(seq, Deadline::after(line.left(LOOK))) else { continue };
            seq = at + 1;
            seen.frames += 1;
            seen.spec = Some(frame.spec());
            seen.late.push(<dyn Clock>::live().now().nanos_since(frame.timestamp()) as f64 / 1e6);
        }
        let missed = source.counts().lost;
        if !output.json {
            output::print(&told(&mut seen, &source, watch.elapsed(), missed - lost))?;
        }
        lost = missed;
        all.add(seen);
    }
    if output.json {
        let seconds = whole.elapsed().as_secs_f64();
        return output.result(
            &json!({
                "name": args.name,
                "state": source.state().word(),
                "pictures": all.spec.as_ref().map(pictures),
                "seconds": seconds,
                "frames": all.frames,
                "lost": lost,
                "late_ms": { "half": all.late(0.5), "most": all.late(0.99) },
                "process": source.writer(),
            }),
            "",
        );
    }
    Ok(())
}

fn told(seen: &mut Seen, source: &IpcSource, elapsed: Duration, lost: u64) -> String {
    let state = source.state();
    let Some(spec) = seen.spec else { return format!("{}: no pictures", state.word()) };
    let rate = seen.frames as f64 / elapsed.as_secs_f64().max(1e-3);
    let (half, most) = (seen.late(0.5), seen.late(0.99));
    let word = state.word();
    format!(
        "{word}: {} {}, {rate:.1} frames a second, {half:.2} ms late (99 %: {most:.2}), {lost} lost",
        spec.size, spec.format
    )
}

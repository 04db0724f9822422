// SPDX-License-Identifier: GPL-2.0-or-later
//! Copying a file or a stream into another container without encoding anything.

use crate::av::copy::{Kind, Remux, bytes_read, describe, is_hidden};
use crate::av::input::Input;
use crate::av::interrupt::Interrupt;
use crate::encode::StreamKind;
use crate::media_file::OpenOptions;
use crate::mux::ContainerChoice;
use crate::mux::path::Target;
use lk_media::clock::Deadline;
use lk_media::thread::{self, Thread};
use lk_media::{Cancel, Error, ErrorKind, Result, Timestamp};
use parking_lot::{Condvar, Mutex};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// How a copy is made.
#[derive(Clone)]
pub struct CopyOptions {
    /// How the input is opened. `timeout` holds for every reading, and for writing to an address; `cancel` ends
    /// the copy as [`Copier::cancel`] does.
    pub input: OpenOptions,
    /// The container; None: the one that the output's extension stands for.
    pub format: Option<String>,
    /// Options of the container ("movflags").
    pub options: Vec<(String, String)>,
    /// Whether an existing file is replaced.
    pub overwrite: bool,
    /// Whether streams that the container cannot hold are left out; if not, they are an error.
    pub skip_unsupported: bool,
}

impl Default for CopyOptions {
    fn default() -> Self {
        Self {
            input: OpenOptions::default(),
            format: None,
            options: Vec::new(),
            overwrite: true,
            skip_unsupported: false,
        }
    }
}

/// How far a copy has come.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CopyProgress {
    /// 0 to 1; None for inputs whose length nobody knows.
    pub fraction: Option<f64>,
    /// Packets written.
    pub packets: u64,
    /// Bytes of those packets.
    pub bytes: u64,
    /// Media time reached.
    pub time: Duration,
}

/// What a copy has written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopyReport {
    /// Packets.
    pub packets: u64,
    /// Bytes of those packets.
    pub bytes: u64,
    /// Media time from the start of the input to the last picture or sound.
    pub time: Duration,
    /// Streams left out, in words.
    pub skipped: Vec<String>,
    /// Whether it was cancelled before the input's end.
    pub is_cancelled: bool,
}

/// A copy and the thread that makes it. Pictures, sound, subtitles, attachments, chapters, tags and rotation are kept;
/// times begin at 0 and rise. However a copy ends, by a cancel, a lost connection or a full disk, what was
/// copied until then is finished as a file where there is room for that. Dropping it cancels it.
pub struct Copier {
    shared: Arc<Shared>,
    _thread: Thread,
}

struct Shared {
    name: String,
    /// The output, if it is a file.
    file: Option<PathBuf>,
    cancel: Cancel,
    duration: Option<Timestamp>,
    packets: AtomicU64,
    bytes: AtomicU64,
    nanos: AtomicI64,
    /// Bits of the fraction of the input's bytes that was read; negative if unknown.
    read: AtomicU64,
    outcome: Mutex<Option<Result<CopyReport>>>,
    ended: Condvar,
}

impl Copier {
    /// Opens both sides, writes the header and starts to copy: what can be wrong with either is an error here.
    pub fn start(name_in: &str, name_out: &str, options: &CopyOptions) -> Result<Self> {
        let mut input = Input::open(name_in, &options.input)?;
        let container = ContainerChoice::of(name_out, options.format.as_deref())?;
        if let Some(file) = input.file()
            && is_same_file(&file, Path::new(name_out))
        {
            return Err(Error::parameter(format!("{name_out} would be copied onto itself"))
                .with_hint("give the copy another name"));
        }
        let (chosen, skipped) = choose(&input, &container, options.skip_unsupported)?;
        let opens_itself = container.format().opens_itself();
        let target = Target::prepare(name_out, options.overwrite, opens_itself)?;
        // the end of a file is written after a cancel too, however long its disk takes
        let interrupt = if target.len().is_some() {
            Interrupt::new(Cancel::new(), Duration::MAX)
        } else {
            Interrupt::new(options.input.cancel.clone(), options.input.timeout)
        };
        let names = (name_out, target.url());
        let output = Remux::open(&input, &chosen, container.format(), names, interrupt, &options.options)
            .inspect_err(|_| target.discard())?;
        input.read_only(&chosen);
        let shared = Arc::new(Shared {
            name: format!("{} to {}", input.label(), crate::av::log::mask(name_out)),
            file: target.len().map(|_| PathBuf::from(name_out)),
            cancel: options.input.cancel.clone(),
            duration: input.duration(),
            packets: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            nanos: AtomicI64::new(0),
            read: AtomicU64::new(bytes_read(&input).unwrap_or(-1.0).to_bits()),
            outcome: Mutex::new(None),
            ended: Condvar::new(),
        });
        let worker = shared.clone();
        let thread = thread::spawn("lk-copy", move || worker.run(input, output, skipped))?;
        Ok(Self { shared, _thread: thread })
    }

    /// What is copied where, for messages.
    pub fn name(&self) -> String {
        self.shared.name.clone()
    }

    /// Whether it is still at it.
    pub fn is_copying(&self) -> bool {
        self.shared.outcome.lock().is_none()
    }

    /// How far it has come.
    pub fn progress(&self) -> CopyProgress {
        self.shared.progress()
    }

    /// Asks it to end now. The file is finished first: see [`Copier::wait`].
    pub fn cancel(&self) {
        self.shared.cancel.cancel();
    }

    /// The error it ended with.
    pub fn error(&self) -> Option<Error> {
        self.shared.outcome.lock().as_ref().and_then(|outcome| outcome.as_ref().err().cloned())
    }

    /// Waits for its end. A copy that was cancelled is no error, one that broke off is. Further calls answer the
    /// same.
    pub fn wait(&self) -> Result<CopyReport> {
        loop {
            if let Some(outcome) = self.wait_until(Deadline::NEVER, &Cancel::new()) {
                return outcome;
            }
        }
    }

    /// The same, until `deadline` or until `cancel` ends the waiting (not the copy); None if it has not ended.
    pub fn wait_until(&self, deadline: Deadline, cancel: &Cancel) -> Option<Result<CopyReport>> {
        let mut outcome = self.shared.outcome.lock();
        while outcome.is_none() && !deadline.has_passed() && !cancel.is_cancelled() {
            self.shared.ended.wait_for(&mut outcome, deadline.left(Duration::from_millis(20)));
        }
        outcome.clone()
    }
}

impl Drop for Copier {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl Shared {
    fn run(&self, input: Input, output: Remux, skipped: Vec<String>) {
        let report = self.copy(input, output).map(|is_cancelled| {
            let done = self.progress();
            CopyReport { packets: done.packets, bytes: done.bytes, time: done.time, skipped, is_cancelled }
        });
        if let Err(e) = &report {
            tracing::warn!("{}: {e}", self.name);
        }
        *self.outcome.lock() = Some(report);
        self.ended.notify_all();
    }

    /// Whether it was cancelled. The end of the file is written whatever happens before.
    fn copy(&self, mut input: Input, mut output: Remux) -> Result<bool> {
        let ended = self.packets(&mut input, &mut output);
        if let (Err(_), Some(file)) = (&ended, &self.file) {
            output.make_room(file, self.packets.load(Ordering::Relaxed));
        }
        let finished = output.finish();
        let is_cancelled = |e: &Error| e.kind() == ErrorKind::Cancelled;
        match ended {
            // an address may refuse the end of what was cancelled
            Err(e) if is_cancelled(&e) => {
                finished.or_else(|e| if is_cancelled(&e) { Ok(()) } else { Err(e) }).map(|()| true)
            }
            Err(e) => Err(e),
            Ok(()) => finished.map(|()| false),
        }
    }

    fn packets(&self, input: &mut Input, output: &mut Remux) -> Result<()> {
        while let Some(packet) = input.read()? {
            let Some(written) = output.write(packet)? else { continue };
            self.packets.fetch_add(1, Ordering::Relaxed);
            self.bytes.fetch_add(written.bytes, Ordering::Relaxed);
            self.nanos.fetch_max(written.end.as_nanos(), Ordering::Relaxed);
            self.read.store(bytes_read(input).unwrap_or(-1.0).to_bits(), Ordering::Relaxed);
        }
        Ok(())
    }

    fn progress(&self) -> CopyProgress {
        let is_whole =
            self.outcome.lock().as_ref().is_some_and(|o| o.as_ref().is_ok_and(|report| !report.is_cancelled));
        let time = Duration::from_nanos(self.nanos.load(Ordering::Relaxed).unsigned_abs());
        let by_time = self.duration.map(|whole| (time.as_secs_f64() / whole.as_secs_f64()).clamp(0.0, 1.0));
        let by_bytes = Some(f64::from_bits(self.read.load(Ordering::Relaxed))).filter(|read| *read >= 0.0);
        CopyProgress {
            fraction: if is_whole { Some(1.0) } else { by_time.or(by_bytes) },
            packets: self.packets.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            time,
        }
    }
}

/// The streams to copy, and those left out, in words.
fn choose(input: &Input, container: &ContainerChoice, skip: bool) -> Result<(Vec<usize>, Vec<String>)> {
    let (mut chosen, mut skipped) = (Vec::new(), Vec::new());
    for stream in (0..input.stream_count()).filter(|s| !is_hidden(input, *s)) {
        let (kind, codec) = describe(input, stream);
        let what = format!("stream {stream} ({}, {codec})", kind.word());
        match check(container, kind, &codec) {
            Ok(()) => chosen.push(stream),
            // nobody sees these
            Err(_) if kind == Kind::Data || skip => skipped.push(what),
            Err(e) => {
                return Err(e.context(format!("{}: {what}", input.label())));
            }
        }
    }
    if chosen.is_empty() {
        let container = &container.info().name;
        return Err(Error::new(
            ErrorKind::Encoder,
            format!("{container} holds no stream of {}", input.label()),
        )
        .with_hint("use another container, such as mkv"));
    }
    if !skipped.is_empty() {
        tracing::info!("{}: left out: {}", input.label(), skipped.join(", "));
    }
    Ok((chosen, skipped))
}

fn check(container: &ContainerChoice, kind: Kind, codec: &str) -> Result<()> {
    let hint = "use another container, such as mkv, or skip the streams it cannot hold";
    match kind {
        Kind::Video => container.check(StreamKind::Video, codec),
        Kind::Audio => container.check(StreamKind::Audio, codec),
        _ => {
            let holds = container.format().holds(codec, true);
            let holds = match kind {
                // of FFmpeg's containers it alone holds files, of any kind
                Kind::Attachment => container.info().name == "matroska",
                Kind::Data => holds == Some(true),
                _ => holds != Some(false),
            };
            if holds {
                return Ok(());
            }
            let message = format!("the container {} cannot hold {codec}", container.info().name);
            Err(Error::new(ErrorKind::Encoder, message).with_hint(hint))
        }
    }
}

fn is_same_file(a: &Path, b: &Path) -> bool {
    #[cfg(unix)]
    if let (Ok(a), Ok(b)) = (std::fs::metadata(a), std::fs::metadata(b)) {
        use std::os::unix::fs::MetadataExt;
        return (a.dev(), a.ino()) == (b.dev(), b.ino());
    }
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

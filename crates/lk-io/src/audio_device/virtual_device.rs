// SPDX-License-Identifier: GPL-2.0-or-later
//! Devices that other programs see, and that exist as long as this program wants them.

use super::choice::DeviceChoice;
use super::link::{HangUp, Link, Served, Step};
use super::microphone::Microphone;
#[cfg(not(unix))]
use super::no_modules::{Modules, quoted};
#[cfg(unix)]
use super::pulse::{Modules, quoted};
use super::speaker::Speaker;
use super::{backend, feeding::Timing};
use lk_media::thread::Thread;
use lk_media::{
    AudioBlock, AudioRead, AudioSource, AudioTarget, Delivery, Error, ErrorKind, EventKind, Events,
    Exactness, Offered, Result, Sampling, SourceState,
};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

const LOOK: Duration = Duration::from_millis(50);

impl Served for Modules {
    fn hang_up(&self) -> Result<Option<HangUp>> {
        // unloading goes over the same connection
        Ok(None)
    }
}

/// Keeps modules loaded, also when the server comes back.
struct Kept {
    link: Arc<Link>,
    thread: Mutex<Option<Thread>>,
}

impl Kept {
    fn open(name: &str, load: impl Fn(&mut Modules) -> Result<()> + Send + 'static) -> Result<Self> {
        let link = Link::new(name.to_owned(), EventKind::DeviceState);
        let open = move || -> Result<Modules> {
            let mut modules = Modules::open()?;
            load(&mut modules).inspect_err(|_| modules.unload())?;
            Ok(modules)
        };
        let step = |step: Step<'_, Modules>| match step {
            Step::Begin => Ok(()),
            Step::Serve(modules) => modules.wait(LOOK),
            Step::End(modules) => {
                modules.unload();
                Ok(())
            }
        };
        let thread = link.serve("lk-virtual", open, step).map_err(|e| e.context(name))?;
        Ok(Self { link, thread: Mutex::new(Some(thread)) })
    }

    fn close(&self) {
        self.link.end();
        let thread = self.thread.lock().take();
        drop(thread);
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.close();
    }
}

/// An id that no other device has: from the name, with a number if it has to be.
fn id_of(name: &str, taken: impl Fn(&str) -> bool) -> Result<String> {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    let plain = plain.trim_matches('_');
    if quoted(name).trim().is_empty() {
        return Err(Error::parameter(format!("{name:?} is no name for a device")));
    }
    let plain = if plain.is_empty() { "device" } else { plain };
    let mut ids = (1..).map(|n| match n {
        1 => format!("livekit.{plain}"),
        n => format!("livekit.{plain}.{n}"),
    });
    ids.find(|id| !taken(id)).ok_or_else(|| Error::internal("no id is free"))
}

fn fresh(name: &str) -> Result<String> {
    let lists = backend::server()?;
    let all = || lists.outputs.iter().chain(&lists.inputs);
    let named = all().find(|d| d.name == quoted(name));
    if named.is_some() {
        return Err(Error::new(ErrorKind::DeviceBusy, format!("there is a device called {name:?} already"))
            .with_hint("choose another name, or close the one that has it"));
    }
    id_of(name, |id| all().any(|d| d.id == id))
}

/// What is said where there is no sound server that could make devices.
pub(super) fn no_server() -> Error {
    Error::new(ErrorKind::Device, "this version makes no sound devices on this system")
        .with_hint("a virtual cable of another vendor's is a speaker and a microphone like others")
}

fn description(name: &str) -> String {
    format!("device.description='{}'", quoted(name))
}

/// A microphone that any program can choose, and that hears what is played here: a target, or fed from a source.
/// It needs PipeWire or PulseAudio and nothing else, and is gone when this is dropped.
pub struct VirtualMicrophone {
    name: String,
    speaker: Speaker,
    kept: Kept,
}

impl VirtualMicrophone {
    /// Makes a microphone called `name`, for the blocks of a mix.
    pub fn new(name: &str) -> Result<Self> {
        Self::fed(name, None)
    }

    /// Makes a microphone called `name` that hears `source`.
    pub fn hearing(name: &str, source: Arc<dyn AudioSource>, timing: Timing) -> Result<Self> {
        Self::fed(name, Some((source, timing)))
    }

    fn fed(name: &str, source: Option<(Arc<dyn AudioSource>, Timing)>) -> Result<Self> {
        let id = fresh(name)?;
        let (sink, inner) = (format!("{id}.feed"), format!("{name} (what it hears)"));
        let kept = {
            let (id, sink, name) = (id, sink.clone(), name.to_owned());
            Kept::open(&name.clone(), move |modules| {
                let arguments =
                    format!("sink_name={sink} rate=48000 channels=2 channel_map=front-left,front-right");
                modules.load("module-null-sink", &arguments, ("sink_properties", &description(&inner)))?;
                let arguments = format!("master={sink}.monitor source_name={id}");
                modules.load("module-remap-source", &arguments, ("source_properties", &description(&name)))
            })?
        };
        let choice = DeviceChoice::Named(sink);
        let speaker = when_there(|| Speaker::open_calm(&choice, source.clone()))?;
        Ok(Self { name: name.to_owned(), speaker, kept })
    }

    /// What programs list it as.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The speaker it is fed by: volume, state, events and counts.
    pub fn speaker(&self) -> &Speaker {
        &self.speaker
    }

    /// Takes it away.
    pub fn close(&self) {
        self.speaker.close();
        self.kept.close();
    }
}

impl AudioTarget for VirtualMicrophone {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn offer_audio(&self, block: &AudioBlock, delivery: Delivery) -> Result<Offered> {
        self.speaker.offer_audio(block, delivery)
    }
}

/// A speaker that any program can choose, and whose sound is a source here. It needs PipeWire or PulseAudio and
/// nothing else, and is gone when this is dropped.
pub struct VirtualSpeaker {
    name: String,
    microphone: Microphone,
    kept: Kept,
}

impl VirtualSpeaker {
    /// Makes a speaker called `name`.
    pub fn new(name: &str) -> Result<Self> {
        let id = fresh(name)?;
        let monitor = format!("{id}.monitor");
        let kept = {
            let name = name.to_owned();
            Kept::open(&name.clone(), move |modules| {
                let arguments =
                    format!("sink_name={id} rate=48000 channels=2 channel_map=front-left,front-right");
                modules.load("module-null-sink", &arguments, ("sink_properties", &description(&name)))
            })?
        };
        let choice = DeviceChoice::Named(monitor);
        let microphone = when_there(|| Microphone::open(&choice))?;
        Ok(Self { name: name.to_owned(), microphone, kept })
    }

    /// What programs list it as.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What hears it: state, events and counts.
    pub fn microphone(&self) -> &Microphone {
        &self.microphone
    }

    /// Takes it away.
    pub fn close(&self) {
        self.microphone.close();
        self.kept.close();
    }
}

impl AudioSource for VirtualSpeaker {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn read(&self, first: i64, out: &mut [f32], sampling: Sampling) -> Result<AudioRead> {
        self.microphone.read(first, out, sampling)
    }

    fn exactness(&self) -> Exactness {
        self.microphone.exactness()
    }

    fn state(&self) -> SourceState {
        self.microphone.state()
    }

    fn tell(&self, events: &Events) {
        self.microphone.tell(events);
    }
}

/// A device that was just made may take a moment until it is listed.
fn when_there<T>(open: impl Fn() -> Result<T>) -> Result<T> {
    let wake = lk_media::Wake::new();
    for _ in 0..40 {
        match open() {
            Err(e) if e.kind() == ErrorKind::DeviceNotFound => wake.wait(LOOK),
            answer => return answer,
        };
    }
    open()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_plain_and_not_taken() {
        assert_eq!(id_of("Studio mic", |_| false).unwrap(), "livekit.studio_mic");
        assert_eq!(id_of("Studio mic", |id| id.ends_with("mic")).unwrap(), "livekit.studio_mic.2");
        assert_eq!(id_of("工作室", |_| false).unwrap(), "livekit.device");
        assert!(id_of("'", |_| false).is_err());
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! Ways to the sound devices of a machine, in order of preference: a sound server, which lets programs share devices,
//! then the devices themselves. Streams are 48 kHz stereo float here, whatever a device has.

use super::AudioDevice;
#[cfg(target_os = "linux")]
use super::alsa;
use super::choice::DeviceChoice;
use super::link::{HangUp, Served};
#[cfg(unix)]
use super::pulse;
#[cfg(windows)]
use super::wasapi;
use lk_media::{Error, ErrorKind, Result, Timestamp};
use std::time::Duration;

/// A way to the devices.
pub(super) trait Backend: Sync {
    /// What [`WAYS`] calls it.
    fn name(&self) -> &'static str;
    /// Whether it can make devices that other programs see.
    fn is_server(&self) -> bool {
        false
    }
    /// Whether it may be there: no more than a look, for what is done often.
    fn may_be_there(&self) -> bool;
    /// The devices there are now. An error of kind Device where there is none because it is not there.
    fn lists(&self) -> Result<Lists>;
    /// A device that is not in the lists but can be named.
    fn unlisted(&self, _name: &str) -> Option<AudioDevice> {
        None
    }
    /// Opens a stream to a speaker, which plays what `giver` makes.
    fn play(&self, wanted: &Wanted, giver: &MakeGiver) -> Result<Box<dyn Playing>>;
    /// Opens a stream from a microphone, whose sound goes to what `taker` makes.
    fn hear(&self, wanted: &Wanted, taker: &MakeTaker) -> Result<Box<dyn Hearing>>;
    /// Hears when devices come and go.
    fn watch(&self) -> Result<Box<dyn Watching>>;
}

/// All of them, the first that has devices is used.
static BACKENDS: &[&dyn Backend] = &[
    #[cfg(unix)]
    &pulse::Pulse,
    #[cfg(target_os = "linux")]
    &alsa::Alsa,
    #[cfg(windows)]
    &wasapi::Wasapi,
];

/// The variable that says which of them may be used, by their names and in this order.
const WAYS: &str = "LIVEKIT_SOUND";

/// The devices of one of them.
pub(super) struct Lists {
    /// What it calls itself, with its version.
    pub(super) server: String,
    /// What can be heard, monitors of speakers after the others; the default first.
    pub(super) inputs: Vec<AudioDevice>,
    /// What can be played to; the default first.
    pub(super) outputs: Vec<AudioDevice>,
}

/// What stream is wanted.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// What mixers call the stream.
    #[cfg_attr(not(unix), allow(dead_code))] // there it is that of the program
    pub(super) title: String,
    /// The device's id; None is the default, whichever it is.
    pub(super) device: Option<String>,
    /// Sound kept for the device, or gathered from it.
    pub(super) buffer: Duration,
    /// Whether every millisecond counts: as little of it as goes well, and by the shortest way.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))] // there is one way
    pub(super) soon: bool,
}

/// Makes who has the sound: anew for each stream.
pub(super) type MakeGiver = dyn Fn() -> Box<dyn Giver>;
/// Makes who wants the sound: anew for each stream.
pub(super) type MakeTaker = dyn Fn() -> Box<dyn Taker>;

/// Who has the sound that is played. Called on the device's thread, or on the system's own for it: it neither waits nor
/// takes memory.
pub(super) trait Giver: Send {
    /// At `now` the stream's frames up to number `total` are wanted; a frame given now is heard after `lead`.
    fn wanted(&mut self, total: i64, now: Timestamp, lead: Duration);
    /// The device had nothing to play for a moment.
    fn underrun(&mut self);
    /// Fills `out` with the next frames.
    fn give(&mut self, out: &mut [f32]);
}

/// Who wants the sound that is heard; as [`Giver`].
pub(super) trait Taker: Send {
    /// These frames came at `now`; the last of them was heard `age` before, if that is known yet.
    fn take(&mut self, frames: &[u8], now: Timestamp, age: Option<Duration>);
}

/// A stream to a speaker. It stays on the thread that opened it.
pub(super) trait Playing {
    /// Waits a moment for the device and gives it what it wants; an error when the stream is over.
    fn step(&mut self) -> Result<()>;
    /// As [`Served::hang_up`].
    fn hang_up(&self) -> Result<Option<HangUp>> {
        Ok(None)
    }
}

/// A stream from a microphone. It stays on the thread that opened it.
pub(super) trait Hearing {
    /// Waits a moment for sound and hands it on; an error when the stream is over.
    fn step(&mut self) -> Result<()>;
    /// As [`Served::hang_up`].
    fn hang_up(&self) -> Result<Option<HangUp>> {
        Ok(None)
    }
}

/// Hears when devices come and go.
pub(super) trait Watching {
    /// Waits at most `limit`; whether the lists may have changed. An error when it has to be begun again.
    fn wait(&mut self, limit: Duration) -> Result<bool>;
}

impl Served for Box<dyn Playing> {
    fn hang_up(&self) -> Result<Option<HangUp>> {
        (**self).hang_up()
    }
}

impl Served for Box<dyn Hearing> {
    fn hang_up(&self) -> Result<Option<HangUp>> {
        (**self).hang_up()
    }
}

/// Those that may be used.
fn allowed() -> Result<Vec<&'static dyn Backend>> {
    let ways = std::env::var(WAYS).unwrap_or_default();
    let ways: Vec<&str> = ways.split([',', ' ']).filter(|w| !w.is_empty()).collect();
    if ways.is_empty() {
        return Ok(BACKENDS.to_vec());
    }
    let find = |way: &&str| {
        BACKENDS.iter().copied().find(|b| b.name() == *way).ok_or_else(|| {
            let names: Vec<&str> = BACKENDS.iter().map(|b| b.name()).collect();
            Error::new(ErrorKind::Device, format!("{WAYS}={way} is no way to sound devices"))
                .with_hint(format!("there are: {}", names.join(", ")))
        })
    };
    ways.iter().map(find).collect()
}

/// The first that is there and has devices, with them; else the first that is there; else why there is none.
pub(super) fn current() -> Result<(&'static dyn Backend, Lists)> {
    let (mut empty, mut failed) = (None, None::<Error>);
    for backend in allowed()? {
        match backend.lists() {
            Ok(lists) if lists.inputs.is_empty() && lists.outputs.is_empty() => {
                empty = empty.or(Some((backend, lists)));
            }
            Ok(lists) => return Ok((backend, lists)),
            Err(e) if e.kind() == ErrorKind::Device => {
                failed = Some(failed.map_or(e.clone(), |f| both(&f, &e)))
            }
            Err(e) => return Err(e),
        }
    }
    match (empty, failed) {
        (Some(empty), _) => Ok(empty),
        (None, failed) => Err(failed.unwrap_or_else(|| {
            Error::new(ErrorKind::Device, "this version knows no sound devices on this system")
        })),
    }
}

fn both(first: &Error, second: &Error) -> Error {
    let hints: Vec<&str> = [first.hint(), second.hint()].into_iter().flatten().collect();
    Error::new(ErrorKind::Device, format!("{}; {}", first.message(), second.message()))
        .with_hint(hints.join("; "))
}

/// The devices of the sound server, for what only a server can do.
pub(super) fn server() -> Result<Lists> {
    let (backend, lists) = current()?;
    if backend.is_server() {
        return Ok(lists);
    }
    // why there is no server, and what to install
    let server = BACKENDS.iter().find(|b| b.is_server()).ok_or_else(super::virtual_device::no_server)?;
    server.lists().and_then(|_| {
        Err(Error::new(ErrorKind::Device, format!("{WAYS} prefers {}", backend.name()))
            .with_hint("only a sound server can make devices that other programs see"))
    })
}

/// Whether one that is preferred to `backend` may be there now.
pub(super) fn is_better_there(backend: &dyn Backend) -> bool {
    let allowed = allowed().unwrap_or_default();
    allowed.iter().take_while(|b| b.name() != backend.name()).any(|b| b.may_be_there())
}

/// The microphone that is meant, and the way to it.
pub(super) fn microphone(choice: &DeviceChoice) -> Result<(&'static dyn Backend, AudioDevice)> {
    let (backend, lists) = current()?;
    Ok((backend, chosen(backend, choice, "microphone", &lists.inputs)?))
}

/// The speaker that is meant, and the way to it.
pub(super) fn speaker(choice: &DeviceChoice) -> Result<(&'static dyn Backend, AudioDevice)> {
    let (backend, lists) = current()?;
    Ok((backend, chosen(backend, choice, "speaker", &lists.outputs)?))
}

fn chosen(
    backend: &dyn Backend,
    choice: &DeviceChoice,
    what: &str,
    devices: &[AudioDevice],
) -> Result<AudioDevice> {
    choice.find(what, devices).cloned().or_else(|error| match choice {
        DeviceChoice::Named(name) => backend.unlisted(name).ok_or(error),
        _ => Err(error),
    })
}

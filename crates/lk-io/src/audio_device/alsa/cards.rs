// SPDX-License-Identifier: GPL-2.0-or-later
//! What cards there are, and news of them.
#![allow(unsafe_code)] // a foreign library

use super::DEFAULT;
use super::library::{Code, Library, Object, Quiet, check, library, text};
use super::pcm::{Direction, Made, Pcm};
use crate::audio_device::AudioDevice;
use crate::audio_device::backend::{Lists, Watching};
use lk_media::{CHANNELS, Error, ErrorKind, Result, SAMPLE_RATE, Wake};
use std::ffi::{CString, OsString, c_int, c_uint};
use std::time::Duration;

/// Where the system has its sound devices.
pub(super) const FOLDER: &str = "/dev/snd";

/// More cards or devices of one than this are not believed.
const MOST: usize = 64;

/// The devices of all cards, the default before them. An error where there is none that may be used.
pub(super) fn lists() -> Result<Lists> {
    let library = library()?;
    let _quiet = Quiet::new(library);
    let (mut inputs, mut outputs, mut denied) = (Vec::new(), Vec::new(), None);
    for number in numbers() {
        match Card::open(library, number) {
            Ok(card) => {
                outputs.extend(card.devices(Direction::Playback));
                inputs.extend(card.devices(Direction::Capture));
            }
            Err(code) => {
                denied = Some(refusal(number).unwrap_or(code).error(&format!("sound card {number}")))
            }
        }
    }
    if inputs.is_empty() && outputs.is_empty() {
        return Err(denied.filter(|e| e.kind() == ErrorKind::Device).unwrap_or_else(|| {
            Error::new(ErrorKind::Device, "there is no sound card")
                .with_hint("without a server, a sound card is needed")
        }));
    }
    for devices in [&mut inputs, &mut outputs] {
        distinct(devices);
        if let Some(first) = devices.first() {
            let (id, name) = (DEFAULT.to_owned(), "ALSA default".to_owned());
            devices.insert(0, AudioDevice { id, name, is_default: true, ..first.clone() });
        }
    }
    // SAFETY: it takes nothing and answers with a string that stays.
    let version = text(unsafe { (library.snd_asoundlib_version)() });
    Ok(Lists { server: format!("ALSA {version}, no sound server"), inputs, outputs })
}

/// Devices that have the same name get a number.
fn distinct(devices: &mut [AudioDevice]) {
    for n in 1..devices.len() {
        let (before, rest) = devices.split_at_mut(n);
        let base = rest[0].name.clone();
        let taken = |name: &str| before.iter().any(|d| d.name == name);
        if let Some(name) =
            (2..).map(|k| format!("{base} {k}")).find(|name| !taken(name)).filter(|_| taken(&base))
        {
            rest[0].name = name;
        }
    }
}

/// The numbers of the cards, also of those that this user may not use.
fn numbers() -> Vec<c_int> {
    let entries = std::fs::read_dir("/proc/asound").into_iter().flatten().flatten();
    let number = |name: OsString| name.to_str()?.strip_prefix("card")?.parse().ok();
    let mut numbers: Vec<c_int> = entries.filter_map(|entry| number(entry.file_name())).collect();
    numbers.sort_unstable();
    numbers.truncate(MOST);
    numbers
}

/// Why a card's own device cannot be opened: the library calls it missing where it is not allowed.
fn refusal(number: c_int) -> Option<Code> {
    let opened = std::fs::File::open(format!("{FOLDER}/controlC{number}"));
    opened.err()?.raw_os_error().map(Code)
}

/// A card's own device, for questions.
struct Card {
    library: &'static Library,
    raw: Object,
    number: c_int,
    id: String,
    name: String,
}

impl Drop for Card {
    fn drop(&mut self) {
        // SAFETY: opened by `open` and closed nowhere else.
        unsafe { (self.library.snd_ctl_close)(self.raw) };
    }
}

impl Card {
    fn open(library: &'static Library, number: c_int) -> Result<Self, Code> {
        let name = CString::new(format!("hw:{number}")).map_err(|_| Code(libc::ENOENT))?;
        let mut raw = std::ptr::null_mut();
        // SAFETY: a name that ends with a zero, and a place for the object.
        check(unsafe { (library.snd_ctl_open)(&mut raw, name.as_ptr(), 0) })?;
        let mut card = Self { library, raw, number, id: String::new(), name: String::new() };
        let info = Made::new(library.snd_ctl_card_info_malloc, library.snd_ctl_card_info_free)?;
        // SAFETY: objects of the library that live; its strings are copied while they do.
        unsafe {
            check((library.snd_ctl_card_info)(raw, info.raw))?;
            card.id = text((library.snd_ctl_card_info_get_id)(info.raw));
            card.name = text((library.snd_ctl_card_info_get_name)(info.raw));
        }
        Ok(card)
    }

    fn devices(&self, direction: Direction) -> Vec<AudioDevice> {
        let mut device: c_int = -1;
        let next = || {
            // SAFETY: an object that lives, and a place for a number.
            check(unsafe { (self.library.snd_ctl_pcm_next_device)(self.raw, &mut device) }).ok()?;
            c_uint::try_from(device).ok()
        };
        std::iter::from_fn(next).take(MOST).filter_map(|device| self.device(direction, device)).collect()
    }

    /// Device number `device`, if it has this direction.
    fn device(&self, direction: Direction, device: c_uint) -> Option<AudioDevice> {
        let l = self.library;
        let info = Made::new(l.snd_pcm_info_malloc, l.snd_pcm_info_free).ok()?;
        // SAFETY: objects of the library that live; its strings are copied while they do.
        let name = unsafe {
            (l.snd_pcm_info_set_device)(info.raw, device);
            (l.snd_pcm_info_set_subdevice)(info.raw, 0);
            (l.snd_pcm_info_set_stream)(info.raw, direction.code());
            check((l.snd_ctl_pcm_info)(self.raw, info.raw)).ok()?;
            text((l.snd_pcm_info_get_name)(info.raw))
        };
        let id = format!("hw:CARD={},DEV={device}", self.id);
        let looked = Pcm::raw(l, &id, direction).and_then(|pcm| pcm.widest());
        let (channels, rate) =
            looked.ok().or_else(|| self.in_use(direction, device)).unwrap_or((CHANNELS as u32, SAMPLE_RATE));
        let name = if name.is_empty() { self.name.clone() } else { format!("{}: {name}", self.name) };
        Some(AudioDevice { id, name, channels, rate, is_monitor: false, is_default: false })
    }

    /// Channels and rate of a device that somebody uses.
    fn in_use(&self, direction: Direction, device: c_uint) -> Option<(u32, u32)> {
        let letter = if direction == Direction::Playback { 'p' } else { 'c' };
        let path = format!("/proc/asound/card{}/pcm{device}{letter}/sub0/hw_params", self.number);
        let used = std::fs::read_to_string(path).ok()?;
        let value = |name: &str| {
            let line = used.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim_start_matches(':').split_whitespace().next()?.parse().ok()
        };
        Some((value("channels")?, value("rate")?))
    }
}

/// Looks at [`FOLDER`] now and then.
pub(super) struct Folder {
    known: Vec<OsString>,
    wake: Wake,
}

impl Folder {
    pub(super) fn new() -> Self {
        Self { known: names(), wake: Wake::new() }
    }
}

impl Watching for Folder {
    fn wait(&mut self, limit: Duration) -> Result<bool> {
        self.wake.wait(limit);
        let now = names();
        let changed = now != self.known;
        self.known = now;
        Ok(changed)
    }
}

fn names() -> Vec<OsString> {
    let mut names: Vec<_> =
        std::fs::read_dir(FOLDER).into_iter().flatten().flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        let device = |name: &str| AudioDevice {
            id: String::new(),
            name: name.to_owned(),
            channels: 2,
            rate: 48_000,
            is_monitor: false,
            is_default: false,
        };
        let mut devices = ["HDMI", "HDMI", "Line", "HDMI"].map(device);
        distinct(&mut devices);
        assert_eq!(devices.each_ref().map(|d| d.name.as_str()), ["HDMI", "HDMI 2", "Line", "HDMI 3"]);
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! Which devices there are.
#![allow(unsafe_code)] // calls of the system

use super::failed;
use crate::audio_device::AudioDevice;
use crate::audio_device::backend::{Lists, Watching};
use lk_media::clock::Deadline;
use lk_media::{Result, Wake};
use std::time::Duration;
use windows::Win32::Devices::FunctionDiscovery::PKEY_Device_FriendlyName;
use windows::Win32::Foundation::PROPERTYKEY;
use windows::Win32::Media::Audio::{
    DEVICE_STATE_ACTIVE, EDataFlow, IAudioClient, IMMDevice, IMMDeviceEnumerator, MMDeviceEnumerator,
    WAVEFORMATEX, eCapture, eConsole, eRender,
};
use windows::Win32::System::Com::StructuredStorage::PropVariantClear;
use windows::Win32::System::Com::{
    CLSCTX_ALL, COINIT_MULTITHREADED, CoCreateInstance, CoInitializeEx, CoTaskMemFree, STGM_READ,
};
use windows::Win32::System::Variant::VT_LPWSTR;
use windows::core::{HSTRING, PWSTR};

/// What stands after the id of a speaker where what it plays is meant.
const MONITOR: &str = ".monitor";
/// So often a change is looked for.
const LOOK: Duration = Duration::from_millis(500);

fn enumerator() -> Result<IMMDeviceEnumerator> {
    // SAFETY: COM is made ready for this thread first; that it was already is no error that matters.
    let made = unsafe {
        let _ = CoInitializeEx(None, COINIT_MULTITHREADED);
        CoCreateInstance(&MMDeviceEnumerator, None, CLSCTX_ALL)
    };
    made.map_err(|e| failed("the sound devices", &e))
}

/// Text that a call has made, which is given back.
fn taken(text: PWSTR) -> String {
    // SAFETY: text that ends in a zero, made for us.
    unsafe {
        let copy = text.to_string().unwrap_or_default();
        CoTaskMemFree(Some(text.0.cast_const().cast()));
        copy
    }
}

fn id_of(device: &IMMDevice) -> windows::core::Result<String> {
    // SAFETY: asks a device for its id.
    unsafe { device.GetId() }.map(taken)
}

fn name_of(device: &IMMDevice) -> windows::core::Result<String> {
    let key: PROPERTYKEY = PKEY_Device_FriendlyName;
    // SAFETY: the value is looked at as what it says it is, and given back.
    unsafe {
        let mut value = device.OpenPropertyStore(STGM_READ)?.GetValue(&raw const key)?;
        let inner = &value.Anonymous.Anonymous;
        let name = match inner.vt {
            VT_LPWSTR => inner.Anonymous.pwszVal.to_string().unwrap_or_default(),
            _ => String::new(),
        };
        PropVariantClear(&raw mut value)?;
        Ok(name)
    }
}

/// Channels and rate of the mix of all programs.
fn shape_of(device: &IMMDevice) -> windows::core::Result<(u32, u32)> {
    // SAFETY: what the format says lies where it is told, and is given back.
    unsafe {
        let client: IAudioClient = device.Activate(CLSCTX_ALL, None)?;
        let format = client.GetMixFormat()?;
        let read = format.read_unaligned();
        CoTaskMemFree(Some(format.cast_const().cast()));
        let WAVEFORMATEX { nChannels: channels, nSamplesPerSec: rate, .. } = read;
        Ok((u32::from(channels), rate))
    }
}

fn list(enumerator: &IMMDeviceEnumerator, flow: EDataFlow) -> Result<Vec<AudioDevice>> {
    let fail = |e: windows::core::Error| failed("the sound devices", &e);
    // SAFETY: asks for devices by their numbers.
    unsafe {
        let chosen = enumerator.GetDefaultAudioEndpoint(flow, eConsole).and_then(|d| id_of(&d)).ok();
        let all = enumerator.EnumAudioEndpoints(flow, DEVICE_STATE_ACTIVE).map_err(fail)?;
        let mut devices = Vec::new();
        for index in 0..all.GetCount().map_err(fail)? {
            // one that has just gone is none
            let Ok(device) = all.Item(index) else { continue };
            let (Ok(id), Ok(name)) = (id_of(&device), name_of(&device)) else { continue };
            let (channels, rate) = shape_of(&device).unwrap_or((2, 48_000));
            let is_default = chosen.as_deref() == Some(id.as_str());
            devices.push(AudioDevice { id, name, channels, rate, is_monitor: false, is_default });
        }
        devices.sort_by_key(|d| !d.is_default);
        Ok(devices)
    }
}

/// All of them.
pub(super) fn lists() -> Result<Lists> {
    let enumerator = enumerator()?;
    let (outputs, mut inputs) = (list(&enumerator, eRender)?, list(&enumerator, eCapture)?);
    inputs.extend(outputs.iter().map(|speaker| AudioDevice {
        id: format!("{}{MONITOR}", speaker.id),
        name: format!("Monitor of {}", speaker.name),
        is_monitor: true,
        is_default: false,
        ..speaker.clone()
    }));
    Ok(Lists { server: "Windows Audio".to_owned(), inputs, outputs })
}

/// The device of that id, or the default; and whether what it plays is meant.
pub(super) fn find(id: Option<&str>, flow: EDataFlow) -> Result<(IMMDevice, bool)> {
    let enumerator = enumerator()?;
    let found = match id {
        // SAFETY: asks for a device.
        None => unsafe { enumerator.GetDefaultAudioEndpoint(flow, eConsole) }.map(|device| (device, false)),
        Some(id) => {
            let (plain, is_monitor) = id.strip_suffix(MONITOR).map_or((id, false), |plain| (plain, true));
            // SAFETY: the text ends in a zero and lives through the call.
            unsafe { enumerator.GetDevice(&HSTRING::from(plain)) }.map(|device| (device, is_monitor))
        }
    };
    found.map_err(|e| failed(&format!("the sound device {}", id.unwrap_or("that is the default")), &e))
}

/// Looks for changes.
pub(super) struct Looking {
    known: Vec<AudioDevice>,
    wake: Wake,
}

impl Looking {
    pub fn new() -> Result<Self> {
        Ok(Self { known: both()?, wake: Wake::new() })
    }
}

fn both() -> Result<Vec<AudioDevice>> {
    let Lists { inputs, outputs, .. } = lists()?;
    Ok([outputs, inputs].concat())
}

impl Watching for Looking {
    fn wait(&mut self, limit: Duration) -> Result<bool> {
        let deadline = Deadline::after(limit.min(LOOK));
        while !deadline.has_passed() {
            self.wake.wait(deadline.left(LOOK));
        }
        let now = both()?;
        let changed = now != self.known;
        self.known = now;
        Ok(changed)
    }
}

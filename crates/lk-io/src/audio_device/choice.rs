// SPDX-License-Identifier: GPL-2.0-or-later
//! Which device is meant: by number, by name or part of it, or the default.

use super::{AudioDevice, backend};
use crate::encode::suggest::{nearest, or_list};
use lk_media::{Error, ErrorKind, Result};
use std::fmt;

/// Names a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The one the user has chosen for everything; when that changes, it is followed.
    #[default]
    Default,
    /// By place in the list, from 0.
    Index(usize),
    /// By id, name, or a part of them that only one has.
    Named(String),
}

impl From<&str> for DeviceChoice {
    fn from(name: &str) -> Self {
        match name.trim() {
            "" | "default" => Self::Default,
            name => Self::Named(name.to_owned()),
        }
    }
}

impl From<usize> for DeviceChoice {
    /// The first one is the default: lists begin with it.
    fn from(index: usize) -> Self {
        if index == 0 { Self::Default } else { Self::Index(index) }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Index(index) => write!(f, "{index}"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

impl DeviceChoice {
    /// An error if there is no such speaker now.
    pub fn check_speaker(&self) -> Result<()> {
        backend::speaker(self).map(drop)
    }

    /// The device among `devices`, all of which are of the kind `what` ("speaker").
    pub(super) fn find<'a>(&self, what: &str, devices: &'a [AudioDevice]) -> Result<&'a AudioDevice> {
        let missing = |message: String| Error::new(ErrorKind::DeviceNotFound, message);
        if devices.is_empty() {
            return Err(missing(format!("there is no {what} on this machine")).with_hint(
                "plug one in, or make one: VirtualSpeaker(\"Studio\"), VirtualMicrophone(\"Studio\")",
            ));
        }
        match self {
            Self::Default => Ok(devices.iter().find(|d| d.is_default).unwrap_or(&devices[0])),
            Self::Index(index) => devices
                .get(*index)
                .ok_or_else(|| missing(format!("there is no {what} {index}")).with_hint(listed(devices))),
            Self::Named(name) => named(name, devices).ok_or_else(|| unknown(name, what, devices)),
        }
    }
}

fn named<'a>(name: &str, devices: &'a [AudioDevice]) -> Option<&'a AudioDevice> {
    let lower = name.to_lowercase();
    let exact = devices.iter().find(|d| d.id == name).or_else(|| devices.iter().find(|d| d.name == name));
    exact.or_else(|| devices.iter().find(|d| d.name.to_lowercase() == lower)).or_else(|| {
        let parts = || devices.iter().filter(|d| is_part(&lower, d));
        // "Headset" means the headset's microphone rather than what is played to it
        only(parts()).or_else(|| only(parts().filter(|d| !d.is_monitor)))
    })
}

fn is_part(lower: &str, device: &AudioDevice) -> bool {
    device.name.to_lowercase().contains(lower) || device.id.to_lowercase().contains(lower)
}

fn only<'a>(mut devices: impl Iterator<Item = &'a AudioDevice>) -> Option<&'a AudioDevice> {
    devices.next().filter(|_| devices.next().is_none())
}

fn unknown(name: &str, what: &str, devices: &[AudioDevice]) -> Error {
    let lower = name.to_lowercase();
    let several: Vec<&str> = devices.iter().filter(|d| is_part(&lower, d)).map(|d| &*d.name).collect();
    let (message, near) = if several.len() > 1 {
        (format!("{name:?} may be several {what}s"), several)
    } else {
        let near = nearest(name, devices.iter().flat_map(|d| [&*d.name, &*d.id]));
        (format!("there is no {what} {name:?}"), near)
    };
    let hint = if near.is_empty() {
        listed(devices)
    } else {
        let near: Vec<String> = near.iter().map(|n| format!("{n:?}")).collect();
        let near: Vec<&str> = near.iter().map(String::as_str).collect();
        format!("did you mean {}? {}", or_list(&near), listed(devices))
    };
    Error::new(ErrorKind::DeviceNotFound, message).with_hint(hint)
}

fn listed(devices: &[AudioDevice]) -> String {
    let names: Vec<String> = devices.iter().enumerate().map(|(n, d)| format!("{n} {:?}", d.name)).collect();
    format!("there are: {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(id: &str, name: &str, is_monitor: bool, is_default: bool) -> AudioDevice {
        AudioDevice { id: id.into(), name: name.into(), channels: 2, rate: 48_000, is_monitor, is_default }
    }

    #[test]
    fn devices_are_found_by_number_name_and_part() {
        let devices = [
            device("usb", "USB Headset", false, false),
            device("pci", "Built-in Audio", false, true),
            device("usb.monitor", "Monitor of USB Headset", true, false),
        ];
        let find = |choice: DeviceChoice| choice.find("microphone", &devices).map(|d| d.id.clone());
        assert_eq!(find("default".into()).unwrap(), "pci");
        assert_eq!(find(DeviceChoice::Index(2)).unwrap(), "usb.monitor");
        assert_eq!(find("built".into()).unwrap(), "pci");
        assert_eq!(find("headset".into()).unwrap(), "usb");
        assert_eq!(find("monitor of usb headset".into()).unwrap(), "usb.monitor");
        let error = find("USB Hedset".into()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DeviceNotFound);
        assert!(error.hint().unwrap().starts_with("did you mean \"USB Headset\""), "{error}");
        assert!(find(DeviceChoice::Index(3)).unwrap_err().hint().unwrap().contains("1 \"Built-in Audio\""));
        assert!(find("u".into()).unwrap_err().message().contains("several"));
        assert!(DeviceChoice::Default.find("speaker", &[]).is_err());
    }
}

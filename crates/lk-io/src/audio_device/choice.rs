// SPDX-License-Identifier: GPL-2.0-or-later
//! Which device is meant: by number, by name or part of it, or the default.

use super::{AudioDevice, backend};
use crate::choose;
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
        if devices.is_empty() {
            let message = format!("there is no {what} on this machine");
            return Err(Error::new(ErrorKind::DeviceNotFound, message).with_hint(
                "plug one in, or make one: VirtualSpeaker(\"Studio\"), VirtualMicrophone(\"Studio\")",
            ));
        }
        match self {
            Self::Default => Ok(devices.iter().find(|d| d.is_default).unwrap_or(&devices[0])),
            Self::Index(index) => choose::by_index(*index, what, devices),
            Self::Named(name) => choose::by_name(name, what, devices),
        }
    }
}

impl choose::Listed for AudioDevice {
    fn id(&self) -> &str {
        &self.id
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn comes_after(&self) -> bool {
        self.is_monitor
    }
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

// SPDX-License-Identifier: GPL-2.0-or-later
//! Which device is meant by a number, a name or a part of one.

use crate::encode::suggest::{nearest, or_list};
use lk_media::{Error, ErrorKind, Result};

/// A device of a list.
pub(crate) trait Listed {
    /// What the system knows it by.
    fn id(&self) -> &str;
    /// What people call it.
    fn name(&self) -> &str;
    /// Where the system has it, if people say that too.
    fn address(&self) -> &str {
        ""
    }
    /// Whether others are meant rather than it by a part of a name that both have.
    fn comes_after(&self) -> bool {
        false
    }
}

/// The device of number `index` among those of kind `what` ("speaker").
pub(crate) fn by_index<'a, D: Listed>(index: usize, what: &str, devices: &'a [D]) -> Result<&'a D> {
    devices.get(index).ok_or_else(|| {
        Error::new(ErrorKind::DeviceNotFound, format!("there is no {what} {index}"))
            .with_hint(listed(devices))
    })
}

/// The device called `name`, or the only one with that in its name.
pub(crate) fn by_name<'a, D: Listed>(name: &str, what: &str, devices: &'a [D]) -> Result<&'a D> {
    find(name, devices).ok_or_else(|| unknown(name, what, devices))
}

fn find<'a, D: Listed>(name: &str, devices: &'a [D]) -> Option<&'a D> {
    let lower = name.to_lowercase();
    let exactly = |of: fn(&D) -> &str| devices.iter().find(|d| of(d) == name);
    let exact = exactly(D::id).or_else(|| exactly(D::address)).or_else(|| exactly(D::name));
    exact.or_else(|| devices.iter().find(|d| d.name().to_lowercase() == lower)).or_else(|| {
        let parts = || devices.iter().filter(|d| is_part(&lower, *d));
        // "Headset" means the headset's microphone rather than what is played to it
        only(parts()).or_else(|| only(parts().filter(|d| !d.comes_after())))
    })
}

fn is_part<D: Listed>(lower: &str, device: &D) -> bool {
    let has = |text: &str| text.to_lowercase().contains(lower);
    !lower.is_empty() && (has(device.name()) || has(device.id()) || has(device.address()))
}

fn only<'a, D>(mut devices: impl Iterator<Item = &'a D>) -> Option<&'a D> {
    devices.next().filter(|_| devices.next().is_none())
}

fn unknown<D: Listed>(name: &str, what: &str, devices: &[D]) -> Error {
    let lower = name.to_lowercase();
    let several: Vec<&str> = devices.iter().filter(|d| is_part(&lower, *d)).map(D::name).collect();
    let (message, near) = if several.len() > 1 {
        (format!("{name:?} may be several {what}s"), several)
    } else {
        let near = nearest(name, devices.iter().flat_map(|d| [d.name(), d.id()]));
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

fn listed<D: Listed>(devices: &[D]) -> String {
    let names: Vec<String> = devices
        .iter()
        .enumerate()
        .map(|(n, d)| match d.address() {
            "" => format!("{n} {:?}", d.name()),
            address => format!("{n} {:?} ({address})", d.name()),
        })
        .collect();
    format!("there are: {}", names.join(", "))
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! Cameras that the kernel has drivers for: USB cameras, capture cards, `v4l2loopback`.

mod formats;
mod nodes;
mod offers;
mod stream;
mod trouble;

use super::backend::{Backend, Found, Stream, Watch};
use super::mode::modes;
use super::{CameraInfo, CameraOptions};
use crate::v4l2::raw::{self, Device};
use lk_media::Result;
use rustix::io::Errno;
use std::path::Path;

/// The kernel's cameras.
pub(super) struct V4l2;

const NAME: &str = "V4L2";

impl Backend for V4l2 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cameras(&self) -> Result<Vec<Found>> {
        let mut found: Vec<Found> =
            nodes::all().iter().filter_map(|(number, node)| look_at(*number, node)).collect();
        // makers who give every camera the same serial number
        for n in 0..found.len() {
            let id = found[n].info.id.clone();
            if found.iter().filter(|f| f.info.id == id).count() > 1 {
                found.iter_mut().filter(|f| f.info.id == id).for_each(|f| f.info.id = f.place.clone());
            }
        }
        Ok(found)
    }

    fn open(&self, camera: &Found, options: &CameraOptions) -> Result<Box<dyn Stream>> {
        stream::open(camera, options).map(|s| Box::new(s) as _)
    }

    fn watch(&self) -> Box<dyn Watch> {
        Box::new(nodes::Nodes::new())
    }
}

/// The camera behind a device node, if there is one.
fn look_at(number: u32, node: &Path) -> Option<Found> {
    let place = nodes::Place::of(number);
    let (name, bus, modes) = match Device::open(node) {
        Ok(device) => {
            let capability = device.capability().ok()?;
            if !capability.can(raw::CAN_CAPTURE | raw::CAN_STREAM) {
                return None;
            }
            let offers: Vec<_> = offers::all(&device).into_iter().map(|(_, offer)| offer).collect();
            (raw::text(&capability.card), raw::text(&capability.bus_info), modes(&offers))
        }
        // it is there, but not for us: the first node of a camera is the one with pictures
        Err(Errno::ACCESS | Errno::PERM | Errno::BUSY) if place.index.is_none_or(|n| n == 0) => {
            (place.name.clone()?, String::new(), Vec::new())
        }
        Err(_) => return None,
    };
    let bus = if bus.is_empty() { node.display().to_string() } else { bus };
    let place_id = place.with_index(&bus);
    let info = CameraInfo {
        id: place.serial_id().unwrap_or_else(|| place_id.clone()),
        name: if name.is_empty() { node.display().to_string() } else { name },
        address: node.display().to_string(),
        backend: NAME,
        modes,
    };
    Some(Found { info, node: Some(node.to_owned()), place: place_id })
}

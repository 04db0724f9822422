// SPDX-License-Identifier: GPL-2.0-or-later
//! Device nodes, and what the kernel says of the hardware behind them. Works without udev.

use crate::camera::backend::Watch;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The nodes there are, by their numbers.
pub(super) fn all() -> Vec<(u32, PathBuf)> {
    let entries = fs::read_dir("/dev").into_iter().flatten().flatten();
    let mut nodes: Vec<(u32, PathBuf)> =
        entries.filter_map(|e| Some((number(e.file_name().to_str()?)?, e.path()))).collect();
    nodes.sort();
    nodes
}

fn number(name: &str) -> Option<u32> {
    name.strip_prefix("video").filter(|n| n.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()
}

/// Where a node's hardware sits, as far as the kernel tells.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// What the driver calls it.
    pub name: Option<String>,
    /// Which of the hardware's nodes it is.
    pub index: Option<u32>,
    /// Maker, product and serial number, if it is on USB and has one.
    usb: Option<[String; 3]>,
}

impl Place {
    pub(super) fn of(number: u32) -> Self {
        Self::at(&Path::new("/sys/class/video4linux").join(format!("video{number}")))
    }

    fn at(folder: &Path) -> Self {
        // the hardware is the USB interface; the device it belongs to lies above
        let usb = folder.join("device").canonicalize().ok().and_then(|interface| {
            let device = interface.parent()?;
            let said = |what: &str| line(&device.join(what));
            Some([said("idVendor")?, said("idProduct")?, said("serial")?])
        });
        let index = line(&folder.join("index")).and_then(|n| n.parse().ok());
        Self { name: line(&folder.join("name")), index, usb }
    }

    /// The same wherever it is plugged in; None without a serial number.
    pub(super) fn serial_id(&self) -> Option<String> {
        let [maker, product, serial] = self.usb.as_ref()?;
        Some(self.with_index(&format!("usb-{maker}:{product}-{serial}")))
    }

    /// `name`, and which of the nodes it is if it is not the first.
    pub(super) fn with_index(&self, name: &str) -> String {
        match self.index {
            None | Some(0) => name.to_owned(),
            Some(index) => format!("{name}-{index}"),
        }
    }
}

fn line(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A node as it is now: one that was made anew, or that we may open now, is another.
type Stamp = (PathBuf, u64, u64, i64, i64);

/// Looks at the nodes.
pub(super) struct Nodes(Vec<Stamp>);

impl Nodes {
    pub(super) fn new() -> Self {
        Self(stamps())
    }
}

fn stamps() -> Vec<Stamp> {
    let stamp = |(_, path): (u32, PathBuf)| {
        let m = fs::metadata(&path).ok()?;
        Some((path, m.rdev(), m.ino(), m.ctime(), m.ctime_nsec()))
    };
    all().into_iter().filter_map(stamp).collect()
}

impl Watch for Nodes {
    fn changed(&mut self) -> bool {
        let now = stamps();
        let changed = now != self.0;
        self.0 = now;
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_nodes() {
        assert_eq!(
            ["video0", "video12", "video", "videox", "vbi0", "video-1"].map(number)[..2],
            [Some(0), Some(12)]
        );
        assert!(
            ["video", "videox", "vbi0", "video-1", "video99999999999"].iter().all(|n| number(n).is_none())
        );
    }

    #[test]
    fn the_hardware_is_known_by_its_serial_number() {
        let root = std::env::temp_dir().join(format!("lk-sysfs-{}", std::process::id()));
        let interface = root.join("usb1/1-1/1-1:1.0");
        fs::create_dir_all(&interface).unwrap();
        let (node, device) = (root.join("video3"), root.join("usb1/1-1"));
        fs::create_dir_all(&node).unwrap();
        std::os::unix::fs::symlink(&interface, node.join("device")).unwrap();
        for (folder, name, text) in [
            (&node, "name", "HD Webcam\n"),
            (&node, "index", "2\n"),
            (&device, "idVendor", "046d\n"),
            (&device, "idProduct", "0825\n"),
        ] {
            fs::write(folder.join(name), text).unwrap();
        }
        let place = Place::at(&node);
        assert_eq!((place.name.as_deref(), place.index), (Some("HD Webcam"), Some(2)));
        assert_eq!((place.serial_id(), place.with_index("usb-1.1")), (None, "usb-1.1-2".to_owned()));
        fs::write(device.join("serial"), "A1B2\n").unwrap();
        assert_eq!(Place::at(&node).serial_id().as_deref(), Some("usb-046d:0825-A1B2-2"));
        fs::remove_dir_all(&root).unwrap();
        assert!(Place::at(&node).name.is_none());
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! Which camera is meant.

use super::CameraInfo;
use super::backend::Found;
use crate::choose::{self, Listed};
use lk_media::{Error, ErrorKind, Result};
use std::fmt;
use std::path::Path;

/// Names a camera.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CameraChoice {
    /// By place in the list, from 0.
    Index(usize),
    /// By id, name, device node ("/dev/video0"), or a part of them that only one has.
    Named(String),
}

impl Default for CameraChoice {
    /// The first one.
    fn default() -> Self {
        Self::Index(0)
    }
}

impl From<&str> for CameraChoice {
    /// A number is a place in the list, nothing the first one.
    fn from(name: &str) -> Self {
        match name.trim() {
            "" => Self::default(),
            name => name.parse().map_or_else(|_| Self::Named(name.to_owned()), Self::Index),
        }
    }
}

impl fmt::Display for CameraChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "{index}"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

impl Listed for CameraInfo {
    fn id(&self) -> &str {
        &self.id
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn address(&self) -> &str {
        &self.address
    }
}

impl Listed for Found {
    fn id(&self) -> &str {
        &self.info.id
    }

    fn name(&self) -> &str {
        &self.info.name
    }

    fn address(&self) -> &str {
        &self.info.address
    }
}

impl CameraChoice {
    /// The camera among those there are.
    pub(super) fn find<'a>(&self, cameras: &'a [Found]) -> Result<&'a Found> {
        if let Self::Named(name) = self
            && Path::new(name).is_absolute()
        {
            return by_path(Path::new(name), cameras);
        }
        if cameras.is_empty() {
            return Err(Error::new(ErrorKind::DeviceNotFound, "there is no camera on this machine").with_hint(
                "plug one in; into a container it is handed with --device /dev/video0. `livekit-studio devices` lists \
                 them",
            ));
        }
        match self {
            Self::Index(index) => choose::by_index(*index, "camera", cameras),
            Self::Named(name) => choose::by_name(name, "camera", cameras),
        }
    }
}

/// A device node or a link to one.
fn by_path<'a>(path: &Path, cameras: &'a [Found]) -> Result<&'a Found> {
    let node = path.canonicalize();
    let found = node.as_ref().ok().and_then(|n| cameras.iter().find(|c| c.node.as_ref() == Some(n)));
    found.ok_or_else(|| {
        let missing = |message: String| Error::new(ErrorKind::DeviceNotFound, message);
        let there: Vec<String> =
            cameras.iter().map(|c| format!("{:?} ({})", c.info.name, c.info.address)).collect();
        let hint = match there.as_slice() {
            [] => "there is no camera on this machine".to_owned(),
            there => format!("there are: {}", there.join(", ")),
        };
        match node {
            Ok(_) => {
                missing(format!("{} is no camera: it gives no pictures", path.display())).with_hint(hint)
            }
            Err(_) => missing(format!("there is no {}", path.display())).with_hint(hint),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn camera(id: &str, name: &str, node: &str) -> Found {
        let info = CameraInfo {
            id: id.to_owned(),
            name: name.to_owned(),
            address: node.to_owned(),
            backend: "V4L2",
            modes: Vec::new(),
        };
        Found { info, node: Some(PathBuf::from(node)), place: String::new() }
    }

    #[test]
    fn cameras_are_found_by_number_name_id_part_and_node() {
        // nodes that exist everywhere stand in for devices
        let all = [
            camera("usb-046d:0825-A1", "HD Webcam C270", "/dev/null"),
            camera("usb-1bcf:2281-1", "Integrated Camera", "/dev/zero"),
        ];
        let find = |name: &str| CameraChoice::from(name).find(&all).map(|c| c.info.id.as_str());
        assert_eq!(find("").unwrap(), "usb-046d:0825-A1");
        assert_eq!(find("1").unwrap(), "usb-1bcf:2281-1");
        assert_eq!(find("integrated camera").unwrap(), "usb-1bcf:2281-1");
        assert_eq!(find("c270").unwrap(), "usb-046d:0825-A1");
        assert_eq!(find("usb-1bcf:2281-1").unwrap(), "usb-1bcf:2281-1");
        assert_eq!(find("/dev/zero").unwrap(), "usb-1bcf:2281-1");
        assert_eq!(find("/dev/../dev/null").unwrap(), "usb-046d:0825-A1");
        let wrong = |name: &str| find(name).unwrap_err();
        for name in ["7", "Integratd Camera", "usb-", "/dev/full", "/dev/video99"] {
            assert_eq!(wrong(name).kind(), ErrorKind::DeviceNotFound, "{name}");
            assert!(wrong(name).hint().unwrap().contains("(/dev/null)"), "{}", wrong(name));
        }
        assert!(wrong("Integratd Camera").hint().unwrap().starts_with("did you mean \"Integrated Camera\""));
        assert!(wrong("usb-").message().contains("several"));
        assert!(wrong("/dev/full").message().contains("no camera"));
        assert!(CameraChoice::default().find(&[]).unwrap_err().hint().unwrap().contains("plug one in"));
    }
}

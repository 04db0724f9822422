// SPDX-License-Identifier: GPL-2.0-or-later
//! The ways out: which there are, and which is taken.

#[cfg(target_os = "linux")]
use super::pipewire::Node;
#[cfg(target_os = "linux")]
use super::v4l2loopback::Loopback;
use lk_media::{Error, ErrorKind, Frame, FrameRate, FrameSpec, PixelFormat, Result, Size};
use std::fmt;

/// Where other programs find a virtual camera.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CameraDevice {
    /// The first v4l2loopback device that is free; a node of PipeWire's if there is none.
    #[default]
    Any,
    /// The first v4l2loopback device that is free.
    Loopback,
    /// That device: its file, or (a part of) the name on its card.
    Named(String),
    /// A node of PipeWire's.
    PipeWire,
}

impl From<&str> for CameraDevice {
    /// "", "v4l2loopback" and "pipewire", or the name or file of a device; 7 is /dev/video7.
    fn from(name: &str) -> Self {
        match name.trim() {
            "" => Self::Any,
            "v4l2loopback" => Self::Loopback,
            "pipewire" => Self::PipeWire,
            number if number.bytes().all(|b| b.is_ascii_digit()) => {
                Self::Named(format!("/dev/video{number}"))
            }
            name => Self::Named(name.to_owned()),
        }
    }
}

impl fmt::Display for CameraDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any",
            Self::Loopback => "v4l2loopback",
            Self::Named(name) => name,
            Self::PipeWire => "pipewire",
        })
    }
}

/// What a camera is to be.
#[derive(Clone, Debug)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub(super) struct Wanted {
    pub name: String,
    pub size: Size,
    pub rate: FrameRate,
    /// Formats of its pictures, the best first.
    pub formats: Vec<PixelFormat>,
}

/// An open way out.
pub(super) trait Output: Send {
    /// "v4l2loopback", "pipewire".
    fn backend(&self) -> &'static str;

    /// What people and programs find it by: "/dev/video10", the name of a node.
    fn device(&self) -> &str;

    /// What its pictures are now; those who look may have chosen.
    fn spec(&self) -> FrameSpec;

    /// Whether anybody looks, as far as that is known: nobody needs pictures otherwise.
    fn is_watched(&self) -> bool {
        true
    }

    /// Why it is away at the moment, if it is and comes back by itself.
    fn lost(&self) -> Option<Error> {
        None
    }

    /// Hands a picture of that kind over, without waiting for anybody. After an error it is opened anew.
    fn show(&mut self, picture: &Frame) -> Result<()>;
}

/// What can be installed or loaded.
const LOAD: &str = "sudo apt install v4l2loopback-dkms && sudo modprobe v4l2loopback exclusive_caps=1 \
                    card_label=LiveKit";

/// Opens the way out that `device` names.
pub(super) fn open(device: &CameraDevice, wanted: &Wanted) -> Result<Box<dyn Output>> {
    match device {
        CameraDevice::Named(name) => loopback(Some(name), wanted),
        CameraDevice::Loopback => loopback(None, wanted),
        CameraDevice::PipeWire => pipewire(wanted),
        CameraDevice::Any => loopback(None, wanted).or_else(|first| match pipewire(wanted) {
            Ok(node) => Ok(node),
            // something stands in the way of a device that is there: that is the news
            Err(_) if first.kind() != ErrorKind::Device => Err(first),
            Err(second) => Err(neither(&second)),
        }),
    }
}

/// The ways out there are, for people: the devices of v4l2loopback's, PipeWire. An error if there is none.
pub fn ways_out() -> Result<Vec<String>> {
    let mut found = loopbacks();
    match pipewire_is_there() {
        Ok(()) => found.push("PipeWire".to_owned()),
        Err(e) if found.is_empty() => return Err(neither(&e)),
        Err(_) => {}
    }
    Ok(found)
}

fn neither(pipewire: &Error) -> Error {
    let reason = pipewire.message();
    Error::new(
        ErrorKind::Device,
        format!(
            "there is no way out for a virtual camera: no v4l2loopback device, and no PipeWire ({reason})"
        ),
    )
    .with_hint(format!("either: {LOAD}, or start PipeWire: sudo apt install pipewire wireplumber"))
}

/// What is said where the kernel has no device for it.
pub(super) fn no_loopback() -> Error {
    Error::new(ErrorKind::Device, "there is no v4l2loopback device on this machine").with_hint(LOAD)
}

#[cfg(target_os = "linux")]
fn loopback(name: Option<&str>, wanted: &Wanted) -> Result<Box<dyn Output>> {
    Ok(Box::new(Loopback::open(name, wanted)?))
}

#[cfg(not(target_os = "linux"))]
fn loopback(_name: Option<&str>, _wanted: &Wanted) -> Result<Box<dyn Output>> {
    Err(no_loopback())
}

#[cfg(target_os = "linux")]
fn loopbacks() -> Vec<String> {
    super::v4l2loopback::devices()
}

#[cfg(not(target_os = "linux"))]
fn loopbacks() -> Vec<String> {
    Vec::new()
}

#[cfg(target_os = "linux")]
fn pipewire_is_there() -> Result<()> {
    crate::pipewire::video_nodes().map(drop)
}

#[cfg(not(target_os = "linux"))]
fn pipewire_is_there() -> Result<()> {
    Err(Error::new(ErrorKind::Device, "there is no PipeWire on this system"))
}

#[cfg(target_os = "linux")]
fn pipewire(wanted: &Wanted) -> Result<Box<dyn Output>> {
    Ok(Box::new(Node::open(wanted)?))
}

#[cfg(not(target_os = "linux"))]
fn pipewire(_wanted: &Wanted) -> Result<Box<dyn Output>> {
    Err(pipewire_is_there().err().unwrap_or_else(no_loopback))
}

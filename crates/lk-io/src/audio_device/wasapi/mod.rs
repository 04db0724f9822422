// SPDX-License-Identifier: GPL-2.0-or-later
//! The sound devices of Windows, shared with other programs by its audio service, which also brings any rate and any
//! number of channels to ours.

mod devices;
mod streams;

use super::backend::{Backend, Hearing, Lists, MakeGiver, MakeTaker, Playing, Wanted, Watching};
use lk_media::{Error, ErrorKind, Result};

/// The way to them.
pub(super) struct Wasapi;

impl Backend for Wasapi {
    fn name(&self) -> &'static str {
        "wasapi"
    }

    fn may_be_there(&self) -> bool {
        true
    }

    fn lists(&self) -> Result<Lists> {
        devices::lists()
    }

    fn play(&self, wanted: &Wanted, giver: &MakeGiver) -> Result<Box<dyn Playing>> {
        Ok(Box::new(streams::Playback::open(wanted, giver())?))
    }

    fn hear(&self, wanted: &Wanted, taker: &MakeTaker) -> Result<Box<dyn Hearing>> {
        Ok(Box::new(streams::Capture::open(wanted, taker())?))
    }

    fn watch(&self) -> Result<Box<dyn Watching>> {
        Ok(Box::new(devices::Looking::new()?))
    }
}

/// What the service said of `what`. A device that has gone is lost; it may come back.
fn failed(what: &str, error: &windows::core::Error) -> Error {
    use windows::Win32::Media::Audio::{
        AUDCLNT_E_DEVICE_IN_USE, AUDCLNT_E_DEVICE_INVALIDATED, AUDCLNT_E_SERVICE_NOT_RUNNING,
    };
    let made = |kind| Error::new(kind, format!("{what}: {} (0x{:08x})", error.message(), error.code().0));
    match error.code() {
        AUDCLNT_E_DEVICE_INVALIDATED => made(ErrorKind::DeviceLost),
        AUDCLNT_E_DEVICE_IN_USE => {
            made(ErrorKind::DeviceBusy).with_hint("another program has it for itself alone")
        }
        AUDCLNT_E_SERVICE_NOT_RUNNING => made(ErrorKind::Device).with_hint("start the service Windows Audio"),
        _ => made(ErrorKind::Device),
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! The host: from what is shared to a way out, until it is told to end.

use super::super::VirtualCamera;
use super::lock::Held;
use super::settings::CameraSettings;
use super::standby;
use super::status::HostStatus;
use crate::ipc::{IpcFolder, IpcSource};
use lk_media::clock::Deadline;
use lk_media::{Cancel, Delivery, ErrorKind, Frame, Result, SourceState, VideoSource, VideoTarget, Wake};
use std::time::Duration;

/// How often is looked for an end, and for a writer that has gone.
const LOOK: Duration = Duration::from_millis(100);
/// How often is told how things are, and a way out looked for.
const TELL: Duration = Duration::from_secs(1);
/// How long the last picture of a writer stays that has gone.
const STAYS: Duration = Duration::from_secs(1);

/// Runs the host until `cancel`. Without a way out it waits for one; Busy if there is a host already.
pub fn run_host(settings: &CameraSettings, cancel: &Cancel, mut news: impl FnMut(&HostStatus)) -> Result<()> {
    settings.check()?;
    let folder = IpcFolder::default();
    let held = Held::take(&folder)?;
    let mut status = HostStatus { process: std::process::id(), ..HostStatus::default() };
    let mut tell = |status: &HostStatus, before: &HostStatus| {
        held.tell(status);
        if (&status.state, &status.device, &status.writer) != (&before.state, &before.device, &before.writer)
        {
            news(status);
        }
    };
    let source = IpcSource::open(&settings.mapping_name, &folder)?;
    let standby = standby::picture(settings.size, &settings.mapping_name)?;
    let Some(camera) = open(settings, cancel, &mut status, &mut tell)? else { return Ok(()) };
    let (mut seq, mut shown, mut next_word) = (0, Shown::Nothing, Deadline::after(Duration::ZERO));
    let mut gone = Deadline::after(Duration::ZERO);
    while !cancel.is_cancelled() {
        let state = source.state();
        let mut changed = false;
        if let Some((at, frame)) = source.next(seq, Deadline::after(LOOK)) {
            seq = at + 1;
            camera.offer(&frame, Delivery::Live)?;
            changed = shown.change(Shown::Pictures);
            gone = Deadline::after(STAYS);
        } else if matches!(state, SourceState::Live | SourceState::Stalled) {
            gone = Deadline::after(STAYS);
        } else if gone.has_passed() && shown.change(Shown::Standby) {
            camera.offer(&due(&standby), Delivery::Live)?;
            changed = true;
        }
        if changed || next_word.has_passed() {
            next_word = Deadline::after(TELL);
            let before = status.clone();
            let lost = matches!(camera.state(), SourceState::Reconnecting);
            let word = match shown {
                _ if lost => "waiting",
                Shown::Pictures => "live",
                _ => "standby",
            };
            status.state = word.to_owned();
            status.reason = lost.then(|| format!("{} is lost", camera.device()));
            status.backend = Some(camera.backend().to_owned());
            status.device = Some(camera.device());
            status.writer = source.writer();
            status.frames = camera.counts().frames;
            tell(&status, &before);
        }
    }
    Ok(())
}

/// What is shown.
#[derive(PartialEq)]
enum Shown {
    Nothing,
    Standby,
    Pictures,
}

impl Shown {
    fn change(&mut self, new: Self) -> bool {
        let changed = *self != new;
        *self = new;
        changed
    }
}

fn due(standby: &Frame) -> Frame {
    standby.at(<dyn lk_media::Clock>::live().now())
}

/// Waits for a way out; None if it is told to end before there is one.
fn open(
    settings: &CameraSettings,
    cancel: &Cancel,
    status: &mut HostStatus,
    tell: &mut impl FnMut(&HostStatus, &HostStatus),
) -> Result<Option<VirtualCamera>> {
    let pause = Wake::new();
    while !cancel.is_cancelled() {
        let error = match VirtualCamera::open(settings.size, settings.fps, &settings.options()) {
            Ok(camera) => return Ok(Some(camera)),
            Err(e) => e,
        };
        let may_come = matches!(
            error.kind(),
            ErrorKind::Device | ErrorKind::DeviceNotFound | ErrorKind::DeviceBusy | ErrorKind::DeviceLost
        );
        if !may_come {
            return Err(error);
        }
        let before = status.clone();
        (status.state, status.reason) = ("waiting".to_owned(), Some(error.to_string()));
        tell(status, &before);
        cancel.wait(&pause, Deadline::after(TELL));
    }
    Ok(None)
}

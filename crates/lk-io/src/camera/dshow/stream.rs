// SPDX-License-Identifier: GPL-2.0-or-later
//! A camera that runs: a graph of its filter and ours, which hands pictures to the camera's thread.
#![allow(unsafe_code)] // calls of the system

use super::kinds::{self, Kind};
use super::sink::{Sink, Taker};
use super::{failed, filter_of, id_of, monikers};
use crate::camera::CameraOptions;
use crate::camera::backend::{Found, Stream, Taken};
use crate::camera::mode::{CameraMode, choose};
use crate::camera::picture::Pictures;
use crate::com::Com;
use crossbeam_channel::{Receiver, RecvTimeoutError, TrySendError, bounded};
use lk_media::{Clock, Error, ErrorKind, Result, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use windows::Win32::Media::DirectShow::{
    EC_COMPLETE, EC_DEVICE_LOST, EC_ERRORABORT, IAMStreamConfig, IGraphBuilder, IMediaControl, IMediaEvent,
};
use windows::Win32::Media::MediaFoundation::CLSID_FilterGraph;
use windows::Win32::System::Com::{CLSCTX_INPROC_SERVER, CoCreateInstance};
use windows::core::{Interface, w};

/// Pictures that wait to be read; one more and it is lost.
const QUEUE: usize = 4;

pub(super) struct Running {
    name: String,
    mode: CameraMode,
    pictures: Pictures,
    came: Receiver<(Vec<u8>, Timestamp)>,
    lost: Arc<AtomicU64>,
    events: IMediaEvent,
    control: IMediaControl,
    // the last to go
    _com: Com,
}

/// Starts a camera.
pub(super) fn open(camera: &Found, options: &CameraOptions) -> Result<Running> {
    let com = Com::enter();
    let name = &camera.info.name;
    let fail = |e: windows::core::Error| failed(name, &e);
    let gone = || Error::new(ErrorKind::DeviceLost, format!("{name} was unplugged"));
    let same = |m: &windows::Win32::System::Com::IMoniker| id_of(m).as_ref() == Some(&camera.info.id);
    let moniker = monikers()?.into_iter().find(same).ok_or_else(gone)?;
    let filter = filter_of(&moniker).map_err(fail)?;
    let pin = kinds::pin_of(&filter)
        .ok_or_else(|| Error::new(ErrorKind::DeviceNotFound, format!("{name} gives no pictures")))?;
    let (offers, mut types): (Vec<_>, Vec<Kind>) = kinds::offers(&filter).into_iter().unzip();
    let mode = choose(name, &offers, options)?;
    let place = offers.iter().position(|offer| offer.has(&mode));
    let mut kind = types.swap_remove(place.ok_or_else(|| Error::internal("a mode from nowhere"))?);
    kind.set_rate(mode.rate);
    let pictures = Pictures::new(name, kind.layout(&mode))?;

    let (sender, came) = bounded(QUEUE);
    let lost = Arc::new(AtomicU64::new(0));
    let count = lost.clone();
    let take: Taker = Box::new(move |bytes: &[u8]| {
        let at = <dyn Clock>::live().now();
        if let Err(TrySendError::Full(_)) = sender.try_send((bytes.to_vec(), at)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    // SAFETY: objects of the system's and of the camera's, used on this thread; the type lives through the calls.
    let (events, control) = unsafe {
        pin.cast::<IAMStreamConfig>().and_then(|config| config.SetFormat(kind.as_ptr())).map_err(fail)?;
        let graph: IGraphBuilder =
            CoCreateInstance(&CLSID_FilterGraph, None, CLSCTX_INPROC_SERVER).map_err(fail)?;
        graph.AddFilter(&filter, w!("camera")).map_err(fail)?;
        let sink = Sink::new(take, kind).map_err(fail)?;
        graph.AddFilter(&sink.filter, w!("LiveKit")).map_err(fail)?;
        graph.ConnectDirect(&pin, &sink.pin, Some(sink.kind())).map_err(fail)?;
        let control: IMediaControl = graph.cast().map_err(fail)?;
        control.Run().map_err(fail)?;
        (graph.cast().map_err(fail)?, control)
    };
    tracing::debug!("{name}: {mode}");
    Ok(Running { name: name.clone(), mode, pictures, came, lost, events, control, _com: com })
}

impl Stream for Running {
    fn mode(&self) -> CameraMode {
        self.mode
    }

    fn next(&mut self, limit: Duration) -> Result<Taken> {
        let (bytes, at) = match self.came.recv_timeout(limit) {
            Ok(came) => came,
            Err(RecvTimeoutError::Timeout) => return self.look(),
            Err(RecvTimeoutError::Disconnected) => return Err(self.gone()),
        };
        let lost = self.lost.swap(0, Ordering::Relaxed);
        let frame = self.pictures.make(&bytes, at)?;
        Ok(frame.map_or(Taken::Damaged, |frame| Taken::Frame(frame, lost)))
    }
}

impl Running {
    fn gone(&self) -> Error {
        Error::new(ErrorKind::DeviceLost, format!("{} was unplugged", self.name))
            .with_hint("plug it in again, at another socket if it keeps happening")
    }

    /// Whether the graph has said that it is over.
    fn look(&self) -> Result<Taken> {
        let (mut code, mut first, mut second) = (0, 0, 0);
        // SAFETY: places for three numbers, and what they may point at given back.
        while unsafe { self.events.GetEvent(&raw mut code, &raw mut first, &raw mut second, 0) }.is_ok() {
            // SAFETY: as above.
            let _ = unsafe { self.events.FreeEventParams(code, first, second) };
            if [EC_COMPLETE, EC_DEVICE_LOST, EC_ERRORABORT].contains(&code.unsigned_abs()) {
                return Err(self.gone());
            }
        }
        Ok(Taken::Nothing)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // SAFETY: the graph of this stream; afterwards no picture comes.
        let _ = unsafe { self.control.Stop() };
    }
}

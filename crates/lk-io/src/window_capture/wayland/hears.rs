// SPDX-License-Identifier: GPL-2.0-or-later
//! What the compositor says.

use super::Desk;
use super::outputs::{NAMES, Output};
use crate::desktop::Shape;
use lk_media::Size;
use wayland_client::protocol::wl_buffer::WlBuffer;
use wayland_client::protocol::wl_output::{self, WlOutput};
use wayland_client::protocol::wl_registry::{self, WlRegistry};
use wayland_client::protocol::wl_shm::WlShm;
use wayland_client::protocol::wl_shm_pool::WlShmPool;
use wayland_client::{Connection, Dispatch, Proxy, QueueHandle, WEnum, delegate_noop};
use wayland_protocols_wlr::screencopy::v1::client::zwlr_screencopy_frame_v1::{
    self as copying, ZwlrScreencopyFrameV1,
};
use wayland_protocols_wlr::screencopy::v1::client::zwlr_screencopy_manager_v1::ZwlrScreencopyManagerV1;

delegate_noop!(Desk: ignore WlShm);
delegate_noop!(Desk: ignore WlBuffer);
delegate_noop!(Desk: WlShmPool);
delegate_noop!(Desk: ZwlrScreencopyManagerV1);

impl Dispatch<WlRegistry, ()> for Desk {
    fn event(
        desk: &mut Self,
        registry: &WlRegistry,
        event: wl_registry::Event,
        (): &(),
        _: &Connection,
        queue: &QueueHandle<Self>,
    ) {
        match event {
            wl_registry::Event::Global { name, interface, version } => {
                if interface == WlShm::interface().name {
                    desk.shm = Some(registry.bind(name, 1, queue, ()));
                } else if interface == ZwlrScreencopyManagerV1::interface().name {
                    desk.manager = Some(registry.bind(name, version.min(3), queue, ()));
                } else if interface == WlOutput::interface().name {
                    let output = registry.bind(name, version.min(NAMES), queue, name);
                    desk.outputs.push(Output::new(name, output));
                }
            }
            wl_registry::Event::GlobalRemove { name } => {
                desk.outputs.extract_if(.., |o| o.global == name).for_each(|o| o.release());
            }
            _ => {}
        }
    }
}

impl Dispatch<WlOutput, u32> for Desk {
    fn event(
        desk: &mut Self,
        _: &WlOutput,
        event: wl_output::Event,
        global: &u32,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let Some(output) = desk.outputs.iter_mut().find(|o| o.global == *global) {
            output.hear(event);
        }
    }
}

impl Dispatch<ZwlrScreencopyFrameV1, ()> for Desk {
    fn event(
        desk: &mut Self,
        _: &ZwlrScreencopyFrameV1,
        event: copying::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        let taken = &mut desk.taken;
        match event {
            copying::Event::Buffer { format, width, height, stride } => {
                let format = match format {
                    WEnum::Value(format) => format.into(),
                    WEnum::Unknown(number) => number,
                };
                taken.offers.push(Shape { size: Size::new(width, height), stride: stride as usize, format });
            }
            copying::Event::BufferDone => taken.all_told = true,
            copying::Event::Flags { flags: WEnum::Value(flags) } => {
                taken.inverted = flags.contains(copying::Flags::YInvert);
            }
            copying::Event::Ready { .. } => taken.ready = true,
            copying::Event::Failed => taken.failed = true,
            _ => {}
        }
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! What the compositor says.

use super::keys::Keys;
use super::{Desk, Screen};
use wayland_client::protocol::wl_buffer::{self, WlBuffer};
use wayland_client::protocol::wl_callback::{self, WlCallback};
use wayland_client::protocol::wl_compositor::WlCompositor;
use wayland_client::protocol::wl_keyboard::{self, KeyState, KeymapFormat, WlKeyboard};
use wayland_client::protocol::wl_output::{self, WlOutput};
use wayland_client::protocol::wl_registry::{self, WlRegistry};
use wayland_client::protocol::wl_seat::{self, Capability, WlSeat};
use wayland_client::protocol::wl_shm::WlShm;
use wayland_client::protocol::wl_shm_pool::WlShmPool;
use wayland_client::protocol::wl_surface::{self, WlSurface};
use wayland_client::{Connection, Dispatch, Proxy, QueueHandle, WEnum, delegate_noop};
use wayland_protocols::xdg::decoration::zv1::client::zxdg_decoration_manager_v1::ZxdgDecorationManagerV1;
use wayland_protocols::xdg::decoration::zv1::client::zxdg_toplevel_decoration_v1::ZxdgToplevelDecorationV1;
use wayland_protocols::xdg::shell::client::xdg_surface::{self, XdgSurface};
use wayland_protocols::xdg::shell::client::xdg_toplevel::{self, XdgToplevel};
use wayland_protocols::xdg::shell::client::xdg_wm_base::{self, XdgWmBase};

/// Keys and screens nobody looks at are forgotten.
const MOST: usize = 64;

delegate_noop!(Desk: ignore WlShm);
delegate_noop!(Desk: WlShmPool);
delegate_noop!(Desk: WlCompositor);
delegate_noop!(Desk: ZxdgDecorationManagerV1);
delegate_noop!(Desk: ignore ZxdgToplevelDecorationV1);

/// What is done with the events of one kind of object.
macro_rules! hears {
    ($object:ty, $event:ty, |$desk:ident, $proxy:ident, $said:ident, $queue:ident| $body:block) => {
        impl Dispatch<$object, ()> for Desk {
            fn event(
                $desk: &mut Self,
                $proxy: &$object,
                $said: $event,
                (): &(),
                _: &Connection,
                $queue: &QueueHandle<Self>,
            ) {
                $body
            }
        }
    };
}

hears!(WlRegistry, wl_registry::Event, |desk, registry, event, queue| {
    match event {
        wl_registry::Event::Global { name, interface, version } => {
            let is = |known: &wayland_client::backend::protocol::Interface| interface == known.name;
            if is(WlCompositor::interface()) {
                desk.compositor = Some(registry.bind(name, version.min(4), queue, ()));
            } else if is(WlShm::interface()) {
                desk.shm = Some(registry.bind(name, 1, queue, ()));
            } else if is(XdgWmBase::interface()) {
                desk.base = Some(registry.bind(name, 1, queue, ()));
            } else if is(ZxdgDecorationManagerV1::interface()) {
                desk.decorations = Some(registry.bind(name, 1, queue, ()));
            } else if is(WlSeat::interface()) && desk.seat.is_none() {
                desk.seat = Some(registry.bind(name, 1, queue, ()));
            } else if is(WlOutput::interface()) && desk.screens.len() < MOST {
                let output = registry.bind(name, version.min(2), queue, ());
                desk.screens.push(Screen { global: name, output, scale: 1, rate: 0, entered: false });
            }
        }
        wl_registry::Event::GlobalRemove { name } => desk.screens.retain(|screen| screen.global != name),
        _ => {}
    }
});

hears!(WlOutput, wl_output::Event, |desk, output, event, _queue| {
    let Some(screen) = desk.screens.iter_mut().find(|screen| screen.output == *output) else { return };
    match event {
        wl_output::Event::Scale { factor } => screen.scale = u32::try_from(factor).unwrap_or(1).clamp(1, 16),
        wl_output::Event::Mode { flags: WEnum::Value(flags), refresh, .. }
            if flags.contains(wl_output::Mode::Current) =>
        {
            // some say 0, for none
            screen.rate = u32::try_from(refresh).unwrap_or(0).min(1_000_000);
        }
        _ => {}
    }
});

hears!(WlSurface, wl_surface::Event, |desk, _surface, event, _queue| {
    let (on, entered) = match event {
        wl_surface::Event::Enter { output } => (output, true),
        wl_surface::Event::Leave { output } => (output, false),
        _ => return,
    };
    desk.screens.iter_mut().filter(|screen| screen.output == on).for_each(|screen| screen.entered = entered);
});

hears!(WlCallback, wl_callback::Event, |desk, _callback, _event, _queue| {
    desk.ready = true;
});

hears!(WlBuffer, wl_buffer::Event, |desk, buffer, _event, _queue| {
    desk.released.push(buffer.clone());
});

hears!(XdgWmBase, xdg_wm_base::Event, |_desk, base, event, _queue| {
    if let xdg_wm_base::Event::Ping { serial } = event {
        base.pong(serial);
    }
});

hears!(XdgSurface, xdg_surface::Event, |desk, _surface, event, _queue| {
    if let xdg_surface::Event::Configure { serial } = event {
        desk.serial = Some(serial);
    }
});

hears!(XdgToplevel, xdg_toplevel::Event, |desk, _toplevel, event, _queue| {
    match event {
        xdg_toplevel::Event::Configure { width, height, states } => {
            let side = |n: i32| u32::try_from(n).ok().filter(|n| *n > 0);
            // 0 leaves it to us
            if let (Some(width), Some(height)) = (side(width), side(height)) {
                desk.wanted = Some((width, height));
            }
            let full = u32::from(xdg_toplevel::State::Fullscreen);
            desk.fullscreen = states.chunks_exact(4).any(|s| s == full.to_ne_bytes());
        }
        xdg_toplevel::Event::Close => desk.closed = true,
        _ => {}
    }
});

hears!(WlSeat, wl_seat::Event, |desk, seat, event, queue| {
    if let wl_seat::Event::Capabilities { capabilities: WEnum::Value(has) } = event {
        let has = has.contains(Capability::Keyboard);
        if has && desk.keyboard.is_none() {
            desk.keyboard = Some(seat.get_keyboard(queue, ()));
        } else if !has {
            desk.keyboard = None;
        }
    }
});

hears!(WlKeyboard, wl_keyboard::Event, |desk, _keyboard, event, _queue| {
    match event {
        wl_keyboard::Event::Keymap { format: WEnum::Value(KeymapFormat::XkbV1), fd, size } => {
            desk.keys = Keys::of_file(&fd, size);
        }
        wl_keyboard::Event::Key { key, state: WEnum::Value(KeyState::Pressed), .. } => {
            desk.pressed.truncate(MOST);
            desk.pressed.extend(desk.keys.get(key));
        }
        _ => {}
    }
});

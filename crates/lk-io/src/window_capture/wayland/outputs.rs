// SPDX-License-Identifier: GPL-2.0-or-later
//! The screens of a compositor.

use lk_media::{Error, ErrorKind, Result, Size};
use wayland_client::protocol::wl_output::{self, Transform, WlOutput};
use wayland_client::{Proxy, WEnum};

/// The version of wl_output that tells names.
pub(super) const NAMES: u32 = 4;

/// A screen.
pub(super) struct Output {
    /// The compositor's number for it.
    pub global: u32,
    pub output: WlOutput,
    /// "HDMI-A-1".
    pub name: Option<String>,
    /// How its memory lies on the screen.
    pub transform: Transform,
    /// Its pixels, as they lie in memory.
    pub mode: Option<Size>,
}

impl Output {
    pub fn new(global: u32, output: WlOutput) -> Self {
        Self { global, output, name: None, transform: Transform::Normal, mode: None }
    }

    /// What it says of itself.
    pub fn hear(&mut self, event: wl_output::Event) {
        match event {
            wl_output::Event::Geometry { transform: WEnum::Value(transform), .. } => {
                self.transform = transform;
            }
            wl_output::Event::Mode { flags: WEnum::Value(flags), width, height, .. }
                if flags.contains(wl_output::Mode::Current) =>
            {
                self.mode =
                    u32::try_from(width).ok().zip(u32::try_from(height).ok()).map(|(w, h)| Size::new(w, h));
            }
            wl_output::Event::Name { name } => self.name = Some(name),
            _ => {}
        }
    }

    /// Lets go of it.
    pub fn release(&self) {
        if self.output.version() >= 3 {
            self.output.release();
        }
    }

    fn label(&self, index: usize) -> String {
        let name = self.name.as_ref().map_or_else(|| index.to_string(), |name| format!("{name:?}"));
        self.mode.map_or_else(|| name.clone(), |size| format!("{name} ({size})"))
    }
}

/// The one called `wanted`, by name or by number counted from 0; the first if nothing is said.
pub(super) fn find<'a>(outputs: &'a [Output], wanted: Option<&str>) -> Option<&'a Output> {
    let Some(wanted) = wanted else { return outputs.first() };
    let named = outputs.iter().find(|o| o.name.as_ref().is_some_and(|n| n.eq_ignore_ascii_case(wanted)));
    named.or_else(|| outputs.get(wanted.parse::<usize>().ok()?))
}

/// The same; an error says what there is.
pub(super) fn choose<'a>(outputs: &'a [Output], wanted: Option<&str>) -> Result<&'a Output> {
    find(outputs, wanted).ok_or_else(|| match wanted {
        None => Error::new(ErrorKind::Display, "the Wayland display has no screen")
            .with_hint("switch one on, or let the compositor make one without a monitor"),
        Some(wanted) => {
            let labels: Vec<String> = outputs.iter().enumerate().map(|(n, o)| o.label(n)).collect();
            Error::new(ErrorKind::DeviceNotFound, format!("there is no screen {wanted:?}"))
                .with_hint(format!("there are: {}", labels.join(", ")))
        }
    })
}

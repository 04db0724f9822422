// SPDX-License-Identifier: GPL-2.0-or-later
//! `_show`: a window until it is closed, for `view` and `play`.

use crate::blocking::wait_for;
use crate::player::PyPlayer;
use crate::source::given;
use crate::values::{size_of, timeout};
use livekit_studio::{Cancel, ShowOptions, show};
use pyo3::prelude::*;

/// Shows a source, or a player until its end.
#[pyfunction]
pub(crate) fn _show(
    source: &Bound<'_, PyAny>,
    title: String,
    size: Option<(i64, i64)>,
    seconds: Option<f64>,
) -> PyResult<()> {
    let player = source.cast::<PyPlayer>().ok().map(|player| player.get().shown()).transpose()?;
    let options = ShowOptions {
        title,
        size: size.map(|(width, height)| size_of(width, height)).transpose()?,
        limit: seconds.map(timeout).transpose()?,
        until_end: player.is_some(),
    };
    let (video, cancel) = (given(source, false)?.video, Cancel::new());
    let given_up = cancel.clone();
    wait_for(source.py(), &cancel, move || {
        show(video, player.as_ref().map(|p| p.player()), &options, &given_up)
    })
}

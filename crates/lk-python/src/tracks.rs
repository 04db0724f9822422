// SPDX-License-Identifier: GPL-2.0-or-later
//! The sound tracks of a render.

use crate::error::raise;
use crate::mix::PyMix;
use crate::values;
use livekit_studio::{Compositor, Error, MixId};
use pyo3::prelude::*;
use pyo3::types::PyBool;

/// What `audio` of a render is; None: the main mix, where there is any sound.
#[derive(Default)]
pub(crate) struct Tracks(Option<Vec<Track>>);

enum Track {
    Main,
    Mix(Compositor, MixId),
}

impl Tracks {
    /// The mixes of `scene` that are written, a track each.
    pub(crate) fn of(self, scene: &Compositor) -> PyResult<Option<Vec<MixId>>> {
        let one = |track| match track {
            Track::Main => Ok(MixId::MAIN),
            Track::Mix(other, id) if other.is_same(scene) => Ok(id),
            Track::Mix(..) => Err(raise(
                Error::parameter("this mix is another scene's")
                    .with_hint("add it to this scene's mixer, to a mix of its own"),
            )),
        };
        self.0.map(|tracks| tracks.into_iter().map(one).collect()).transpose()
    }
}

impl FromPyObject<'_, '_> for Tracks {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Some(items) = values::items_of(&value) {
            return items.iter().map(track_of).collect::<PyResult<_>>().map(Some).map(Self);
        }
        if value.is_none() || value.cast::<PyBool>().is_ok_and(|flag| !flag.is_true()) {
            return Ok(Self(Some(Vec::new())));
        }
        Ok(Self(match track_of(&value)? {
            Track::Main => None,
            mix @ Track::Mix(..) => Some(vec![mix]),
        }))
    }
}

fn track_of(value: &Bound<'_, PyAny>) -> PyResult<Track> {
    if let Ok(mix) = value.cast::<PyMix>() {
        return Ok(Track::Mix(mix.get().compositor.clone(), mix.get().id));
    }
    let says_main = value.cast::<PyBool>().is_ok_and(|flag| flag.is_true())
        || value.extract::<String>().is_ok_and(|word| word == "source");
    if says_main {
        return Ok(Track::Main);
    }
    Err(raise(
        Error::parameter(format!("a track of a render cannot be {}", values::type_name(value))).with_hint(
            "\"source\" for the main mix, or a mix of the scene: another sound is added to the scene's mixer, \
             to a mix of its own",
        ),
    ))
}

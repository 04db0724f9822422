// SPDX-License-Identifier: GPL-2.0-or-later
//! `Layer`.

use crate::error::Raise;
use crate::mixer_input::PyMixerInput;
use crate::source::given;
use crate::values;
use livekit_studio::{Compositor, Layer, LayerId, Placement, Point};
use pyo3::prelude::*;

/// One source shown in a compositor.
#[pyclass(frozen, eq, hash, name = "Layer", module = "livekit_studio")]
pub(crate) struct PyLayer {
    pub compositor: Compositor,
    pub id: LayerId,
}

impl PartialEq for PyLayer {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl std::hash::Hash for PyLayer {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

/// (width, height), either of which may be left out.
pub(crate) type BoxSize = (Option<f64>, Option<f64>);

impl PyLayer {
    fn get<T>(&self, read: impl FnOnce(&Layer) -> T) -> PyResult<T> {
        self.compositor.layer(self.id).map(|(_, layer)| read(&layer)).or_raise()
    }

    fn set(&self, write: impl FnOnce(&mut Layer)) -> PyResult<()> {
        self.compositor
            .edit_layer(self.id, |layer| {
                write(layer);
                Ok(())
            })
            .or_raise()
    }

    fn place(&self, write: impl FnOnce(&mut Placement)) -> PyResult<()> {
        self.set(|layer| write(&mut layer.placement))
    }
}

#[pymethods]
impl PyLayer {
    #[getter]
    fn name(&self) -> PyResult<Option<String>> {
        self.get(|l| l.name.clone())
    }

    #[getter]
    fn source_name(&self) -> PyResult<String> {
        self.compositor.source_of(self.id).map(|source| source.name()).or_raise()
    }

    #[getter]
    fn slot(&self) -> PyResult<u32> {
        self.compositor.layer(self.id).map(|(slot, _)| slot).or_raise()
    }

    #[getter]
    fn audio(&self) -> PyResult<Option<PyMixerInput>> {
        self.get(|l| l.sound.map(|id| PyMixerInput { compositor: self.compositor.clone(), id }))
    }

    #[getter]
    fn at(&self) -> PyResult<Option<(f64, f64)>> {
        self.get(|l| l.placement.at.map(|p| (p.x, p.y)))
    }

    #[setter]
    fn set_at(&self, at: Option<(f64, f64)>) -> PyResult<()> {
        self.place(|p| p.at = at.map(|(x, y)| Point { x, y }))
    }

    #[getter]
    fn size(&self) -> PyResult<BoxSize> {
        self.get(|l| (l.placement.width, l.placement.height))
    }

    #[setter]
    fn set_size(&self, size: Option<BoxSize>) -> PyResult<()> {
        self.place(|p| (p.width, p.height) = size.unwrap_or_default())
    }

    #[getter]
    fn fit(&self) -> PyResult<Option<&'static str>> {
        self.get(|l| values::fit_name(l.placement.fit))
    }

    #[setter]
    fn set_fit(&self, fit: Option<&str>) -> PyResult<()> {
        let fit = values::fit(fit)?;
        self.place(|p| p.fit = fit)
    }

    #[getter]
    fn anchor(&self) -> PyResult<Option<&'static str>> {
        self.get(|l| values::anchor_name(l.placement.anchor))
    }

    #[setter]
    fn set_anchor(&self, anchor: Option<&str>) -> PyResult<()> {
        let anchor = values::anchor(anchor)?;
        self.place(|p| p.anchor = anchor)
    }

    #[getter]
    fn margin(&self) -> PyResult<f64> {
        self.get(|l| l.placement.margin)
    }

    #[setter]
    fn set_margin(&self, margin: f64) -> PyResult<()> {
        self.place(|p| p.margin = margin)
    }

    #[getter]
    fn crop(&self) -> PyResult<(u32, u32, u32, u32)> {
        self.get(|l| (l.crop.left, l.crop.top, l.crop.right, l.crop.bottom))
    }

    #[setter]
    fn set_crop(&self, crop: Option<(i64, i64, i64, i64)>) -> PyResult<()> {
        let crop = values::crop(crop)?;
        self.set(|l| l.crop = crop)
    }

    #[getter]
    fn flip(&self) -> PyResult<Option<&'static str>> {
        self.get(|l| values::flip_name(l.flip))
    }

    #[setter]
    fn set_flip(&self, flip: Option<&str>) -> PyResult<()> {
        let flip = values::flip(flip)?;
        self.set(|l| l.flip = flip)
    }

    #[getter]
    fn rotation(&self) -> PyResult<f64> {
        self.get(|l| l.rotation)
    }

    #[setter]
    fn set_rotation(&self, degrees: f64) -> PyResult<()> {
        self.set(|l| l.rotation = degrees)
    }

    #[getter]
    fn opacity(&self) -> PyResult<f64> {
        self.get(|l| l.opacity)
    }

    #[setter]
    fn set_opacity(&self, opacity: f64) -> PyResult<()> {
        self.set(|l| l.opacity = opacity)
    }

    #[getter]
    fn blend(&self) -> PyResult<Option<&'static str>> {
        self.get(|l| values::blend_name(l.blend))
    }

    #[setter]
    fn set_blend(&self, blend: &str) -> PyResult<()> {
        let blend = values::blend(blend)?;
        self.set(|l| l.blend = blend)
    }

    #[getter]
    fn visible(&self) -> PyResult<bool> {
        self.get(|l| l.visible)
    }

    #[setter]
    fn set_visible(&self, visible: bool) -> PyResult<()> {
        self.set(|l| l.visible = visible)
    }

    #[getter]
    fn start(&self) -> PyResult<f64> {
        self.get(|l| l.start.as_secs_f64())
    }

    #[getter]
    fn offline(&self) -> PyResult<Option<&'static str>> {
        self.get(|l| values::policy_name(l.offline))
    }

    #[setter]
    fn set_offline(&self, policy: Option<&str>) -> PyResult<()> {
        let policy = values::policy(policy)?;
        self.set(|l| l.offline = policy)
    }

    fn set_source(&self, source: &Bound<'_, PyAny>) -> PyResult<()> {
        self.compositor.set_source(self.id, given(source, false)?.video).or_raise()
    }

    fn remove(&self) -> PyResult<()> {
        self.compositor.remove(self.id).or_raise()
    }

    fn __repr__(&self) -> String {
        match self.compositor.layer(self.id) {
            Ok((slot, layer)) => match layer.name {
                Some(name) => format!("<Layer {name:?} in slot {slot}>"),
                None => format!("<Layer in slot {slot}>"),
            },
            Err(_) => "<Layer, removed>".to_owned(),
        }
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! What people write, turned into values of the engine.

use crate::error::{Raise, raise};
use livekit_studio::{
    Align, Anchor, Blend, Color, Crop, Error, ErrorKind, Fit, Flip, FrameRate, OfflinePolicy, PixelFormat,
    Scene, Size, Timestamp,
};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use std::path::PathBuf;

pub(crate) fn choice<T: Copy>(what: &str, given: &str, choices: &[(&str, T)]) -> PyResult<T> {
    choices.iter().find(|(name, _)| *name == given).map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<String> = choices.iter().map(|(name, _)| format!("{name:?}")).collect();
        raise(
            Error::parameter(format!("{given:?} is not a {what}"))
                .with_hint(format!("one of {}", names.join(", "))),
        )
    })
}

fn name_of<T: PartialEq>(value: &T, choices: &[(&'static str, T)]) -> Option<&'static str> {
    choices.iter().find(|(_, v)| v == value).map(|(name, _)| *name)
}

const FITS: [(&str, Fit); 4] =
    [("stretch", Fit::Stretch), ("contain", Fit::Contain), ("cover", Fit::Cover), ("none", Fit::None)];
const BLENDS: [(&str, Blend); 2] = [("normal", Blend::Normal), ("additive", Blend::Additive)];
const POLICIES: [(&str, OfflinePolicy); 3] =
    [("freeze", OfflinePolicy::Freeze), ("latest", OfflinePolicy::Latest), ("skip", OfflinePolicy::Skip)];
const FLIPS: [(&str, Flip); 3] = [
    ("horizontal", Flip { horizontal: true, vertical: false }),
    ("vertical", Flip { horizontal: false, vertical: true }),
    ("both", Flip { horizontal: true, vertical: true }),
];

pub(crate) fn fit(s: Option<&str>) -> PyResult<Option<Fit>> {
    s.map(|s| choice("fit", s, &FITS)).transpose()
}

pub(crate) fn fit_name(v: Option<Fit>) -> Option<&'static str> {
    v.and_then(|v| name_of(&v, &FITS))
}

pub(crate) fn anchor(s: Option<&str>) -> PyResult<Option<Anchor>> {
    s.map(|s| choice("anchor", s, &Anchor::NAMES)).transpose()
}

pub(crate) fn anchor_name(v: Option<Anchor>) -> Option<&'static str> {
    v.and_then(|v| name_of(&v, &Anchor::NAMES))
}

pub(crate) fn align(s: &str) -> PyResult<Align> {
    choice("place for lines", s, &Align::NAMES)
}

pub(crate) fn align_name(v: Align) -> &'static str {
    name_of(&v, &Align::NAMES).unwrap_or("left")
}

pub(crate) fn blend(s: &str) -> PyResult<Blend> {
    choice("blend mode", s, &BLENDS)
}

pub(crate) fn blend_name(v: Blend) -> Option<&'static str> {
    name_of(&v, &BLENDS)
}

pub(crate) fn policy(s: Option<&str>) -> PyResult<Option<OfflinePolicy>> {
    s.map(|s| choice("offline policy", s, &POLICIES)).transpose()
}

pub(crate) fn policy_name(v: Option<OfflinePolicy>) -> Option<&'static str> {
    v.and_then(|v| name_of(&v, &POLICIES))
}

pub(crate) fn flip(s: Option<&str>) -> PyResult<Flip> {
    s.map_or(Ok(Flip::default()), |s| choice("flip", s, &FLIPS))
}

pub(crate) fn flip_name(v: Flip) -> Option<&'static str> {
    name_of(&v, &FLIPS)
}

pub(crate) fn format_of(s: &str) -> PyResult<PixelFormat> {
    s.parse::<PixelFormat>().or_raise()
}

pub(crate) fn color_of(s: &str) -> PyResult<Color> {
    s.parse::<Color>().or_raise()
}

pub(crate) fn crop(v: Option<(i64, i64, i64, i64)>) -> PyResult<Crop> {
    let Some((left, top, right, bottom)) = v else { return Ok(Crop::default()) };
    let side = |v: i64| {
        u32::try_from(v).map_err(|_| raise(Error::parameter(format!("a crop of {v} pixels is not possible"))))
    };
    Ok(Crop { left: side(left)?, top: side(top)?, right: side(right)?, bottom: side(bottom)? })
}

pub(crate) fn size_of(width: i64, height: i64) -> PyResult<Size> {
    let side = |v: i64| u32::try_from(v.clamp(0, i64::from(u32::MAX))).unwrap_or(0);
    Size::checked(side(width), side(height)).or_raise()
}

pub(crate) fn slot_of(slot: i64) -> PyResult<u32> {
    u32::try_from(slot).ok().filter(|s| *s <= Scene::MAX_SLOT).ok_or_else(|| {
        raise(Error::new(ErrorKind::Index, format!("slot {slot} is not between 0 and {}", Scene::MAX_SLOT)))
    })
}

pub(crate) fn seconds(what: &str, s: f64) -> PyResult<Timestamp> {
    if s.is_finite() && s.abs() < 1e9 {
        Ok(Timestamp::from_secs_f64(s))
    } else {
        Err(raise(Error::parameter(format!("{what} {s} is not a number of seconds"))))
    }
}

/// A time after the beginning, in seconds.
pub(crate) fn start_of(s: f64) -> PyResult<std::time::Duration> {
    if (0.0..1e6).contains(&s) {
        Ok(std::time::Duration::from_secs_f64(s))
    } else {
        Err(raise(Error::parameter(format!("start {s} is not a number of seconds from 0 up"))))
    }
}

/// A timeout in seconds.
pub(crate) fn timeout(s: f64) -> PyResult<std::time::Duration> {
    if s.is_finite() && s > 0.0 && s < 1e6 {
        Ok(std::time::Duration::from_secs_f64(s))
    } else {
        Err(raise(Error::parameter(format!("timeout {s} is not a number of seconds above 0"))))
    }
}

/// Bits a second.
pub(crate) fn bitrate_of(bitrate: Option<i64>) -> PyResult<Option<u64>> {
    let bits = |b: i64| {
        u64::try_from(b).map_err(|_| raise(Error::parameter(format!("bitrate {b} is not possible"))))
    };
    bitrate.map(bits).transpose()
}

/// A frame rate: a number, "30000/1001", or (30000, 1001).
pub(crate) fn rate_of(v: &Bound<'_, PyAny>) -> PyResult<FrameRate> {
    if let Ok((num, den)) = v.extract::<(i64, i64)>() {
        let part = |v: i64| u32::try_from(v).unwrap_or(0);
        return FrameRate::new(part(num), part(den)).or_raise();
    }
    if let Ok(fps) = v.extract::<f64>() {
        return FrameRate::from_f64(fps).or_raise();
    }
    if let Ok(text) = v.extract::<String>() {
        return text.parse::<FrameRate>().or_raise();
    }
    Err(raise(
        Error::format(format!("{} is not a frame rate", type_name(v)))
            .with_hint("30, 29.97, \"30000/1001\" or (30000, 1001)"),
    ))
}

/// A path or name given as str or os.PathLike.
pub(crate) fn path_of(v: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(text) = v.extract::<String>() {
        return Ok(text);
    }
    let path: PathBuf = v.extract().map_err(|_: PyErr| {
        raise(
            Error::format(format!("{} is not a file name", type_name(v)))
                .with_hint("pass a str or a pathlib.Path"),
        )
    })?;
    path.into_os_string().into_string().map_err(|_| {
        raise(
            Error::format("the file name is not valid Unicode")
                .with_hint("rename the file, or reach it through a link"),
        )
    })
}

pub(crate) fn type_name(v: &Bound<'_, PyAny>) -> String {
    v.get_type().name().map_or_else(|_| "object".to_owned(), |n| n.to_string())
}

/// A list that prints as a table; `what` is in it.
pub(crate) fn listing<'py>(
    py: Python<'py>,
    what: &str,
    things: Vec<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    py.import("livekit_studio._tables")?.call_method1("Listing", (things, what))
}

/// Names with their numbers, a line each: how lists of names print.
pub(crate) fn numbered(class: &str, names: &[impl std::fmt::Display]) -> String {
    let lines: String = names.iter().enumerate().map(|(n, name)| format!("\n  {n}  {name}")).collect();
    format!("<{class}, {} in it{lines}>", names.len())
}

/// The items of a list or a tuple; None for anything else.
pub(crate) fn items_of<'py>(value: &Bound<'py, PyAny>) -> Option<Vec<Bound<'py, PyAny>>> {
    let list = value.cast::<PyList>().map(|list| list.iter().collect());
    list.or_else(|_| value.cast::<PyTuple>().map(|tuple| tuple.iter().collect())).ok()
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! What pictures a camera offers, as DirectShow says it.
#![allow(unsafe_code)] // structures that COM hands about

use crate::camera::mode::{CameraFormat, CameraMode, Offer, Rates, Sizes};
use crate::camera::picture::{Layout, Order};
use crate::dshow::header_of;
use lk_media::{ColorSpace, FrameRate, PixelFormat, Size};
use windows::Win32::Media::DirectShow::{
    IAMStreamConfig, IBaseFilter, IPin, PINDIR_OUTPUT, VIDEO_STREAM_CONFIG_CAPS,
};
use windows::Win32::Media::MediaFoundation::{
    AM_MEDIA_TYPE, MEDIASUBTYPE_I420, MEDIASUBTYPE_IYUV, MEDIASUBTYPE_MJPG, MEDIASUBTYPE_NV12,
    MEDIASUBTYPE_RGB24, MEDIASUBTYPE_RGB32, MEDIASUBTYPE_UYVY, MEDIASUBTYPE_YUY2, MEDIASUBTYPE_YV12,
    MEDIATYPE_Video, VIDEOINFOHEADER,
};
use windows::Win32::System::Com::CoTaskMemFree;
use windows::core::{GUID, Interface};

/// Units of 100 ns in a second.
const SECOND: u32 = 10_000_000;
const USUAL: u32 = 30;
/// The most kinds of a camera that are looked at.
const MANY: i32 = 1000;

/// A media type of ours, given back at the end.
pub(super) struct Kind(*mut AM_MEDIA_TYPE);

impl Drop for Kind {
    fn drop(&mut self) {
        // SAFETY: made by the camera for whoever asked, with memory of the system's, and given back nowhere else.
        unsafe {
            drop((*self.0).pUnk.take());
            CoTaskMemFree(Some((*self.0).pbFormat.cast_const().cast()));
            CoTaskMemFree(Some(self.0.cast_const().cast()));
        }
    }
}

impl Kind {
    pub fn as_ptr(&self) -> *const AM_MEDIA_TYPE {
        self.0
    }

    fn get(&self) -> &AM_MEDIA_TYPE {
        // SAFETY: good for as long as `self`.
        unsafe { &*self.0 }
    }

    /// Asks for a rate.
    pub fn set_rate(&mut self, rate: FrameRate) {
        let period = (u64::from(SECOND) * u64::from(rate.den())).div_ceil(u64::from(rate.num().max(1)));
        if let Some(mut header) = header_of(self.get()) {
            header.AvgTimePerFrame = i64::try_from(period).unwrap_or(0);
            // SAFETY: `header_of` has seen that it is as long; it may lie anywhere.
            unsafe { (*self.0).pbFormat.cast::<VIDEOINFOHEADER>().write_unaligned(header) };
        }
    }

    /// How the bytes of pictures in a mode lie.
    pub fn layout(&self, mode: &CameraMode) -> Layout {
        let Some((_, order)) = pixels_of(&self.get().subtype) else {
            return Layout::of(mode, ColorSpace::JPEG);
        };
        let color = match mode.format {
            CameraFormat::Mjpeg => ColorSpace::JPEG,
            CameraFormat::Raw(format) if !format.is_yuv() => ColorSpace::RGB,
            CameraFormat::Raw(_) if mode.size.height >= 720 => ColorSpace::BT709,
            CameraFormat::Raw(_) => ColorSpace::BT601,
        };
        let is_upright = header_of(self.get()).is_some_and(|header| header.bmiHeader.biHeight < 0);
        let stride = match mode.format {
            CameraFormat::Raw(format @ (PixelFormat::Bgr | PixelFormat::Bgra)) => {
                format.plane_extent(mode.size, 0).0.next_multiple_of(4)
            }
            _ => 0,
        };
        let order = if is_upright && order == Order::BottomUp { Order::Ours } else { order };
        Layout { stride, order, ..Layout::of(mode, color) }
    }
}

/// Whether two types are of the same pictures.
pub(super) fn is_same(a: &AM_MEDIA_TYPE, b: &AM_MEDIA_TYPE) -> bool {
    let size = |header: VIDEOINFOHEADER| (header.bmiHeader.biWidth, header.bmiHeader.biHeight);
    a.majortype == b.majortype
        && a.subtype == b.subtype
        && header_of(a).is_some_and(|a| header_of(b).map(size) == Some(size(a)))
}

fn pixels_of(subtype: &GUID) -> Option<(CameraFormat, Order)> {
    let raw = CameraFormat::Raw;
    Some(match *subtype {
        MEDIASUBTYPE_NV12 => (raw(PixelFormat::Nv12), Order::Ours),
        MEDIASUBTYPE_I420 | MEDIASUBTYPE_IYUV => (raw(PixelFormat::I420), Order::Ours),
        MEDIASUBTYPE_YV12 => (raw(PixelFormat::I420), Order::ChromaSwapped),
        MEDIASUBTYPE_YUY2 => (raw(PixelFormat::Yuy2), Order::Ours),
        MEDIASUBTYPE_UYVY => (raw(PixelFormat::Yuy2), Order::PairsSwapped),
        MEDIASUBTYPE_RGB24 => (raw(PixelFormat::Bgr), Order::BottomUp),
        MEDIASUBTYPE_RGB32 => (raw(PixelFormat::Bgra), Order::BottomUp),
        MEDIASUBTYPE_MJPG => (CameraFormat::Mjpeg, Order::Ours),
        _ => return None,
    })
}

fn rate_of(period: i64) -> Option<FrameRate> {
    let period = u32::try_from(period).ok().filter(|period| *period > 0)?;
    FrameRate::new(SECOND, period).ok()
}

/// The pin that pictures come from.
pub(super) fn pin_of(filter: &IBaseFilter) -> Option<IPin> {
    // SAFETY: asks a filter for its pins, one by one.
    let pins = unsafe { filter.EnumPins() }.ok()?;
    let next = || {
        let mut one = [None];
        // SAFETY: room for one.
        let _ = unsafe { pins.Next(&mut one, None) };
        one[0].take()
    };
    // SAFETY: asks a pin what it is.
    let is_output = |pin: &IPin| unsafe { pin.QueryDirection() }.is_ok_and(|way| way == PINDIR_OUTPUT);
    std::iter::from_fn(next).filter(is_output).find(|pin: &IPin| pin.cast::<IAMStreamConfig>().is_ok())
}

/// What a camera offers that is understood, with the types that say so.
pub(super) fn offers(filter: &IBaseFilter) -> Vec<(Offer, Kind)> {
    let config = pin_of(filter).and_then(|pin| pin.cast::<IAMStreamConfig>().ok());
    let Some(config) = config else { return Vec::new() };
    let (mut count, mut size) = (0, 0);
    // SAFETY: places for two numbers.
    let counted = unsafe { config.GetNumberOfCapabilities(&raw mut count, &raw mut size) };
    if counted.is_err() || usize::try_from(size) != Ok(size_of::<VIDEO_STREAM_CONFIG_CAPS>()) {
        return Vec::new();
    }
    (0..count.min(MANY)).filter_map(|index| offer(&config, index)).collect()
}

fn offer(config: &IAMStreamConfig, index: i32) -> Option<(Offer, Kind)> {
    let mut limits = VIDEO_STREAM_CONFIG_CAPS::default();
    let mut told = std::ptr::null_mut();
    // SAFETY: a place for a pointer and for what the camera has just said it writes.
    unsafe { config.GetStreamCaps(index, &raw mut told, (&raw mut limits).cast()) }.ok()?;
    if told.is_null() {
        return None;
    }
    let kind = Kind(told);
    let (format, _) = pixels_of(&kind.get().subtype).filter(|_| kind.get().majortype == MEDIATYPE_Video)?;
    let header = header_of(kind.get())?;
    let width = u32::try_from(header.bmiHeader.biWidth).ok()?;
    let size = Size::checked(width, header.bmiHeader.biHeight.unsigned_abs()).ok()?;
    let rates = match (rate_of(limits.MaxFrameInterval), rate_of(limits.MinFrameInterval)) {
        (Some(slow), Some(fast)) if slow != fast => Rates::Range(slow, fast),
        (_, Some(rate)) => Rates::Some(vec![rate]),
        _ => Rates::Unknown(rate_of(header.AvgTimePerFrame).or(FrameRate::new(USUAL, 1).ok())?),
    };
    Some((Offer { format, sizes: Sizes::One(size), rates }, kind))
}

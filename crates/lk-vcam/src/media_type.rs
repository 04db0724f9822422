// SPDX-License-Identifier: GPL-2.0-or-later
//! What pictures are, as DirectShow says it.
#![allow(unsafe_code)] // structures that COM hands about

use lk_io::dshow::header_of;
use lk_media::{FrameRate, PixelFormat, Size};
use std::mem::ManuallyDrop;
use windows::Win32::Foundation::{E_OUTOFMEMORY, E_POINTER, RECT};
use windows::Win32::Graphics::Gdi::{BI_RGB, BITMAPINFOHEADER};
use windows::Win32::Media::MediaFoundation::{
    AM_MEDIA_TYPE, FORMAT_VideoInfo, MEDIASUBTYPE_RGB24, MEDIASUBTYPE_YUY2, MEDIATYPE_Video, VIDEOINFOHEADER,
};
use windows::Win32::System::Com::CoTaskMemAlloc;
use windows_core::GUID;

const YUY2: u32 = u32::from_le_bytes(*b"YUY2");

/// How the pictures of the camera come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    pub size: Size,
    pub rate: FrameRate,
    /// Yuy2, or Bgr, whose rows go upwards.
    pub pixels: PixelFormat,
}

/// The kinds of pixels there are, the preferred first.
pub(crate) const PIXELS: [PixelFormat; 2] = [PixelFormat::Yuy2, PixelFormat::Bgr];

impl Format {
    fn subtype(self) -> GUID {
        if self.pixels == PixelFormat::Yuy2 { MEDIASUBTYPE_YUY2 } else { MEDIASUBTYPE_RGB24 }
    }

    /// Bytes from row to row: rows are filled up to four bytes.
    pub fn stride(self) -> usize {
        let bytes = if self.pixels == PixelFormat::Yuy2 { 2 } else { 3 };
        (self.size.width as usize * bytes).next_multiple_of(4)
    }

    /// Bytes of a picture.
    pub fn len(self) -> usize {
        self.stride() * self.size.height as usize
    }

    /// Units of 100 ns from picture to picture.
    pub fn period(self) -> i64 {
        (10_000_000 * i64::from(self.rate.den()) + i64::from(self.rate.num()) / 2)
            / i64::from(self.rate.num())
    }

    fn header(self) -> VIDEOINFOHEADER {
        let (width, height) = (self.size.width as i32, self.size.height as i32);
        let whole = RECT { left: 0, top: 0, right: width, bottom: height };
        let is_yuy2 = self.pixels == PixelFormat::Yuy2;
        let bits = self.len() as u64 * 8 * 10_000_000 / self.period().max(1).unsigned_abs();
        VIDEOINFOHEADER {
            rcSource: whole,
            rcTarget: whole,
            dwBitRate: u32::try_from(bits).unwrap_or(u32::MAX),
            dwBitErrorRate: 0,
            AvgTimePerFrame: self.period(),
            bmiHeader: BITMAPINFOHEADER {
                biSize: size_of::<BITMAPINFOHEADER>() as u32,
                biWidth: width,
                biHeight: height,
                biPlanes: 1,
                biBitCount: if is_yuy2 { 16 } else { 24 },
                biCompression: if is_yuy2 { YUY2 } else { BI_RGB.0 },
                biSizeImage: self.len() as u32,
                ..BITMAPINFOHEADER::default()
            },
        }
    }

    /// Says it, in memory that whoever gets it gives back.
    pub fn told(self) -> windows_core::Result<AM_MEDIA_TYPE> {
        let len = size_of::<VIDEOINFOHEADER>();
        // SAFETY: memory of that size and good alignment, or none.
        let place = unsafe { CoTaskMemAlloc(len) }.cast::<VIDEOINFOHEADER>();
        if place.is_null() {
            return Err(E_OUTOFMEMORY.into());
        }
        // SAFETY: just made, large enough, and ours.
        unsafe { place.write(self.header()) };
        Ok(AM_MEDIA_TYPE {
            majortype: MEDIATYPE_Video,
            subtype: self.subtype(),
            bFixedSizeSamples: true.into(),
            bTemporalCompression: false.into(),
            lSampleSize: self.len() as u32,
            formattype: FORMAT_VideoInfo,
            pUnk: ManuallyDrop::new(None),
            cbFormat: len as u32,
            pbFormat: place.cast(),
        })
    }

    /// The same, where a pointer to it is wanted.
    pub fn told_at(self) -> windows_core::Result<*mut AM_MEDIA_TYPE> {
        let told = self.told()?;
        // SAFETY: memory of that size and good alignment, or none.
        let place = unsafe { CoTaskMemAlloc(size_of::<AM_MEDIA_TYPE>()) }.cast::<AM_MEDIA_TYPE>();
        if place.is_null() {
            return Err(E_OUTOFMEMORY.into());
        }
        // SAFETY: just made, large enough, and ours.
        unsafe { place.write(told) };
        Ok(place)
    }

    /// Whether a type that somebody names leaves this possible: what it does not say may be anything. A rate that is
    /// asked for is taken.
    pub fn fits(self, asked: &AM_MEDIA_TYPE) -> bool {
        let any = GUID::zeroed();
        let is = |asked: GUID, ours: GUID| asked == any || asked == ours;
        if !is(asked.majortype, MEDIATYPE_Video) || !is(asked.subtype, self.subtype()) {
            return false;
        }
        match header_of(asked) {
            Some(header) => {
                (header.bmiHeader.biWidth, header.bmiHeader.biHeight)
                    == (self.size.width as i32, self.size.height as i32)
            }
            None => asked.formattype == any,
        }
    }

    /// With the rate that a type asks for, if it asks for one.
    pub fn at_rate_of(self, asked: &AM_MEDIA_TYPE) -> Self {
        let period = header_of(asked).map_or(0, |header| header.AvgTimePerFrame);
        let rate =
            u32::try_from(period).ok().filter(|p| *p > 0).and_then(|p| FrameRate::new(10_000_000, p).ok());
        match rate.filter(|_| (period - self.period()).abs() > 10) {
            Some(rate) => Self { rate, ..self },
            None => self,
        }
    }
}

/// A pointer that somebody hands us, as a reference.
///
/// # Safety
/// It is null, or good for as long as the reference is used.
pub(crate) unsafe fn given<'a>(pointer: *const AM_MEDIA_TYPE) -> windows_core::Result<&'a AM_MEDIA_TYPE> {
    // SAFETY: as the caller says.
    unsafe { pointer.as_ref() }.ok_or_else(|| E_POINTER.into())
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! One direction of a sound card, open.
#![allow(unsafe_code)] // a foreign library: the object is ours alone from its opening until it is dropped

use super::library::{Code, Library, Object, Quiet, check, library};
use super::samples::Format;
use lk_media::{Error, ErrorKind, Result, SAMPLE_RATE};
use std::ffi::{CString, c_int, c_long, c_uint, c_ulong};
use std::time::Duration;

/// The library's number for opening without waiting for a device that is in use, and for frames that lie one after
/// another in calls of reading and writing.
const NONBLOCK: c_int = 1;
const RW_INTERLEAVED: c_int = 3;

/// Sound that fits between device and program: what a busy machine may be late by.
const ROOM: Duration = Duration::from_millis(200);

/// Rates and channels that are believed.
const RATES: std::ops::RangeInclusive<c_uint> = 4_000..=768_000;
const MOST_CHANNELS: c_uint = 64;

/// Which way sound goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Playback,
    Capture,
}

impl Direction {
    /// The library's number.
    pub(super) fn code(self) -> c_int {
        match self {
            Self::Playback => 0,
            Self::Capture => 1,
        }
    }
}

/// What frames a device has, as near as it comes to 48 kHz stereo.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) format: Format,
    pub(super) channels: usize,
    pub(super) rate: u32,
    /// Frames that fit between device and program.
    pub(super) buffer: i64,
}

impl Shape {
    /// Bytes of a frame.
    pub(super) fn frame(&self) -> usize {
        self.format.size() * self.channels
    }

    /// Frames of the device in so much time.
    pub(super) fn frames(&self, duration: Duration) -> i64 {
        (duration.as_nanos() * u128::from(self.rate) / 1_000_000_000) as i64
    }

    /// The time of so many frames.
    pub(super) fn duration(&self, frames: i64) -> Duration {
        Duration::from_nanos(frames.max(0).unsigned_abs() * 1_000_000_000 / u64::from(self.rate))
    }
}

/// An open device.
pub(super) struct Pcm {
    library: &'static Library,
    raw: Object,
    /// Bytes of a frame; 0 before that is settled.
    frame: usize,
}

// SAFETY: the library's objects may be used from any thread, one at a time; methods that change one take `&mut`.
unsafe impl Send for Pcm {}

impl Drop for Pcm {
    fn drop(&mut self) {
        // SAFETY: opened by `raw` and closed nowhere else.
        unsafe { (self.library.snd_pcm_close)(self.raw) };
    }
}

/// One of the library's objects that are made and freed.
pub(super) struct Made {
    pub(super) raw: Object,
    free: unsafe extern "C" fn(Object),
}

impl Made {
    pub(super) fn new(
        make: unsafe extern "C" fn(*mut Object) -> c_int,
        free: unsafe extern "C" fn(Object),
    ) -> Result<Self, Code> {
        let mut raw = std::ptr::null_mut();
        // SAFETY: a pair of the library's functions that make and free an object.
        check(unsafe { make(&mut raw) })?;
        Ok(Self { raw, free })
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // SAFETY: made by `new` and freed nowhere else.
        unsafe { (self.free)(self.raw) };
    }
}

impl Pcm {
    /// Opens what the library calls `name` and brings it to `period` at a time.
    pub(super) fn open(name: &str, direction: Direction, period: Duration) -> Result<(Self, Shape)> {
        let library = library()?;
        let _quiet = Quiet::new(library);
        let what = format!("sound device {name}");
        let raw = |name: &str| Self::raw(library, name, direction).map_err(|e| e.error(&what));
        let mut pcm = raw(name)?;
        let shape = pcm.configure(period);
        let shape = match (shape, name.strip_prefix("hw:")) {
            // the library converts what is not known here
            (Err(Code(libc::EINVAL)), Some(rest)) => {
                drop(pcm);
                pcm = raw(&format!("plughw:{rest}"))?;
                pcm.configure(period)
            }
            (shape, _) => shape,
        };
        let shape = shape.map_err(|e| match e {
            Code(libc::EINVAL) => {
                Error::new(ErrorKind::Device, format!("{what} has no frames that are understood"))
                    .with_hint("aplay --dump-hw-params shows what it has; please report it")
            }
            e => e.error(&what),
        })?;
        Ok((pcm, shape))
    }

    /// Opens it for a look.
    pub(super) fn raw(library: &'static Library, name: &str, direction: Direction) -> Result<Self, Code> {
        let name = CString::new(name).map_err(|_| Code(libc::ENOENT))?;
        let open = || {
            let mut raw = std::ptr::null_mut();
            // SAFETY: a name that ends with a zero, and a place for the object.
            check(unsafe { (library.snd_pcm_open)(&mut raw, name.as_ptr(), direction.code(), NONBLOCK) })?;
            Ok(Self { library, raw, frame: 0 })
        };
        open().or_else(|e| {
            if e != Code(libc::ENOENT) {
                return Err(e);
            }
            // what is configured may be from before a card came
            // SAFETY: streams that are open hold what they use of it.
            unsafe { (library.snd_config_update_free_global)() };
            open()
        })
    }

    /// The most channels it has, and the rate that is nearest to ours.
    pub(super) fn widest(&self) -> Result<(u32, u32), Code> {
        let l = self.library;
        let params = Made::new(l.snd_pcm_hw_params_malloc, l.snd_pcm_hw_params_free)?;
        let (mut channels, mut rate): (c_uint, c_uint) = (0, SAMPLE_RATE);
        // SAFETY: objects of the library that live, and places for numbers.
        unsafe {
            check((l.snd_pcm_hw_params_any)(self.raw, params.raw))?;
            check((l.snd_pcm_hw_params_get_channels_max)(params.raw, &mut channels))?;
            let exactly = std::ptr::null_mut();
            check((l.snd_pcm_hw_params_set_rate_near)(self.raw, params.raw, &mut rate, exactly))?;
        }
        Ok((channels, rate))
    }

    fn configure(&mut self, period: Duration) -> Result<Shape, Code> {
        let (l, raw) = (self.library, self.raw);
        let hw = Made::new(l.snd_pcm_hw_params_malloc, l.snd_pcm_hw_params_free)?;
        let (mut channels, mut rate): (c_uint, c_uint) = (lk_media::CHANNELS as c_uint, SAMPLE_RATE);
        let about = std::ptr::null_mut();
        // SAFETY: objects of the library that live, and places for numbers.
        let (format, buffer) = unsafe {
            check((l.snd_pcm_hw_params_any)(raw, hw.raw))?;
            check((l.snd_pcm_hw_params_set_access)(raw, hw.raw, RW_INTERLEAVED))?;
            let takes = |f: &Format| (l.snd_pcm_hw_params_set_format)(raw, hw.raw, f.code()) >= 0;
            let format = Format::ALL.into_iter().find(takes).ok_or(Code(libc::EINVAL))?;
            check((l.snd_pcm_hw_params_set_channels_near)(raw, hw.raw, &mut channels))?;
            check((l.snd_pcm_hw_params_set_rate_near)(raw, hw.raw, &mut rate, about))?;
            if !RATES.contains(&rate) || !(1..=MOST_CHANNELS).contains(&channels) {
                return Err(Code(libc::EINVAL));
            }
            let frames = |time: Duration| (time.as_micros() as u64 * u64::from(rate) / 1_000_000) as c_ulong;
            let (mut period, mut buffer) = (frames(period).max(64), frames(ROOM));
            check((l.snd_pcm_hw_params_set_period_size_near)(raw, hw.raw, &mut period, about))?;
            check((l.snd_pcm_hw_params_set_buffer_size_near)(raw, hw.raw, &mut buffer))?;
            check((l.snd_pcm_hw_params)(raw, hw.raw))?;
            (format, buffer)
        };
        let buffer = i64::try_from(buffer).unwrap_or(0);
        if buffer < 64 {
            return Err(Code(libc::EINVAL));
        }
        // it is started when there is something in it
        self.software(|sw| {
            // SAFETY: as above.
            check(unsafe { (l.snd_pcm_sw_params_set_start_threshold)(raw, sw, buffer as c_ulong + 1) })
        })?;
        let shape = Shape { format, channels: channels as usize, rate, buffer };
        self.frame = shape.frame();
        Ok(shape)
    }

    fn software(&self, set: impl FnOnce(Object) -> Result<c_int, Code>) -> Result<(), Code> {
        let l = self.library;
        let sw = Made::new(l.snd_pcm_sw_params_malloc, l.snd_pcm_sw_params_free)?;
        // SAFETY: objects of the library that live.
        unsafe {
            check((l.snd_pcm_sw_params_current)(self.raw, sw.raw))?;
            set(sw.raw)?;
            check((l.snd_pcm_sw_params)(self.raw, sw.raw))?;
        }
        Ok(())
    }

    /// Waiting ends when so many frames may be read or written.
    pub(super) fn wake_at(&mut self, frames: i64) -> Result<(), Code> {
        let frames = frames.max(1) as c_ulong;
        self.software(|sw| {
            // SAFETY: objects of the library that live.
            check(unsafe { (self.library.snd_pcm_sw_params_set_avail_min)(self.raw, sw, frames) })
        })
    }

    /// Waits at most `limit`.
    pub(super) fn wait(&mut self, limit: Duration) -> Result<(), Code> {
        // SAFETY: an open device.
        check(unsafe { (self.library.snd_pcm_wait)(self.raw, limit.as_millis().max(1) as c_int) }).map(drop)
    }

    /// Makes it ready to begin.
    pub(super) fn prepare(&mut self) -> Result<(), Code> {
        // SAFETY: an open device.
        check(unsafe { (self.library.snd_pcm_prepare)(self.raw) }).map(drop)
    }

    /// Begins.
    pub(super) fn start(&mut self) -> Result<(), Code> {
        // SAFETY: an open device.
        check(unsafe { (self.library.snd_pcm_start)(self.raw) }).map(drop)
    }

    /// Goes on after the machine has slept, if the device can.
    pub(super) fn resume(&mut self) -> Result<(), Code> {
        // SAFETY: an open device.
        check(unsafe { (self.library.snd_pcm_resume)(self.raw) }).map(drop)
    }

    /// Frames that may be read or written now, and frames between the next one and its being heard (of a speaker), or
    /// between what was heard and the next one read (of a microphone).
    pub(super) fn places(&mut self) -> Result<(i64, i64), Code> {
        let (mut avail, mut delay): (c_long, c_long) = (0, 0);
        // SAFETY: an open device, and places for numbers.
        check(unsafe { (self.library.snd_pcm_avail_delay)(self.raw, &mut avail, &mut delay) })?;
        #[allow(clippy::useless_conversion)] // not where the library's numbers are shorter
        Ok((i64::from(avail), i64::from(delay)))
    }

    /// Reads frames; how many.
    pub(super) fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Code> {
        let frames = bytes.len().checked_div(self.frame).unwrap_or(0) as c_ulong;
        // SAFETY: the bytes are as many as frames are asked for.
        moved(unsafe { (self.library.snd_pcm_readi)(self.raw, bytes.as_mut_ptr().cast(), frames) })
    }

    /// Writes frames; how many.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<usize, Code> {
        let frames = bytes.len().checked_div(self.frame).unwrap_or(0) as c_ulong;
        // SAFETY: the bytes are as many as frames are given.
        moved(unsafe { (self.library.snd_pcm_writei)(self.raw, bytes.as_ptr().cast(), frames) })
    }
}

/// Frames moved: none where it would have to wait.
fn moved(answer: c_long) -> Result<usize, Code> {
    match usize::try_from(answer) {
        Ok(frames) => Ok(frames),
        Err(_) if answer == -c_long::from(libc::EAGAIN) => Ok(0),
        Err(_) => Err(Code(-answer as c_int)),
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! Pixel formats we have no word for, turned into ones we have (libswscale).

use ffmpeg_next::{ffi, frame};
use lk_media::{ColorSpace, Error, ErrorKind, Matrix, Range, Result, Siting};
use std::ffi::{CStr, c_int};
use std::ptr::NonNull;

#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    width: c_int,
    height: c_int,
    from: c_int,
    to: c_int,
    color: ColorSpace,
}

/// Converts between pixel formats at the same size, matrix and range (RGB is full range).
#[derive(Default)]
pub(crate) struct Scaler(Option<(Key, Context)>);

struct Context(NonNull<ffi::SwsContext>);

// SAFETY: a scaler may be used from any thread, one at a time; `&mut self` sees to that.
#[allow(unsafe_code)]
unsafe impl Send for Context {}

impl Drop for Context {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: made by `sws_alloc_context`, freed nowhere else.
        unsafe { ffi::sws_freeContext(self.0.as_ptr()) };
    }
}

impl Scaler {
    /// `picture`, whose YUV is in `color`, as `format` (one of FFmpeg's numbers).
    #[allow(unsafe_code)]
    pub(crate) fn convert(
        &mut self,
        picture: &frame::Video,
        color: ColorSpace,
        format: ffi::AVPixelFormat,
    ) -> Result<frame::Video> {
        let mut out = frame::Video::empty();
        // SAFETY: both frames are allocated and have their buffers; the buffer FFmpeg makes is padded for its own
        // vector code.
        unsafe {
            let (from, to) = (picture.as_ptr(), out.as_mut_ptr());
            if to.is_null() {
                return Err(Error::new(ErrorKind::Memory, "no memory for a picture"));
            }
            ((*to).width, (*to).height, (*to).format) = ((*from).width, (*from).height, format as c_int);
            check(ffi::av_frame_get_buffer(to, 0))?;
            let key = Key {
                width: (*from).width,
                height: (*from).height,
                from: (*from).format,
                to: format as c_int,
                color,
            };
            let context = self.context(key)?;
            check(ffi::sws_scale(
                context,
                (*from).data.as_ptr().cast(),
                (*from).linesize.as_ptr(),
                0,
                (*from).height,
                (*to).data.as_ptr(),
                (*to).linesize.as_ptr(),
            ))?;
        }
        Ok(out)
    }

    #[allow(unsafe_code)]
    fn context(&mut self, key: Key) -> Result<*mut ffi::SwsContext> {
        if let Some((kept, context)) = &self.0
            && *kept == key
        {
            return Ok(context.0.as_ptr());
        }
        self.0 = None;
        // SAFETY: the context is owned from its allocation on; options are set by name before it is initialised.
        unsafe {
            let Some(raw) = NonNull::new(ffi::sws_alloc_context()) else {
                return Err(Error::new(ErrorKind::Memory, "no memory to convert a picture"));
            };
            let context = Context(raw);
            let flags = ffi::SWS_BILINEAR as i64
                | ffi::SWS_ACCURATE_RND as i64
                | ffi::SWS_FULL_CHR_H_INT as i64
                | ffi::SWS_FULL_CHR_H_INP as i64
                | ffi::SWS_BITEXACT as i64;
            let full = i64::from(key.color.range == Range::Full);
            let (across, down) = match key.color.siting {
                Siting::Left => (0, 128),
                Siting::Center => (128, 128),
                Siting::TopLeft => (0, 0),
            };
            let settings: [(&CStr, i64); 13] = [
                (c"srcw", i64::from(key.width)),
                (c"srch", i64::from(key.height)),
                (c"dstw", i64::from(key.width)),
                (c"dsth", i64::from(key.height)),
                (c"src_format", i64::from(key.from)),
                (c"dst_format", i64::from(key.to)),
                (c"src_range", full),
                (c"dst_range", full),
                (c"src_h_chr_pos", across),
                (c"src_v_chr_pos", down),
                (c"dst_h_chr_pos", across),
                (c"dst_v_chr_pos", down),
                (c"sws_flags", flags),
            ];
            for (name, value) in settings {
                check(ffi::av_opt_set_int(raw.as_ptr().cast(), name.as_ptr(), value, 0))?;
            }
            check(ffi::sws_init_context(raw.as_ptr(), std::ptr::null_mut(), std::ptr::null_mut()))?;
            let matrix = ffi::sws_getCoefficients(match key.color.matrix {
                Matrix::Bt601 => ffi::SWS_CS_ITU601 as c_int,
                Matrix::Bt709 => ffi::SWS_CS_ITU709 as c_int,
                Matrix::Bt2020 => ffi::SWS_CS_BT2020 as c_int,
            });
            let full = full as c_int;
            // -1: these formats have nothing to set
            let _ =
                ffi::sws_setColorspaceDetails(raw.as_ptr(), matrix, full, matrix, full, 0, 1 << 16, 1 << 16);
            let (_, context) = self.0.insert((key, context));
            Ok(context.0.as_ptr())
        }
    }
}

fn check(code: c_int) -> Result<()> {
    if code >= 0 {
        return Ok(());
    }
    let error = ffmpeg_next::Error::from(code);
    Err(match error {
        ffmpeg_next::Error::Other { errno: ffmpeg_next::error::ENOMEM } => {
            Error::new(ErrorKind::Memory, "no memory to convert a picture")
        }
        _ => Error::new(ErrorKind::Media, format!("its pixel format cannot be converted: {error}")),
    })
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! Setting FFmpeg's options by their names, with errors that say what there is.

use super::text;
use crate::encode::{refusal, suggest};
use ffmpeg_next::ffi;
use lk_media::{Error, ErrorKind, Result};
use std::ffi::{CString, c_int, c_void};
use std::marker::PhantomData;

/// Something of FFmpeg that has options: an encoder or a muxer before it is opened.
pub(crate) struct Object<'a> {
    pointer: *mut c_void,
    label: &'a str,
    alive: PhantomData<&'a mut ()>,
}

impl<'a> Object<'a> {
    /// # Safety
    /// `pointer` is an FFmpeg object that starts with its `AVClass` and lives for `'a`, and nothing else uses it
    /// meanwhile.
    #[allow(unsafe_code)]
    pub(crate) unsafe fn new(pointer: *mut c_void, label: &'a str) -> Self {
        Self { pointer, label, alive: PhantomData }
    }

    /// The smallest and largest value of a number; None if there is no such option.
    #[allow(unsafe_code)]
    pub(crate) fn range(&self, name: &str) -> Option<(f64, f64)> {
        let option = self.find(name)?;
        // SAFETY: options live as long as the process.
        Some(unsafe { ((*option).min, (*option).max) })
    }

    /// Sets the option `name` to `value`, spelt as on FFmpeg's command line: `crf`, `-crf` and `b:v` are all
    /// understood.
    #[allow(unsafe_code)]
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let name = plain(name);
        let Some(option) = self.find(name) else { return Err(self.unknown(name)) };
        let bad = |_| {
            Error::new(ErrorKind::Encoder, format!("{}: the option {name} holds a zero byte", self.label))
        };
        let (c_name, c_value) = (CString::new(name).map_err(bad)?, CString::new(value).map_err(bad)?);
        let (code, said) = refusal::listen(|| {
            // SAFETY: `Object::new`'s promise; both texts end with a zero and are copied.
            unsafe {
                ffi::av_opt_set(
                    self.pointer,
                    c_name.as_ptr(),
                    c_value.as_ptr(),
                    ffi::AV_OPT_SEARCH_CHILDREN as c_int,
                )
            }
        });
        if code >= 0 {
            return Ok(());
        }
        let why = if said.is_empty() { ffmpeg_next::Error::from(code).to_string() } else { said };
        let message = format!("{}: the option {name} cannot be {value:?}: {why}", self.label);
        Err(Error::new(ErrorKind::Encoder, message).with_hint(self.possible(option)))
    }

    fn unknown(&self, name: &str) -> Error {
        let all: Vec<&str> = self.all().into_iter().filter(|o| !is_constant(*o)).map(name_of).collect();
        let near = suggest::nearest(name, all.iter().copied());
        let hint = if near.is_empty() {
            format!("`ffmpeg -h encoder=NAME` or `-h muxer=NAME` lists its options; {} are known", all.len())
        } else {
            format!("did you mean {}?", suggest::or_list(&near))
        };
        Error::new(ErrorKind::Encoder, format!("{} has no option {name:?}", self.label)).with_hint(hint)
    }

    /// What an option may be set to, in words.
    #[allow(unsafe_code)]
    fn possible(&self, option: *const ffi::AVOption) -> String {
        // SAFETY: options live as long as the process.
        let (unit, help, min, max) =
            unsafe { (text((*option).unit), text((*option).help), (*option).min, (*option).max) };
        let mut words: Vec<&str> = Vec::new();
        if !unit.is_empty() {
            // SAFETY: as above.
            let same = |o: &*const ffi::AVOption| is_constant(*o) && unsafe { text((**o).unit) } == unit;
            words = self.all().into_iter().filter(same).map(name_of).collect();
            words.dedup();
        }
        match (words.is_empty(), min < max) {
            (false, _) => format!("one of {}", words.join(", ")),
            (true, true) => format!("{min} to {max}: {help}"),
            (true, false) => help.to_owned(),
        }
    }

    #[allow(unsafe_code)]
    fn find(&self, name: &str) -> Option<*const ffi::AVOption> {
        let name = CString::new(name).ok()?;
        // SAFETY: `Object::new`'s promise.
        let found = unsafe {
            ffi::av_opt_find(
                self.pointer,
                name.as_ptr(),
                std::ptr::null(),
                ffi::AV_OPT_FLAG_ENCODING_PARAM as c_int,
                ffi::AV_OPT_SEARCH_CHILDREN as c_int,
            )
        };
        (!found.is_null()).then_some(found)
    }

    /// All options and named constants of the object and what it is made of.
    #[allow(unsafe_code)]
    fn all(&self) -> Vec<*const ffi::AVOption> {
        let mut found = Vec::new();
        // SAFETY: `Object::new`'s promise; FFmpeg walks its own tables, null ends each.
        unsafe {
            let mut part = self.pointer;
            let mut child = std::ptr::null_mut();
            while !part.is_null() {
                let mut option = ffi::av_opt_next(part, std::ptr::null());
                while !option.is_null() {
                    if (*option).flags & ffi::AV_OPT_FLAG_ENCODING_PARAM as c_int != 0 {
                        found.push(option);
                    }
                    option = ffi::av_opt_next(part, option);
                }
                child = ffi::av_opt_child_next(self.pointer, child);
                part = child;
            }
        }
        found
    }
}

/// Something whose options can be asked for before it exists.
pub(crate) enum ClassOf<'a> {
    /// An encoder, by its name.
    Encoder(&'a str),
    /// A container.
    Container(&'a crate::av::output::Format),
}

/// Whether `of` has the option `name`, its own or one of all encoders or containers.
#[allow(unsafe_code)]
pub(crate) fn knows(of: ClassOf<'_>, name: &str) -> bool {
    let Ok(name) = CString::new(plain(name)) else { return false };
    // SAFETY: FFmpeg's classes live as long as the process; the encoder is looked up by a zero-terminated name.
    let (general, own) = unsafe {
        match of {
            ClassOf::Encoder(encoder) => {
                let Ok(encoder) = CString::new(encoder) else { return false };
                let codec = ffi::avcodec_find_encoder_by_name(encoder.as_ptr());
                let own = if codec.is_null() { std::ptr::null() } else { (*codec).priv_class };
                (ffi::avcodec_get_class(), own)
            }
            ClassOf::Container(format) => (ffi::avformat_get_class(), format.options_class()),
        }
    };
    [own, general].into_iter().filter(|class| !class.is_null()).any(|class| {
        let class: *const ffi::AVClass = class;
        // SAFETY: with FAKE_OBJ the object is a pointer to a pointer to a class, which `&class` is.
        let found = unsafe {
            ffi::av_opt_find(
                (&raw const class).cast_mut().cast::<c_void>(),
                name.as_ptr(),
                std::ptr::null(),
                ffi::AV_OPT_FLAG_ENCODING_PARAM as c_int,
                ffi::AV_OPT_SEARCH_FAKE_OBJ as c_int,
            )
        };
        !found.is_null()
    })
}

/// The option's name without what only the command line needs.
pub(crate) fn plain(name: &str) -> &str {
    let name = name.trim().trim_start_matches('-');
    match name.split_once(':') {
        Some((head, "v" | "a" | "v:0" | "a:0")) => head,
        _ => name,
    }
}

#[allow(unsafe_code)]
fn name_of(option: *const ffi::AVOption) -> &'static str {
    // SAFETY: options live as long as the process.
    unsafe { text((*option).name) }
}

#[allow(unsafe_code)]
fn is_constant(option: *const ffi::AVOption) -> bool {
    // newer FFmpeg adds a flag to the type, which is then none of the enumeration's values: read the number
    // SAFETY: options live as long as the process; the field is an int in C.
    let kind = unsafe { std::ptr::addr_of!((*option).type_).cast::<c_int>().read() };
    kind == ffi::AVOptionType::AV_OPT_TYPE_CONST as c_int
}

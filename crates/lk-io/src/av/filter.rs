// SPDX-License-Identifier: GPL-2.0-or-later
//! Filter graphs of one input and one output: deinterlacing, display rotation, square pixels.

use super::filter_library::Filters;
use super::input::static_name;
use ffmpeg_next::{ffi, frame};
use lk_media::thread::Process;
use lk_media::{Error, ErrorKind, Result, Size};
use std::ffi::{CString, c_int};
use std::ptr::{self, NonNull};

/// Pictures a graph was built for; others need a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    width: c_int,
    height: c_int,
    format: c_int,
    space: c_int,
    range: c_int,
}

impl Shape {
    /// The shape of `picture`.
    #[allow(unsafe_code)]
    pub(crate) fn of(picture: &frame::Video) -> Self {
        // SAFETY: an allocated frame; the enums are read as the numbers they are.
        unsafe {
            let f = picture.as_ptr();
            Self {
                width: (*f).width,
                height: (*f).height,
                format: (*f).format,
                space: (&raw const (*f).colorspace).cast::<c_int>().read(),
                range: (&raw const (*f).color_range).cast::<c_int>().read(),
            }
        }
    }
}

/// How decoded pictures become upright ones with square pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Orientation {
    /// Columns and rows are exchanged, first of all.
    pub(crate) transpose: bool,
    /// Then left and right.
    pub(crate) hflip: bool,
    /// Then top and bottom.
    pub(crate) vflip: bool,
}

impl Orientation {
    /// From a display matrix (nine 32-bit numbers): where the axes of the stored picture point when shown.
    /// Only quarter turns and mirrors count; other angles are left alone.
    pub(crate) fn from_matrix(m: &[i32; 9]) -> Self {
        // a stored point (p, q) is shown at (a p + c q, b p + d q)
        let [a, b, c, d] = [m[0], m[1], m[3], m[4]].map(i64::from);
        let straight = a.abs().min(d.abs());
        let turned = b.abs().min(c.abs());
        if straight > 8 * b.abs().max(c.abs()) {
            Self { transpose: false, hflip: a < 0, vflip: d < 0 }
        } else if turned > 8 * a.abs().max(d.abs()) {
            Self { transpose: true, hflip: c < 0, vflip: b < 0 }
        } else {
            Self::default()
        }
    }

    /// Degrees clockwise, mirrors not counted.
    pub(crate) fn degrees(self) -> u32 {
        match (self.transpose, self.hflip, self.vflip) {
            (false, true, true) => 180,
            (true, true, _) => 90,
            (true, false, true) => 270,
            _ => 0,
        }
    }
}

/// The size with square pixels: the height stays, the width becomes the nearest even number.
pub(crate) fn square_size(size: Size, aspect: ffi::AVRational) -> Size {
    let (num, den) = (f64::from(aspect.num), f64::from(aspect.den));
    let ratio = num / den;
    if num <= 0.0 || den <= 0.0 || num == den || !(1.0 / 16.0..=16.0).contains(&ratio) {
        return size;
    }
    let width = (f64::from(size.width) * ratio / 2.0).round() * 2.0;
    if (2.0..=f64::from(Size::MAX_SIDE)).contains(&width) {
        Size::new(width as u32, size.height)
    } else {
        size
    }
}

/// The filters for an orientation and a pixel aspect, None if the picture is right as it is.
pub(crate) fn upright(size: Size, aspect: ffi::AVRational, orientation: Orientation) -> Option<String> {
    let mut steps = Vec::new();
    let square = square_size(size, aspect);
    if square != size {
        steps.push(format!(
            "scale={}:{}:flags=bicubic+accurate_rnd+full_chroma_int",
            square.width, square.height
        ));
    }
    if orientation.transpose {
        // the filter's own numbers: 0 exchanges the axes, 1 mirrors left-right after that, 2 top-bottom, 3 both
        let direction = u8::from(orientation.hflip) + 2 * u8::from(orientation.vflip);
        steps.push(format!("transpose={direction}"));
    } else {
        steps.extend(orientation.hflip.then(|| "hflip".to_owned()));
        steps.extend(orientation.vflip.then(|| "vflip".to_owned()));
    }
    (!steps.is_empty()).then(|| steps.join(","))
}

/// The shown size of a stored size.
pub(crate) fn shown_size(size: Size, aspect: ffi::AVRational, orientation: Orientation) -> Size {
    let square = square_size(size, aspect);
    if orientation.transpose { Size::new(square.height, square.width) } else { square }
}

/// A running graph. Timestamps are nanoseconds on both sides.
pub(crate) struct Graph {
    filters: &'static Filters,
    graph: NonNull<ffi::AVFilterGraph>,
    source: *mut ffi::AVFilterContext,
    sink: *mut ffi::AVFilterContext,
    shape: Shape,
    process: Process,
}

// SAFETY: a filter graph may be used from any thread, one at a time; `&mut self` sees to that.
#[allow(unsafe_code)]
unsafe impl Send for Graph {}

impl Graph {
    /// Builds `filters` for pictures like `picture`.
    #[allow(unsafe_code)]
    pub(crate) fn new(filters: &str, picture: &frame::Video) -> Result<Self> {
        let shape = Shape::of(picture);
        let library = Filters::get()?;
        // SAFETY: the graph owns its contexts and is freed by `built`'s drop on every path.
        unsafe {
            let Some(graph) = NonNull::new((library.avfilter_graph_alloc)()) else {
                return Err(Error::new(ErrorKind::Memory, "no memory for a filter"));
            };
            let mut built = Self {
                filters: library,
                graph,
                source: ptr::null_mut(),
                sink: ptr::null_mut(),
                shape,
                process: Process::here(),
            };
            (*graph.as_ptr()).nb_threads = lk_media::thread::budget().min(4) as c_int;
            let mut arguments = format!(
                "video_size={}x{}:pix_fmt={}:time_base=1/1000000000:pixel_aspect=1/1",
                shape.width, shape.height, shape.format
            );
            // since FFmpeg 7 the source wants to know these as well
            if (library.avfilter_version)() >> 16 >= 10 {
                arguments += &format!(":colorspace={}:range={}", shape.space, shape.range);
            }
            built.source = built.create(c"buffer".as_ptr(), &arguments)?;
            built.sink = built.create(c"buffersink".as_ptr(), "")?;
            built.link(filters)?;
            check((library.avfilter_graph_config)(graph.as_ptr(), ptr::null_mut()), filters)?;
            Ok(built)
        }
    }

    /// Whether it was built for pictures like this one.
    pub(crate) fn fits(&self, picture: &frame::Video) -> bool {
        self.shape == Shape::of(picture)
    }

    /// Puts a picture in; `nanos` is its time. The picture stays the caller's.
    #[allow(unsafe_code)]
    pub(crate) fn push(&mut self, picture: &frame::Video, nanos: i64) -> Result<()> {
        let mut copy = reference(picture)?;
        copy.set_pts(Some(nanos));
        // SAFETY: a configured source; the reference is taken over. The pixel aspect was declared as square.
        let code = unsafe {
            (*copy.as_mut_ptr()).sample_aspect_ratio = ffi::AVRational { num: 1, den: 1 };
            (self.filters.av_buffersrc_add_frame_flags)(self.source, copy.as_mut_ptr(), 0)
        };
        check(code, "a picture")
    }

    /// Says that no more come.
    #[allow(unsafe_code)]
    pub(crate) fn finish(&mut self) {
        // SAFETY: a configured source; null is its end of stream. A failure leaves nothing to take.
        let _ = unsafe { (self.filters.av_buffersrc_add_frame_flags)(self.source, ptr::null_mut(), 0) };
    }

    /// Takes a picture out, with its time in nanoseconds; None: it wants more, or is at its end.
    #[allow(unsafe_code)]
    pub(crate) fn pull(&mut self) -> Result<Option<(frame::Video, i64)>> {
        let mut out = frame::Video::empty();
        // SAFETY: a configured sink and an allocated frame.
        let (code, base) = unsafe {
            (
                (self.filters.av_buffersink_get_frame)(self.sink, out.as_mut_ptr()),
                (self.filters.av_buffersink_get_time_base)(self.sink),
            )
        };
        match ffmpeg_next::Error::from(code.min(0)) {
            _ if code >= 0 => Ok(Some((pts(&out, base), out)).map(|(time, picture)| (picture, time))),
            ffmpeg_next::Error::Eof => Ok(None),
            ffmpeg_next::Error::Other { errno: ffmpeg_next::error::EAGAIN } => Ok(None),
            _ => check(code, "a picture").map(|()| None),
        }
    }

    #[allow(unsafe_code)]
    fn create(
        &mut self,
        filter: *const std::ffi::c_char,
        arguments: &str,
    ) -> Result<*mut ffi::AVFilterContext> {
        let text = CString::new(arguments).map_err(|_| Error::internal("a zero byte in a filter"))?;
        let mut context = ptr::null_mut();
        // SAFETY: the name is a static string, the graph is valid and keeps the context.
        let code = unsafe {
            let found = (self.filters.avfilter_get_by_name)(filter);
            if found.is_null() {
                return Err(Error::internal(format!("FFmpeg has no filter {}", static_name(filter))));
            }
            let graph = self.graph.as_ptr();
            (self.filters.avfilter_graph_create_filter)(
                &mut context,
                found,
                filter,
                text.as_ptr(),
                ptr::null_mut(),
                graph,
            )
        };
        check(code, arguments).map(|()| context)
    }

    #[allow(unsafe_code)]
    fn link(&mut self, filters: &str) -> Result<()> {
        let text = CString::new(filters).map_err(|_| Error::internal("a zero byte in a filter"))?;
        // SAFETY: the lists are allocated here and freed here; the names are FFmpeg's own copies.
        unsafe {
            let (mut outputs, mut inputs) =
                ((self.filters.avfilter_inout_alloc)(), (self.filters.avfilter_inout_alloc)());
            if outputs.is_null() || inputs.is_null() {
                (self.filters.avfilter_inout_free)(&mut outputs);
                (self.filters.avfilter_inout_free)(&mut inputs);
                return Err(Error::new(ErrorKind::Memory, "no memory for a filter"));
            }
            (*outputs).name = ffi::av_strdup(c"in".as_ptr());
            (*outputs).filter_ctx = self.source;
            (*inputs).name = ffi::av_strdup(c"out".as_ptr());
            (*inputs).filter_ctx = self.sink;
            let graph = self.graph.as_ptr();
            let code = (self.filters.avfilter_graph_parse_ptr)(
                graph,
                text.as_ptr(),
                &mut inputs,
                &mut outputs,
                ptr::null_mut(),
            );
            (self.filters.avfilter_inout_free)(&mut outputs);
            (self.filters.avfilter_inout_free)(&mut inputs);
            check(code, filters)
        }
    }
}

impl Drop for Graph {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        if !self.process.is_this() {
            return; // as for decoders
        }
        let mut graph = self.graph.as_ptr();
        // SAFETY: allocated by `new` and freed nowhere else; its contexts go with it.
        unsafe { (self.filters.avfilter_graph_free)(&mut graph) };
    }
}

/// Another reference to the same picture.
#[allow(unsafe_code)]
pub(crate) fn reference(picture: &frame::Video) -> Result<frame::Video> {
    let mut copy = frame::Video::empty();
    // SAFETY: two allocated frames (the check catches a failed allocation), the second one empty.
    let code = unsafe {
        if copy.as_ptr().is_null() {
            return Err(Error::new(ErrorKind::Memory, "no memory for a picture"));
        }
        ffi::av_frame_ref(copy.as_mut_ptr(), picture.as_ptr())
    };
    check(code, "a picture").map(|()| copy)
}

fn pts(picture: &frame::Video, base: ffi::AVRational) -> i64 {
    picture.pts().map_or(0, |ticks| super::input::ticks_to_nanos(ticks, base))
}

fn check(code: c_int, what: &str) -> Result<()> {
    if code >= 0 {
        return Ok(());
    }
    let error = ffmpeg_next::Error::from(code);
    let kind = match error {
        ffmpeg_next::Error::Other { errno: ffmpeg_next::error::ENOMEM } => ErrorKind::Memory,
        _ => ErrorKind::Media,
    };
    Err(Error::new(kind, format!("the filter {what:?} failed: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_matrices() {
        const ONE: i32 = 1 << 16;
        let turned = |m: [i32; 4]| Orientation::from_matrix(&[m[0], m[1], 0, m[2], m[3], 0, 0, 0, 1 << 30]);
        assert_eq!(turned([ONE, 0, 0, ONE]), Orientation::default());
        assert_eq!(turned([0, ONE, -ONE, 0]).degrees(), 90);
        assert_eq!(turned([-ONE, 0, 0, -ONE]).degrees(), 180);
        assert_eq!(turned([0, -ONE, ONE, 0]).degrees(), 270);
        assert!(turned([-ONE, 0, 0, ONE]).hflip);
        // 45 degrees is left alone, and so is nonsense
        assert_eq!(turned([46341, 46341, -46341, 46341]), Orientation::default());
        assert_eq!(turned([0, 0, 0, 0]), Orientation::default());
        assert_eq!(turned([i32::MIN; 4]), Orientation::default());
    }

    #[test]
    fn square_pixels_keep_the_height() {
        let aspect = |num, den| ffi::AVRational { num, den };
        assert_eq!(square_size(Size::new(720, 576), aspect(16, 15)), Size::new(768, 576));
        assert_eq!(square_size(Size::new(720, 576), aspect(0, 1)), Size::new(720, 576));
        assert_eq!(square_size(Size::new(720, 576), aspect(1, 100_000)), Size::new(720, 576));
        assert_eq!(upright(Size::new(720, 576), aspect(1, 1), Orientation::default()), None);
    }
}

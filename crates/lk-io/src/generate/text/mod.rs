// SPDX-License-Identifier: GPL-2.0-or-later
//! Text as a source.

mod fonts;
mod function;
mod layout;
mod paint;
mod style;
#[cfg(test)]
mod tests;

pub use fonts::installed_fonts;
use function::Function;
use lk_media::{
    Error, ErrorKind, Exactness, Frame, Result, Sample, Sampling, Size, SourceState, Timestamp, VideoSource,
    Wake,
};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
pub use style::{Align, TextStyle};

/// Text in one font, size and colour, as a picture just large enough for it.
///
/// The picture is made when the text or its style changes, on the thread that changes it, and handed out again
/// until then. Lines end at "\n"; each paragraph is laid out by itself, right-to-left scripts included. Control
/// characters are left out. Characters that the font does not have come from the system's fonts; those that none
/// has are boxes, and colour emoji are not drawn. A text without letters is one transparent pixel.
pub struct Text {
    core: Arc<Core>,
    function: Option<Function>,
}

/// What the source and the thread of a function share.
struct Core {
    /// What is to be shown; held while a picture of it is made, never while one is handed out.
    wanted: Mutex<(String, TextStyle)>,
    shown: Mutex<Frame>,
}

impl Text {
    /// Characters a text may have.
    pub const MAX_CHARACTERS: usize = 10_000;
    /// How often a second a function is asked unless told otherwise.
    pub const DEFAULT_RATE: f64 = 10.0;

    /// `text` in `style`; errors for fonts that are not there and values out of their range.
    pub fn new(text: &str, style: TextStyle) -> Result<Self> {
        let shown = Mutex::new(make(text, &style)?);
        Ok(Self {
            core: Arc::new(Core { wanted: Mutex::new((text.to_owned(), style)), shown }),
            function: None,
        })
    }

    /// What `say` answers for a time. It is called on a thread of its own: live at most `rate` times a second and
    /// only while somebody reads, offline once for every frame, with the time of that frame. A live text stays as
    /// it is while `say` takes its time or fails; offline its errors end the run. Dropping the text does not wait
    /// for `say`.
    pub fn from_function(
        say: impl FnMut(Timestamp) -> Result<String> + Send + 'static,
        style: TextStyle,
        rate: f64,
    ) -> Result<Self> {
        if !(0.001..=1000.0).contains(&rate) {
            return Err(Error::parameter(format!("a rate of {rate} is not possible"))
                .with_hint("how many times a second the function may be asked, 0.001 to 1000"));
        }
        let text = Self::new("", style)?;
        let period = Duration::from_secs_f64(1.0 / rate);
        let function = Some(Function::start(text.core.clone(), Box::new(say), period)?);
        Ok(Self { function, ..text })
    }

    /// What it says; of a function, what that answered last.
    pub fn text(&self) -> String {
        self.core.wanted.lock().0.clone()
    }

    /// Says something else from the next frame on. An error leaves it as it was.
    pub fn set_text(&self, text: &str) -> Result<()> {
        if self.function.is_some() {
            return Err(Error::parameter("what this text says comes from a function")
                .with_hint("use a second Text for what you set yourself"));
        }
        self.core.show(text).map(|_| ())
    }

    /// How it looks.
    pub fn style(&self) -> TextStyle {
        self.core.wanted.lock().1.clone()
    }

    /// Looks as `edit` makes it from the next frame on. An error leaves it as it was.
    pub fn edit(&self, edit: impl FnOnce(&mut TextStyle)) -> Result<()> {
        let mut wanted = self.core.wanted.lock();
        let mut style = wanted.1.clone();
        edit(&mut style);
        if style != wanted.1 {
            *self.core.shown.lock() = make(&wanted.0, &style)?;
            wanted.1 = style;
            drop(wanted);
            if let Some(function) = &self.function {
                function.forget();
            }
        }
        Ok(())
    }

    /// The picture of now.
    pub fn frame(&self) -> Frame {
        self.core.shown.lock().clone()
    }
}

impl Core {
    /// Shows `text`; its picture.
    fn show(&self, text: &str) -> Result<Frame> {
        let mut wanted = self.wanted.lock();
        if wanted.0 == text {
            return Ok(self.shown.lock().clone());
        }
        let frame = make(text, &wanted.1)?;
        *self.shown.lock() = frame.clone();
        text.clone_into(&mut wanted.0);
        Ok(frame)
    }
}

fn make(text: &str, style: &TextStyle) -> Result<Frame> {
    style.validate()?;
    let count = text.chars().count();
    if count > Text::MAX_CHARACTERS {
        return Err(Error::parameter(format!("a text of {count} characters is too long"))
            .with_hint(format!("at most {}; show a part of it at a time", Text::MAX_CHARACTERS)));
    }
    fonts::with(|fonts| {
        let laid = layout::lay_out(fonts, &clean(text), style)?;
        if laid.is_empty() { paint::nothing() } else { paint::paint(&laid, style) }
    })
}

/// Line ends as "\n", tabs as spaces, other control characters gone.
fn clean(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace(['\r', '\u{2028}', '\u{2029}'], "\n")
        .replace('\t', "    ")
        .chars()
        .filter(|c| *c == '\n' || !c.is_control())
        .collect()
}

impl VideoSource for Text {
    fn name(&self) -> String {
        if self.function.is_some() {
            return "the text from a function".to_owned();
        }
        let text = self.text();
        let start: String = text.chars().filter(|c| !c.is_control()).take(20).collect();
        let more = if start.len() < text.len() { "..." } else { "" };
        format!("the text {start:?}{more}")
    }

    fn sample(&self, at: Timestamp, sampling: Sampling) -> Result<Sample> {
        let Some(function) = &self.function else { return Ok(Sample::Frame(self.frame().at(at))) };
        match sampling {
            Sampling::Exact => {
                function.exact(at).map_or(Ok(Sample::Pending), |made| made.map(|f| Sample::Frame(f.at(at))))
            }
            Sampling::Live if function.live(at) => Ok(Sample::Frame(self.frame().at(at))),
            Sampling::Live => Ok(Sample::Empty),
        }
    }

    fn exactness(&self) -> Exactness {
        Exactness::Exact
    }

    fn size(&self) -> Option<Size> {
        // what a function will say is not known
        self.function.is_none().then(|| self.frame().size())
    }

    fn wake_on_ready(&self, wake: &Wake) {
        if let Some(function) = &self.function {
            function.wake_on_ready(wake);
        }
    }

    fn state(&self) -> SourceState {
        match self.function.as_ref().map(Function::state) {
            Some((Some(error), _)) if error.kind() != ErrorKind::Cancelled => SourceState::Failed(error),
            Some((_, false)) => SourceState::Starting,
            _ => SourceState::Live,
        }
    }
}

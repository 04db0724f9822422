// SPDX-License-Identifier: GPL-2.0-or-later
//! What a recorder is told to record, and how.

use crate::compositor::PyCompositor;
use crate::error::raise;
use crate::mix::PyMix;
use crate::sound::sound_of;
use crate::source::given;
use crate::values::items_of;
use livekit_studio::{
    AudioSettings, AudioSource, Cancel, Compositor, Error, ErrorKind, FrameRate, Heard, OpenOptions,
    OutputSettings, Recorded, RecorderSettings, Result, Size, VideoSettings, VideoSource, first_size,
};
use pyo3::prelude::*;
use pyo3::types::PyBool;
use std::sync::Arc;

/// The word for the sound of what is recorded.
const SOURCE: &str = "source";

/// Where the pictures come from.
#[derive(Clone)]
pub(crate) enum Shown {
    Scene(Compositor),
    Video(Arc<dyn VideoSource>, Option<Arc<dyn AudioSource>>),
}

pub(crate) fn shown_of(value: &Bound<'_, PyAny>) -> PyResult<Shown> {
    if let Ok(scene) = value.cast::<PyCompositor>() {
        return Ok(Shown::Scene(scene.get().compositor.clone()));
    }
    let given = given(value, true)?;
    Ok(Shown::Video(given.video, given.sound))
}

impl Shown {
    /// The size of its pictures; waits for the first one where it is not known before.
    pub(crate) fn size(&self, cancel: &Cancel) -> Result<Size> {
        match self {
            Self::Scene(scene) => Ok(scene.size()),
            Self::Video(source, _) => first_size(&**source, cancel).map_err(|e| match e.kind() {
                ErrorKind::Deadline => {
                    e.with_hint("say video_width and video_height, or make the recorder when pictures come")
                }
                _ => e,
            }),
        }
    }

    /// The rate of its pictures, where it has one.
    pub(crate) fn rate(&self) -> Option<FrameRate> {
        match self {
            Self::Scene(scene) => Some(scene.rate()),
            Self::Video(..) => None,
        }
    }
}

/// The tracks in `audio`: nothing, one, or a list.
pub(crate) fn heard_of(audio: Option<&Bound<'_, PyAny>>, shown: Option<&Shown>) -> PyResult<Vec<Heard>> {
    let Some(audio) = audio else { return Ok(Vec::new()) };
    match items_of(audio) {
        Some(items) => items.iter().map(|item| track_of(item, shown)?.ok_or_else(|| silent(shown))).collect(),
        None => Ok(track_of(audio, shown)?.into_iter().collect()),
    }
}

/// One track; None where there is no sound to record.
fn track_of(value: &Bound<'_, PyAny>, shown: Option<&Shown>) -> PyResult<Option<Heard>> {
    let flag = value.cast::<PyBool>().ok().map(|b| b.is_true());
    if flag == Some(false) {
        return Ok(None);
    }
    if flag == Some(true) || value.extract::<String>().is_ok_and(|s| s == SOURCE) {
        return Ok(match shown {
            Some(Shown::Scene(_)) => Some(Heard::Mix),
            Some(Shown::Video(_, sound)) => sound.clone().map(Heard::Source),
            None => None,
        });
    }
    if let (Ok(mix), Some(Shown::Scene(scene))) = (value.cast::<PyMix>(), shown)
        && mix.get().compositor.is_same(scene)
    {
        return Ok(Some(Heard::Track(mix.get().id)));
    }
    sound_of(value, OpenOptions::default()).map(|sound| Some(Heard::Source(sound)))
}

fn silent(shown: Option<&Shown>) -> PyErr {
    let message = match shown {
        Some(Shown::Video(source, _)) => format!("{} has no sound for a track", source.name()),
        _ => "a track of nothing cannot be recorded".to_owned(),
    };
    raise(Error::new(ErrorKind::Media, message).with_hint("leave it out of the list of tracks"))
}

/// The two together; an error if a mix is asked for and there is no scene.
pub(crate) fn recorded(shown: Option<Shown>, heard: Vec<Heard>) -> Result<Recorded> {
    let video = match shown {
        Some(Shown::Scene(scene)) => return Ok(Recorded::Scene(scene, heard)),
        Some(Shown::Video(video, _)) => Some(video),
        None => None,
    };
    let sounds = heard.into_iter().map(|heard| match heard {
        Heard::Source(sound) => Ok(sound),
        Heard::Mix | Heard::Track(_) => {
            Err(Error::parameter("a track is for the sound of a scene, and this is none")
                .with_hint("make another recorder for another kind of source"))
        }
    });
    Ok(Recorded::Sources(video, sounds.collect::<Result<_>>()?))
}

/// How the file is to be.
pub(crate) struct Asked {
    /// The container of 2020, with its codecs.
    pub mp4: Option<bool>,
    pub size: Option<Size>,
    pub rate: Option<FrameRate>,
    pub video_codec: Option<String>,
    pub quality: Option<f64>,
    pub bitrate: Option<u64>,
    pub audio_codec: Option<String>,
    pub options: Vec<(String, String)>,
    pub format: Option<String>,
    pub durable: bool,
    pub overwrite: bool,
}

impl Asked {
    /// The settings for the file called `name` with pictures of `size`, if any, and these tracks.
    pub(crate) fn settings(
        &self,
        name: &str,
        size: Option<Size>,
        shown: Option<&Shown>,
        heard: &[Heard],
    ) -> Result<RecorderSettings> {
        let sound = !heard.is_empty();
        let rate = match self.rate.or_else(|| shown?.rate()) {
            Some(rate) => rate,
            None => FrameRate::new(30, 1)?,
        };
        let mut settings = match (size, self.mp4) {
            (Some(size), Some(mp4)) => RecorderSettings::of_2020(mp4, size, sound),
            (Some(size), None) => RecorderSettings::new(size, rate, sound),
            (None, _) => RecorderSettings {
                output: OutputSettings {
                    video: None,
                    audio: Some(AudioSettings::default()),
                    ..OutputSettings::default()
                },
                tracks: Vec::new(),
                durable: false,
            },
        };
        let output = &mut settings.output;
        if let Some(video) = &mut output.video {
            let codec = self.video_codec.clone().or(video.codec.take());
            *video = VideoSettings {
                codec,
                quality: self.quality,
                bitrate: self.bitrate,
                rate,
                ..VideoSettings::new(video.size, rate)
            };
        }
        if let (Some(audio), Some(codec)) = (&mut output.audio, &self.audio_codec) {
            audio.codec = Some(codec.clone());
        }
        output.format = self.format.clone().or(output.format.take());
        output.overwrite = self.overwrite;
        output.sort_options(name, &self.options);
        let audio = output.audio.clone().unwrap_or_default();
        for heard in heard.iter().skip(1) {
            settings = settings.with_track(track_name(heard, shown), audio.clone());
        }
        settings.durable = self.durable;
        Ok(settings)
    }
}

fn track_name(heard: &Heard, shown: Option<&Shown>) -> String {
    match (heard, shown) {
        (Heard::Source(sound), _) => sound.name(),
        (Heard::Track(mix), Some(Shown::Scene(scene))) => {
            scene.mix(*mix).map_or_else(|_| "a mix".to_owned(), |mix| mix.name)
        }
        (Heard::Mix | Heard::Track(_), _) => "the mix".to_owned(),
    }
}

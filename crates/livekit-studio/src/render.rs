// SPDX-License-Identifier: GPL-2.0-or-later
//! Rendering a composition offline into files and targets.

use crate::{
    AudioSettings, Cancel, Compositor, Error, MixId, OfflineOptions, OfflineRun, OutputSettings, Progress,
    Result, RunStatistics, Timestamp, VideoSettings, VideoTarget, thread,
};
use lk_engine::SoundTarget;
use lk_io::encode::FileOutput;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a render goes.
#[derive(Clone)]
pub enum Output {
    /// Into a file.
    File(String),
    /// Into a target.
    Target(Arc<dyn VideoTarget>),
}

impl Output {
    /// Into the file called `name`.
    pub fn file(name: impl Into<String>) -> Self {
        Self::File(name.into())
    }
}

/// How long a render is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Length {
    /// This many frames.
    Frames(u64),
    /// This many seconds, rounded to whole frames.
    Seconds(f64),
    /// Until every clip and sound that ends has ended.
    Natural,
}

/// How files are encoded; None is the default of the container (H.264 and AAC where it takes them).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EncodeOptions {
    /// FFmpeg's name of a video codec or encoder.
    pub video_codec: Option<String>,
    /// A constant quality on x264's CRF scale: 0 is the best, 51 the worst, 23 usual.
    pub quality: Option<f64>,
    /// Bits a second of the video.
    pub bitrate: Option<u64>,
    /// FFmpeg's name of a sound codec or encoder.
    pub audio_codec: Option<String>,
    /// Options of the encoders and the container, by FFmpeg's names; a name that ends in ":v" or ":a" is for that
    /// encoder, others go to the first of video encoder, container and sound encoder that knows them.
    pub options: Vec<(String, String)>,
    /// The container, if the file's ending does not say it.
    pub format: Option<String>,
    /// Whether an existing file is kept.
    pub keep_existing: bool,
}

/// How to render.
#[derive(Clone)]
pub struct RenderOptions {
    /// How long.
    pub length: Length,
    /// The mixes that files have a sound track of each. None is the main mix, where the scene has any sound.
    pub tracks: Option<Vec<MixId>>,
    /// How files are encoded.
    pub encode: EncodeOptions,
    /// Render threads.
    pub threads: usize,
    /// Ends the render early; files keep what was made.
    pub cancel: Cancel,
    /// Told after every frame.
    pub progress: Option<Arc<dyn Fn(Progress) + Send + Sync>>,
    /// Called before every frame with its time; edits made there take effect with that frame. An error ends the render.
    pub each: Option<BeforeFrame>,
}

/// What is done before each frame of a render.
pub type BeforeFrame = Arc<dyn Fn(Timestamp) -> Result<()> + Send + Sync>;

impl RenderOptions {
    /// Everything at its default, for a length.
    pub fn new(length: Length) -> Self {
        Self {
            length,
            tracks: None,
            encode: EncodeOptions::default(),
            threads: thread::budget(),
            cancel: Cancel::new(),
            progress: None,
            each: None,
        }
    }

    /// So many seconds, everything else at its default.
    pub fn seconds(seconds: f64) -> Self {
        Self::new(Length::Seconds(seconds))
    }
}

/// Renders `scene` into `outputs` and the scene's own targets: every frame exact, as fast as it goes, the same on
/// every run. When it fails or is cancelled, files hold what was made before.
pub fn render(scene: &Compositor, outputs: Vec<Output>, options: RenderOptions) -> Result<RunStatistics> {
    let run_options = OfflineOptions {
        threads: options.threads,
        cancel: options.cancel.clone(),
        ..OfflineOptions::default()
    };
    let mut run = OfflineRun::new(scene, run_options)?;
    let total = frames_of(scene, &run, options.length)?;

    check_names(scene, &outputs)?;
    let tracks = tracks_of(scene, options.tracks.as_deref())?;

    let mut targets: Vec<Arc<dyn VideoTarget>> = scene.targets();
    let mut files = Vec::new();
    for output in outputs {
        match output {
            Output::Target(target) => targets.push(target),
            Output::File(name) => {
                let file = Arc::new(create(scene, &name, &options.encode, tracks.len())?);
                files.push(file.clone());
                if file.has_video() {
                    targets.push(file);
                }
            }
        }
    }
    let track =
        |file: &Arc<FileOutput>, (index, mix): (usize, &MixId)| -> SoundTarget { (*mix, file.track(index)) };
    let sounds: Vec<SoundTarget> = files
        .iter()
        .flat_map(|file| tracks.iter().enumerate().take(file.tracks()).map(move |of| track(file, of)))
        .collect();
    let (specs, videos) = lk_engine::wanted(&scene.scene(), targets);
    run.set_outputs(specs, !sounds.is_empty());

    let mut outcome = Ok(());
    for done in 1..=total {
        if let Some(each) = &options.each {
            outcome = each(scene.rate().time_of(done - 1));
            if outcome.is_err() {
                break;
            }
        }
        // a file may be shorter than it says it is
        let tick = match run.step_for(&videos) {
            Ok(tick) if tick.over && options.length == Length::Natural => break,
            tick => tick,
        };
        outcome = tick.and_then(|tick| run.deliver(&tick, &videos, &sounds, total - 1));
        if outcome.is_err() {
            break;
        }
        if let Some(progress) = &options.progress {
            progress(Progress { done, total });
        }
    }
    // files are finished whatever happened; the first error is the one to tell
    for file in files {
        let finished = file.finish().map(|_| ());
        outcome = outcome.and(finished);
    }
    outcome.map(|()| run.statistics())
}

fn frames_of(scene: &Compositor, run: &OfflineRun, length: Length) -> Result<u64> {
    let frames = match length {
        Length::Frames(n) => n,
        Length::Seconds(s) if s.is_finite() && s > 0.0 => scene.rate().frames_in(s),
        Length::Seconds(s) => return Err(Error::parameter(format!("{s} seconds cannot be rendered"))),
        Length::Natural => run.natural_length().ok_or_else(|| {
            Error::parameter("nothing in this scene ends by itself")
                .with_hint("say how long: seconds=10 or frames=300")
        })?,
    };
    if frames == 0 {
        return Err(
            Error::parameter("a render of 0 frames makes nothing").with_hint("say at least one frame")
        );
    }
    Ok(frames)
}

/// The files that `scene` goes on reading.
pub(crate) fn files_of(scene: &Compositor) -> Vec<PathBuf> {
    let commit = scene.committed();
    let read = commit
        .sources
        .values()
        .filter_map(|s| s.file())
        .chain(commit.sounds.values().filter_map(|s| s.file()));
    read.filter_map(|f| f.canonicalize().ok()).collect()
}

/// Where the file called `name` is, or will be: a file that is not there yet has a folder that is.
pub(crate) fn place_of(name: &str) -> Option<PathBuf> {
    let path = Path::new(name);
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    path.canonicalize()
        .or_else(|_| folder.canonicalize().map(|f| f.join(path.file_name().unwrap_or_default())))
        .ok()
}

/// An error if an output would overwrite a file that the scene reads, or another output.
fn check_names(scene: &Compositor, outputs: &[Output]) -> Result<()> {
    let read = files_of(scene);
    let mut written: Vec<PathBuf> = Vec::new();
    for output in outputs {
        let Output::File(name) = output else { continue };
        let Some(file) = place_of(name) else { continue };
        if read.contains(&file) {
            return Err(Error::parameter(format!(
                "{name} is shown or heard in this scene and would be overwritten"
            ))
            .with_hint("render into another file"));
        }
        if written.contains(&file) {
            return Err(Error::parameter(format!("{name} is written twice in one render")));
        }
        written.push(file);
    }
    Ok(())
}

/// The mixes that are written; an error for one that is none of the scene's, or that is not for files.
fn tracks_of(scene: &Compositor, asked: Option<&[MixId]>) -> Result<Vec<MixId>> {
    let Some(asked) = asked else {
        let has_sound = !scene.committed().sounds.is_empty();
        return Ok(if has_sound { vec![MixId::MAIN] } else { Vec::new() });
    };
    for mix in asked {
        scene.mix(*mix)?;
        if *mix == MixId::MONITOR {
            return Err(Error::parameter("the monitor is heard in live runs alone")
                .with_hint("send what is to be in the file to the main mix, or to a mix of its own"));
        }
    }
    Ok(asked.to_vec())
}

fn create(scene: &Compositor, name: &str, encode: &EncodeOptions, tracks: usize) -> Result<FileOutput> {
    let video = VideoSettings {
        codec: encode.video_codec.clone(),
        quality: encode.quality,
        bitrate: encode.bitrate,
        ..VideoSettings::new(scene.size(), scene.rate())
    };
    let audio = AudioSettings { codec: encode.audio_codec.clone(), ..AudioSettings::default() };
    let mut settings = OutputSettings {
        video: Some(video),
        audio: (tracks > 0).then_some(audio),
        format: encode.format.clone(),
        options: Vec::new(),
        overwrite: !encode.keep_existing,
    };
    settings.sort_options(name, &encode.options);
    let more = settings.audio.iter().cycle().take(tracks.saturating_sub(1)).cloned().collect();
    FileOutput::with_tracks(name, settings, more)
}

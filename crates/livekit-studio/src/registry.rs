// SPDX-License-Identifier: GPL-2.0-or-later
//! From what people write to sources: one grammar for Python, the command line and scene files.

use crate::{
    AudioSource, Camera, CameraChoice, CameraOptions, Capture, CaptureOptions, Color, Error, ErrorKind,
    FileAudio, ImageFile, IpcFolder, IpcSource, LazyPlayer, MediaInfo, Microphone, OpenOptions, Player,
    PlayerOptions, Result, Size, Still, VideoSource, WindowRule,
};
use std::sync::Arc;

/// Kinds of sources that are named "kind:parameter" and come with later parts of the system.
const RESERVED: [&str; 1] = ["text"];

/// What a name opened: pictures, sound or both.
pub struct Opened {
    name: String,
    has_sound: bool,
    /// The pictures.
    pub video: Option<Arc<dyn VideoSource>>,
    /// The sound.
    pub sound: Option<Arc<dyn AudioSource>>,
}

impl Opened {
    /// The pictures; an error if there are none.
    pub fn video(&self) -> Result<Arc<dyn VideoSource>> {
        self.video.clone().ok_or_else(|| {
            Error::new(ErrorKind::Media, format!("{} has no pictures", self.name))
                .with_hint("sound alone goes to the mixer: scene.audio.add(...)")
        })
    }
}

/// Opens a picture file, a media file, a pipe or a URL with its sound, a colour ("color:#203040") or
/// what another program shares ("ipc:NAME"). Pipes and URLs are opened once, by a [`Player`].
pub fn open(name: &str, options: &OpenOptions) -> Result<Opened> {
    if is_url(name) || is_pipe(name) {
        check_kind(name)?;
        return open_player(name, options);
    }
    let opened = open_pictures(name, options)?;
    if opened.has_sound {
        let sound = FileAudio::open(name, options)
            .map_err(|e| e.context("the sound").with_hint("show its pictures alone: without its sound"))?;
        return Ok(Opened { sound: Some(Arc::new(sound)), ..opened });
    }
    Ok(opened)
}

/// Opens a picture file, a colour, a camera ("camera:NAME"), a window ("window:TITLE") or the screen ("screen",
/// "screen:NAME"), or the pictures of a media file or URL; its sound is left alone.
pub fn open_pictures(name: &str, options: &OpenOptions) -> Result<Opened> {
    if let Some(color) = color_named(name)? {
        let color: Arc<dyn VideoSource> = Arc::new(color_source(color, None)?);
        return Ok(Opened { name: name.to_owned(), video: Some(color), sound: None, has_sound: false });
    }
    if let Some(shared) = ipc_named(name) {
        let source: Arc<dyn VideoSource> = Arc::new(IpcSource::open(shared, &IpcFolder::default())?);
        return Ok(Opened { name: name.to_owned(), video: Some(source), sound: None, has_sound: false });
    }
    if let Some(choice) = camera_named(name) {
        let camera: Arc<dyn VideoSource> = Arc::new(Camera::open(&choice, &CameraOptions::default())?);
        return Ok(Opened { name: name.to_owned(), video: Some(camera), sound: None, has_sound: false });
    }
    if let Some(captured) = captured(name) {
        let options = CaptureOptions { cancel: options.cancel.clone(), ..CaptureOptions::new()? };
        let capture = match captured {
            Captured::Screen(output) => {
                let output = output.map(str::to_owned);
                Capture::screen(None, CaptureOptions { cursor: true, output, ..options })?
            }
            Captured::Window(title) => Capture::window(WindowRule::Title(title.to_owned()), options)?,
        };
        return Ok(Opened {
            name: name.to_owned(),
            video: Some(Arc::new(capture)),
            sound: None,
            has_sound: false,
        });
    }
    if is_picture(name)? {
        let image: Arc<dyn VideoSource> = Arc::new(ImageFile::open(name)?);
        return Ok(Opened { name: name.to_owned(), video: Some(image), sound: None, has_sound: false });
    }
    let info = MediaInfo::open(name, options)?;
    let video = info
        .has_video()
        .then(|| LazyPlayer::open(name, options).map(|p| Arc::new(p) as Arc<dyn VideoSource>))
        .transpose()?;
    Ok(Opened { name: name.to_owned(), video, sound: None, has_sound: info.has_audio() })
}

/// Opens the sound of a media file or URL, or a device that hears: "default", "microphone:NAME", or a name that no
/// file has and a device does. An error if there is no sound.
pub fn open_sound(name: &str, options: &OpenOptions) -> Result<Arc<dyn AudioSource>> {
    check_kind(name)?;
    let silent = ipc_named(name).is_some() || captured(name).is_some() || camera_named(name).is_some();
    if silent || color_named(name)?.is_some() {
        return Err(Error::new(ErrorKind::Media, format!("{name} has no sound")));
    }
    let is_file = std::path::Path::new(name).exists();
    let device = name.strip_prefix("microphone:").or_else(|| (name == "default").then_some(name));
    if let Some(device) = device.filter(|_| !is_file) {
        return Ok(Arc::new(Microphone::open(&device.into())?));
    }
    match FileAudio::open(name, options) {
        Ok(sound) => Ok(Arc::new(sound)),
        Err(e) if e.kind() == ErrorKind::MediaNotFound && !is_url(name) => {
            let like_file = name.contains(['/', '\\']) || std::path::Path::new(name).extension().is_some();
            match Microphone::open(&name.into()) {
                Ok(microphone) => Ok(Arc::new(microphone)),
                Err(device) if device.kind() == ErrorKind::DeviceNotFound && !like_file => Err(device),
                Err(device) if matches!(device.kind(), ErrorKind::Device | ErrorKind::DeviceNotFound) => {
                    Err(e)
                }
                Err(device) => Err(device),
            }
        }
        Err(e) => Err(e),
    }
}

/// A colour as a source; without a size it is a small picture that is meant to be stretched.
pub fn color_source(color: Color, size: Option<Size>) -> Result<Still> {
    lk_io::generate::color([color.r, color.g, color.b, color.a], size)
}

/// The colour in a name such as "color:#203040"; None for names of other kinds and of files that exist.
pub fn color_named(name: &str) -> Result<Option<Color>> {
    match name.split_once(':') {
        Some(("color", color)) if !std::path::Path::new(name).exists() => color.trim().parse().map(Some),
        _ => Ok(None),
    }
}

/// The name under which another program shares pictures, in "ipc:NAME"; None for names of other kinds and of files
/// that exist.
pub fn ipc_named(name: &str) -> Option<&str> {
    name.strip_prefix("ipc:").filter(|_| !std::path::Path::new(name).exists())
}

/// The camera in "camera:NAME" (a number, name, id, device node or a part of these), the first one for "camera"; None for
/// names of other kinds and of files that exist.
pub fn camera_named(name: &str) -> Option<CameraChoice> {
    let choice = match name.split_once(':') {
        None if name == "camera" => CameraChoice::default(),
        Some(("camera", camera)) => camera.into(),
        _ => return None,
    };
    (!std::path::Path::new(name).exists()).then_some(choice)
}

/// What of the desktop a name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Captured<'a> {
    /// "window:TITLE".
    Window(&'a str),
    /// "screen", or one of several by its name or number: "screen:HDMI-A-1", "screen:1".
    Screen(Option<&'a str>),
}

/// The window or screen that `name` means; None for names of other kinds and of files that exist.
pub fn captured(name: &str) -> Option<Captured<'_>> {
    let found = match name.split_once(':') {
        None if name == "screen" => Captured::Screen(None),
        Some(("screen", output)) => Captured::Screen(Some(output.trim())),
        Some(("window", title)) => Captured::Window(title.trim()),
        _ => return None,
    };
    (!std::path::Path::new(name).exists()).then_some(found)
}

/// Whether `name` is a file whose first bytes are those of a picture format; errors for names of kinds that do
/// not exist (yet).
pub fn is_picture(name: &str) -> Result<bool> {
    check_kind(name)?;
    if is_url(name) {
        return Ok(false);
    }
    Ok(crate::image_file::is_image(name))
}

fn check_kind(name: &str) -> Result<()> {
    let kind = name.split_once(':').map(|(kind, _)| kind).filter(|k| RESERVED.contains(k));
    if kind.is_some() && !std::path::Path::new(name).exists() {
        return Err(Error::parameter(format!("{name:?}: sources of this kind are not part of this version"))
            .with_hint(
                "this version opens picture files, media files, URLs, \"camera:NAME\", \"window:TITLE\", \"screen\", \
                 \"ipc:NAME\" and \"color:#203040\"",
            ));
    }
    Ok(())
}

fn open_player(name: &str, options: &OpenOptions) -> Result<Opened> {
    let options = PlayerOptions {
        looping: options.looping,
        rate: options.rate,
        timeout: options.timeout,
        deinterlace: options.deinterlace,
        threads: options.threads,
        decoder: options.decoder.clone(),
        format: options.format.clone(),
        options: options.options.clone(),
        ..PlayerOptions::default()
    };
    let player = Player::open(name, &options)?;
    let video = player.has_video().then(|| player.video());
    Ok(Opened { name: name.to_owned(), video, sound: player.sound(), has_sound: player.has_sound() })
}

/// Whether it is a named pipe: something that can be opened and read but once.
fn is_pipe(name: &str) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        std::fs::metadata(name).is_ok_and(|m| m.file_type().is_fifo())
    }
    #[cfg(not(unix))]
    {
        let _ = name;
        false
    }
}

fn is_url(name: &str) -> bool {
    name.split_once("://").is_some_and(|(scheme, _)| {
        scheme.len() > 1 && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_and_paths() {
        assert!(is_url("https://example.org/a.mp4") && is_url("rtmp://host/app"));
        assert!(!is_url("C://dir") && !is_url("a.mp4") && !is_url("/tmp/a b://c"));
    }

    #[test]
    fn colors_are_opened_by_name() {
        let options = OpenOptions::default();
        let opened = open("color:#20304080", &options).unwrap();
        assert!(opened.sound.is_none());
        assert_eq!(opened.video().unwrap().name(), "the colour #20304080");
        let kind = |name| open(name, &options).err().map(|e| e.kind());
        assert_eq!(
            (kind("color:"), kind("color:nope")),
            (Some(ErrorKind::Parameter), Some(ErrorKind::Parameter))
        );
        assert_eq!(open_sound("color:red", &options).err().map(|e| e.kind()), Some(ErrorKind::Media));
    }

    #[test]
    fn what_is_shared_is_opened_by_name() {
        assert_eq!((ipc_named("ipc:cam"), ipc_named("cam"), ipc_named("ipcam")), (Some("cam"), None, None));
        let options = OpenOptions::default();
        // nobody needs to write there
        assert_eq!(open("ipc:registry-test", &options).unwrap().video().unwrap().name(), "ipc:registry-test");
        let kind = |name| open(name, &options).err().map(|e| e.kind());
        assert_eq!((kind("ipc:"), kind("ipc:a/b")), (Some(ErrorKind::Parameter), Some(ErrorKind::Parameter)));
        assert_eq!(open_sound("ipc:x", &options).err().map(|e| e.kind()), Some(ErrorKind::Media));
    }

    #[test]
    fn windows_and_screens_are_named() {
        assert_eq!(captured("window: A title: with more"), Some(Captured::Window("A title: with more")));
        assert_eq!(
            (captured("screen"), captured("screen.png"), captured("windows")),
            (Some(Captured::Screen(None)), None, None)
        );
        assert_eq!(captured("screen:HDMI-A-1"), Some(Captured::Screen(Some("HDMI-A-1"))));
        assert_eq!(
            open_sound("screen", &OpenOptions::default()).err().map(|e| e.kind()),
            Some(ErrorKind::Media)
        );
    }

    #[test]
    fn cameras_are_named() {
        let named = |name: &str| CameraChoice::Named(name.to_owned());
        assert_eq!(camera_named("camera"), Some(CameraChoice::Index(0)));
        assert_eq!(camera_named("camera:2"), Some(CameraChoice::Index(2)));
        assert_eq!(camera_named("camera: HD Webcam: C270 "), Some(named("HD Webcam: C270")));
        assert_eq!(camera_named("camera:/dev/video7"), Some(named("/dev/video7")));
        assert_eq!((camera_named("cameras"), camera_named("camera.mp4")), (None, None));
        let options = OpenOptions::default();
        let kind = |name| open(name, &options).err().map(|e| e.kind());
        assert_eq!(kind("camera:no camera is called this"), Some(ErrorKind::DeviceNotFound));
        assert_eq!(kind("camera:/dev/null"), Some(ErrorKind::DeviceNotFound));
        assert_eq!(open_sound("camera", &options).err().map(|e| e.kind()), Some(ErrorKind::Media));
    }

    #[test]
    fn kinds_of_later_versions_are_named_as_such() {
        let error = open("text:hello", &OpenOptions::default()).err().map(|e| e.kind());
        assert_eq!(error, Some(ErrorKind::Parameter));
    }
}

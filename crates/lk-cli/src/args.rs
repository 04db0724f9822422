// SPDX-License-Identifier: GPL-2.0-or-later
//! The arguments, as clap reads them, and what is said instead of running: help, version, mistakes.

use crate::failure::Failure;
use crate::output::{self, Output};
use crate::{OK, USAGE};
use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use livekit_studio::{Color, FrameRate, Size};
use std::time::Duration;

const ABOUT: &str = "Composites clips, pictures and their sound into a file: offline, exact to the frame, as fast as \
it goes.";

const LAYERS: &str = "\
Layers (--layer FILE[,key=value]...), the first lies at the bottom:
  at=X:Y          where the anchor point lies, in pixels from the top left of the canvas
  size=WxH        the box in pixels; 420x or x300 keeps the picture's shape
  fit=FIT         how the picture fills the box: stretch, contain, cover, none
  anchor=POINT    top-left, top, top-right, left, center, right, bottom-left, bottom, bottom-right
  margin=PIXELS   distance to the canvas edges when there is no at
  crop=L:T:R:B    pixels cut from left, top, right, bottom before anything else
  flip=WAY        horizontal, vertical, both
  rotation=DEG    degrees clockwise
  opacity=N       0 to 1
  blend=MODE      normal, additive
  visible=YES     yes or no; the sound goes on either way
  start=SECONDS   when it begins, with its sound; files from their beginning
  name=NAME       for messages
  slot=N          place in the pile, 0 to 65535; without it, above the layers before
  loop=YES        start again at the end
  audio=NO        leave the clip's sound out
  gain=DB, mute=YES, pan=-1..1, mono=YES, sync-offset=SECONDS   how its sound is heard
A layer with none of these is stretched over the canvas; with only at or anchor it keeps its own size.

Sounds (--audio FILE[,key=value]...): gain, mute, pan, mono, sync-offset, loop.

A comma in a file name is written \\, as in: --layer 'one\\, two.mp4,at=0:0'

Example:
  livekit-studio render show.mp4 --layer background.jpg,fit=cover \\
      --layer talk.mp4,anchor=bottom-right,margin=20,size=420x --audio music.mp3,gain=-12 --seconds 10";

const VIEW_KEYS: &str = "Keys: f or F11 full screen, q or Escape close.";

const PLAY_KEYS: &str = "\
Keys: space pause, left and right 5 s back and on, up and down louder and quieter, m mute, f or F11 full screen,
q or Escape close.";

const RECORD_EXAMPLES: &str = "\
Examples:
  livekit-studio record window:Slides talk.mp4 --audio default
  livekit-studio record screen tour.mkv --seconds 60 --fps 60";

const VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\nGPL-2.0-or-later; free software, without any warranty",
    "\nnot affiliated with LiveKit Inc., its WebRTC server or its SDKs",
);

/// Everything on the command line.
#[derive(Debug, Parser)]
#[command(name = "livekit-studio", about = ABOUT)]
pub(crate) struct Cli {
    /// Print one JSON object on standard output, for errors too
    #[arg(long, global = true)]
    pub json: bool,
    /// No progress bar, no warnings, no closing line
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Show what FFmpeg says as well
    #[arg(short, long, global = true)]
    pub verbose: bool,
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Render layers and sounds into a file
    #[command(after_help = LAYERS)]
    Render(Box<RenderArgs>),
    /// Say what is in a media file, a picture or behind an address
    Probe(ProbeArgs),
    /// List the containers that can be written
    Formats,
    /// List the encoders there are
    Encoders,
    /// Show a picture, a file, an address, a camera, a window or the screen in a window
    #[command(after_help = VIEW_KEYS)]
    View(ViewArgs),
    /// Play a media file in a window
    #[command(after_help = PLAY_KEYS)]
    Play(PlayArgs),
    /// Record a window, the screen, a file, an address or what another program shares, live, until Ctrl-C
    #[command(after_help = RECORD_EXAMPLES)]
    Record(Box<RecordArgs>),
    /// List the windows of the desktop
    Windows,
    /// List the cameras and sound devices there are, and say what sound needs on this machine
    Devices,
    /// Say what of LiveKit works on this machine, and what mends the rest
    Doctor,
    /// Say what is inside this build, under which licences, and where its source is
    Licenses,
    /// Look at pictures that running programs share (IPCTarget)
    #[command(subcommand)]
    Ipc(IpcCommand),
    /// Have what programs share as IPCTarget("LiveKitVCam", ...) show up as a camera
    #[command(subcommand)]
    Vcam(VcamCommand),
}

/// `vcam`.
#[derive(Debug, Subcommand)]
pub(crate) enum VcamCommand {
    /// Save what the camera is and start the process that makes it, now and with every session
    Register(RegisterArgs),
    /// Take the camera away and forget it
    Unregister,
    /// Say what the camera is, whether its process runs, and who writes
    Status,
    /// Make the camera in this process, until Ctrl-C
    Run,
}

/// `vcam register`.
#[derive(Debug, clap::Args)]
pub(crate) struct RegisterArgs {
    /// What people choose it by, where it can be named
    #[arg(long, default_value = "LiveKit")]
    pub name: String,
    /// Its pictures, in pixels; those of another size are fitted in
    #[arg(long, value_name = "WxH", default_value = "1280x720", value_parser = size)]
    pub size: Size,
    /// Pictures a second: 30, 29.97 or 30000/1001
    #[arg(long, default_value = "30")]
    pub fps: FrameRate,
    /// v4l2loopback, pipewire, /dev/videoN or a name (default: a free v4l2loopback device, else PipeWire)
    #[arg(long, default_value = "")]
    pub device: String,
    /// The name that programs share their pictures under
    #[arg(long, value_name = "NAME", default_value = "LiveKitVCam")]
    pub mapping: String,
}

/// `ipc`.
#[derive(Debug, Subcommand)]
pub(crate) enum IpcCommand {
    /// List the names that are shared, and what is shared under them
    List,
    /// Say every second how many pictures come, how late and whether any are lost, until Ctrl-C
    Watch(WatchArgs),
}

/// `ipc watch`.
#[derive(Debug, clap::Args)]
pub(crate) struct WatchArgs {
    /// The name that is shared; it need not be there yet
    pub name: String,
    /// How long to watch, in seconds
    #[arg(long, value_parser = positive, allow_negative_numbers = true)]
    pub seconds: Option<f64>,
}

/// `view`.
#[derive(Debug, clap::Args)]
pub(crate) struct ViewArgs {
    /// A file, an address, camera:NAME, window:TITLE, screen, screen:NAME, ipc:NAME or color:COLOR
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The window in pixels (default: as the picture)
    #[arg(long, value_name = "WxH", value_parser = size)]
    pub size: Option<Size>,
}

/// `play`.
#[derive(Debug, clap::Args)]
pub(crate) struct PlayArgs {
    /// A media file or address
    #[arg(value_name = "FILE|URL")]
    pub name: String,
    /// The window in pixels (default: as the picture)
    #[arg(long, value_name = "WxH", value_parser = size)]
    pub size: Option<Size>,
    /// Start again at the end
    #[arg(long)]
    pub r#loop: bool,
}

/// `record`.
#[derive(Debug, clap::Args)]
pub(crate) struct RecordArgs {
    /// window:TITLE, screen, screen:NAME, a file, an address, ipc:NAME or color:COLOR
    pub source: String,
    /// The file to write; its ending says the container
    pub out: String,
    /// How long; without it, until Ctrl-C or the end of the source
    #[arg(long, value_parser = positive, allow_negative_numbers = true)]
    pub seconds: Option<f64>,
    /// Frames a second: 30, 29.97 or 30000/1001
    #[arg(long, default_value = "30")]
    pub fps: FrameRate,
    /// The pictures in pixels (default: as the source, odd sides a pixel less); a source that changes its size is
    /// stretched to it
    #[arg(long, value_name = "WxH", value_parser = size)]
    pub size: Option<Size>,
    /// What is heard, a track each: a file, default, microphone:NAME; none for no sound (default: the source's own)
    #[arg(short, long, value_name = "NAME")]
    pub audio: Vec<String>,
    /// FFmpeg's name of a video codec or encoder (default: H.264, or what the container takes)
    #[arg(long, value_name = "NAME")]
    pub video_codec: Option<String>,
    /// Constant quality on x264's CRF scale: 0 is the best, 51 the worst, 23 usual
    #[arg(long, value_name = "Q", value_parser = quality, allow_negative_numbers = true)]
    pub quality: Option<f64>,
    /// Bits a second of the video: 2500000, 800k or 2.5M
    #[arg(long, value_name = "BITS", value_parser = bitrate, allow_negative_numbers = true)]
    pub bitrate: Option<u64>,
    /// An option of an encoder or the container, by FFmpeg's name; may be given many times
    #[arg(short, long = "option", value_name = "NAME=VALUE", value_parser = option)]
    pub options: Vec<(String, String)>,
    /// Fail if the file exists
    #[arg(long)]
    pub no_overwrite: bool,
    /// Seconds to wait for a file or address to open and for each read
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = timeout, allow_negative_numbers = true)]
    pub timeout: Duration,
}

/// `render`.
#[derive(Debug, clap::Args)]
pub(crate) struct RenderArgs {
    /// The file to write; its ending says the container
    pub out: String,
    /// A file or address to show, with how and where (see below); may be given many times
    #[arg(short, long, value_name = "SPEC")]
    pub layer: Vec<String>,
    /// A file or address to hear (see below); may be given many times
    #[arg(short, long, value_name = "SPEC")]
    pub audio: Vec<String>,
    /// The canvas in pixels
    #[arg(long, value_name = "WxH", default_value = "1280x720", value_parser = size)]
    pub size: Size,
    /// Frames a second: 30, 29.97 or 30000/1001
    #[arg(long, default_value = "30")]
    pub fps: FrameRate,
    /// How long, in seconds; without it, until every clip and sound that ends has ended
    #[arg(long, value_parser = positive, allow_negative_numbers = true, conflicts_with = "frames")]
    pub seconds: Option<f64>,
    /// How long, in frames
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..), allow_negative_numbers = true)]
    pub frames: Option<u64>,
    /// What is seen where no layer is: a CSS colour
    #[arg(long, value_name = "COLOR", default_value = "black")]
    pub background: Color,
    /// FFmpeg's name of a video codec or encoder (default: H.264, or what the container takes)
    #[arg(long, value_name = "NAME")]
    pub video_codec: Option<String>,
    /// Constant quality on x264's CRF scale: 0 is the best, 51 the worst, 23 usual
    #[arg(long, value_name = "Q", value_parser = quality, allow_negative_numbers = true)]
    pub quality: Option<f64>,
    /// Bits a second of the video: 2500000, 800k or 2.5M
    #[arg(long, value_name = "BITS", value_parser = bitrate, allow_negative_numbers = true)]
    pub bitrate: Option<u64>,
    /// FFmpeg's name of a sound codec or encoder (default: AAC, or what the container takes)
    #[arg(long, value_name = "NAME")]
    pub audio_codec: Option<String>,
    /// An option of an encoder or the container, by FFmpeg's name; NAME:v and NAME:a mean one encoder; may be given
    /// many times
    #[arg(short, long = "option", value_name = "NAME=VALUE", value_parser = option)]
    pub options: Vec<(String, String)>,
    /// The container, if the file's ending does not say it
    #[arg(long, value_name = "NAME")]
    pub format: Option<String>,
    /// Fail if the file exists
    #[arg(long)]
    pub no_overwrite: bool,
    /// Threads to render and decode with (default: what the machine allows)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024), allow_negative_numbers = true)]
    pub threads: Option<u32>,
    /// Seconds to wait for a file or address to open and for each read
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = timeout, allow_negative_numbers = true)]
    pub timeout: Duration,
}

/// `probe`.
#[derive(Debug, clap::Args)]
pub(crate) struct ProbeArgs {
    /// A file or address
    #[arg(value_name = "FILE|URL")]
    pub name: String,
    /// Seconds to wait for it to open
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = timeout, allow_negative_numbers = true)]
    pub timeout: Duration,
}

/// Reads the arguments, or says what to print instead.
pub(crate) fn parse(args: &[String]) -> Result<Cli, Stop> {
    let command = Cli::command().version(VERSION);
    let name = "livekit-studio".to_owned();
    command
        .try_get_matches_from(std::iter::once(&name).chain(args))
        .and_then(|matches| Cli::from_arg_matches(&matches))
        .map_err(|error| Stop { json: args.iter().any(|a| a == "--json"), error })
}

/// Help, the version or a mistake: there is nothing to run.
pub(crate) struct Stop {
    json: bool,
    error: clap::Error,
}

impl Stop {
    /// Says it and gives the exit status.
    pub fn tell(&self) -> i32 {
        let text = self.error.render().to_string();
        if !self.error.use_stderr() {
            return output::print(&text).map_or_else(|failure| failure.status, |()| OK);
        }
        if self.json {
            let output = Output { json: true, quiet: false };
            output.fail(&self.as_failure(&text));
        } else {
            output::complain(text.trim_end());
        }
        USAGE
    }

    fn as_failure(&self, text: &str) -> Failure {
        if self.error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
            return Failure::usage("no command was given", "livekit-studio --help lists them");
        }
        let (message, rest) = text.split_once("\n\n").unwrap_or((text, "see livekit-studio --help"));
        let line = |s: &str| s.split_whitespace().collect::<Vec<_>>().join(" ");
        Failure::usage(line(message.trim_start_matches("error: ")), line(rest))
    }
}

fn size(text: &str) -> Result<Size, String> {
    let sides = text.split_once(['x', 'X']).and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    let (width, height) = sides.ok_or("a size is two whole numbers, such as 1280x720")?;
    Size::checked(width, height).map_err(|e| e.to_string())
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| "not a number".to_owned())
}

fn positive(text: &str) -> Result<f64, String> {
    number(text)
        .and_then(|n| if n.is_finite() && n > 0.0 { Ok(n) } else { Err("must be above 0".to_owned()) })
}

fn timeout(text: &str) -> Result<Duration, String> {
    let seconds = positive(text)?;
    if seconds < 1e6 { Ok(Duration::from_secs_f64(seconds)) } else { Err("must be below 1000000".to_owned()) }
}

fn quality(text: &str) -> Result<f64, String> {
    number(text)
        .and_then(|q| if (0.0..=51.0).contains(&q) { Ok(q) } else { Err("must be 0 to 51".to_owned()) })
}

fn bitrate(text: &str) -> Result<u64, String> {
    let (digits, factor) = match text.char_indices().next_back() {
        Some((at, 'k' | 'K')) => (&text[..at], 1e3),
        Some((at, 'm' | 'M')) => (&text[..at], 1e6),
        _ => (text, 1.0),
    };
    let bits = digits.parse::<f64>().map_or(0.0, |n| (n * factor).round());
    // what encoders take is a signed 32-bit number
    if (1.0..=2e9).contains(&bits) {
        Ok(bits as u64)
    } else {
        Err("bits a second, such as 2500000, 800k or 2.5M".to_owned())
    }
}

fn option(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("an option is NAME=VALUE, such as preset=slow".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(args: &[&str]) -> Result<RenderArgs, String> {
        let args: Vec<String> = ["render", "out.mp4"].iter().chain(args).map(|s| (*s).to_owned()).collect();
        match parse(&args) {
            Ok(Cli { command: Command::Render(render), .. }) => Ok(*render),
            Ok(other) => Err(format!("{other:?}")),
            Err(stop) => Err(stop.error.render().to_string()),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn defaults_and_every_option() {
        let plain = render(&[]).expect("nothing more is needed");
        assert_eq!(
            (plain.size, plain.fps.as_f64(), plain.background),
            (Size::new(1280, 720), 30.0, Color::BLACK)
        );
        assert_eq!((plain.seconds, plain.frames, plain.threads), (None, None, None));

        let full = "--size 640x480 --fps 29.97 --seconds 2.5 --background #102030 --layer a.png --layer b.mp4,at=1:2 \
            --audio c.wav --video-codec libx264 --quality 18 --bitrate 2.5M --audio-codec aac --option preset=slow \
            --option x264-params=keyint=1:ref=2 --format mp4 --no-overwrite --threads 3 --timeout 0.5 --json --quiet";
        let full = render(&full.split_whitespace().collect::<Vec<_>>()).expect("all of these are options");
        assert_eq!((full.fps.num(), full.fps.den(), full.seconds), (30000, 1001, Some(2.5)));
        assert_eq!((full.layer.len(), full.audio.len()), (2, 1));
        assert_eq!((full.bitrate, full.quality), (Some(2_500_000), Some(18.0)));
        assert_eq!(full.options[1], ("x264-params".to_owned(), "keyint=1:ref=2".to_owned()));
        assert_eq!(full.timeout, Duration::from_millis(500));
        assert_eq!(render(&["--fps", "30000/1001"]).map(|a| a.fps.den()), Ok(1001));
    }

    #[test]
    fn mistakes_say_what_is_possible() {
        for (args, says) in [
            (&["--size", "1280"][..], "such as 1280x720"),
            (&["--size", "0x10"], "between 1 and"),
            (&["--fps", "0"], "frame rate"),
            (&["--seconds", "0"], "above 0"),
            (&["--seconds", "nan"], "above 0"),
            (&["--frames", "0"], "1.."),
            (&["--seconds", "1", "--frames", "3"], "cannot be used with"),
            (&["--background", "nope"], "#203040"),
            (&["--quality", "52"], "0 to 51"),
            (&["--bitrate", "fast"], "800k"),
            (&["--bitrate", "0"], "800k"),
            (&["--option", "preset"], "NAME=VALUE"),
            (&["--threads", "0"], "1..=1024"),
            (&["--timeout", "-1"], "timeout"),
            (&["--layers", "a.png"], "--layer"),
        ] {
            let said = render(args).map(|_| ()).expect_err("it makes no sense");
            assert!(said.contains(says), "{args:?}: {said}");
        }
    }

    #[test]
    fn mistakes_are_one_line_for_scripts() {
        let stop = parse(&["render".to_owned(), "--json".to_owned()]).expect_err("there is no output");
        assert!(stop.json);
        let failure = stop.as_failure(&stop.error.render().to_string());
        assert!(failure.message.contains("<OUT>") && !failure.message.contains('\n'), "{failure:?}");
        assert_eq!(failure.kind, "usage");
    }
}

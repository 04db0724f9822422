// SPDX-License-Identifier: GPL-2.0-or-later
//! What of LiveKit works on this machine, and what mends the rest.

use crate::licenses::is_portable;
use crate::{AudioDevice, IpcFolder, cameras, encoders, ipc, microphones, sound_server, speakers};
use lk_io::virtual_camera::ways_out;
use lk_io::window_capture::capture_ways;
use lk_media::Error;
use serde::Serialize;
use std::env;
use std::fmt;

/// Codecs that are told of where they can be written.
const CODECS: [&str; 9] = ["h264", "hevc", "vp9", "av1", "prores", "aac", "opus", "mp3", "flac"];
/// Protocols that streams are sent by, by FFmpeg's names.
const PROTOCOLS: [&str; 5] = ["https", "rtmp", "rtmps", "srt", "udp"];

/// How well a part works here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Health {
    /// It works.
    Works,
    /// It works, but not all of it.
    Limited,
    /// It does not work until something is done.
    Missing,
}

/// One part, and how it is.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What it is about ("sound").
    pub topic: &'static str,
    /// How well it works.
    pub health: Health,
    /// What was found.
    pub text: String,
    /// What to do about it.
    pub mend: Option<String>,
}

/// Everything that was found.
#[derive(Clone, Debug, Serialize)]
pub struct Diagnosis {
    /// Our version.
    pub version: &'static str,
    /// The operating system and the processor.
    pub machine: String,
    /// The parts.
    pub findings: Vec<Finding>,
}

impl Finding {
    fn works(topic: &'static str, text: impl Into<String>) -> Self {
        Self { topic, health: Health::Works, text: text.into(), mend: None }
    }

    fn limited(topic: &'static str, text: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { topic, health: Health::Limited, text: text.into(), mend: Some(mend.into()) }
    }

    fn missing(topic: &'static str, error: &Error) -> Self {
        let mend = error.hint().map(str::to_owned);
        Self { topic, health: Health::Missing, text: error.message().to_owned(), mend }
    }
}

/// Looks at every part of this machine that sources and targets need. Opens no device and changes nothing.
pub fn diagnose() -> Diagnosis {
    Diagnosis {
        version: env!("CARGO_PKG_VERSION"),
        machine: format!("{} {}", env::consts::OS, env::consts::ARCH),
        findings: [renderer(), priority(), media(), network()]
            .into_iter()
            .chain(text())
            .chain([sound(), seen(), shown()])
            .chain(desktop())
            .chain([processes()])
            .collect(),
    }
}

fn renderer() -> Finding {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let text = format!("on the CPU, {threads} threads");
    if cfg!(target_arch = "x86_64") && !lk_media::kernel::has_avx2() {
        return Finding::limited(
            "renderer",
            format!("{text}, without AVX2"),
            "a processor with AVX2 is faster",
        );
    }
    Finding::works("renderer", format!("{text}, with AVX2"))
}

/// Whether the threads that have to be on time may go before others.
fn priority() -> Finding {
    let (tell, told) = std::sync::mpsc::sync_channel(1);
    let asking = lk_media::thread::spawn("lk-doctor", move || {
        // nobody listens only if nobody asks any more
        let _ = tell.send(lk_media::thread::ask_for_priority());
    });
    // a thread of its own, which keeps what it was granted
    match asking.map(|thread| (told.recv().unwrap_or(false), thread)) {
        Ok((true, _)) => Finding::works("priority", "ticks and sound go before other programs"),
        Ok((false, _)) => Finding::limited(
            "priority",
            "ticks and sound share the processor with everything else",
            "echo \"$USER - rtprio 20\" | sudo tee /etc/security/limits.d/livekit.conf, then log in again \
             (containers: --cap-add=SYS_NICE --ulimit rtprio=20)",
        ),
        Err(error) => Finding::missing("priority", &error),
    }
}

/// FFmpeg, and whether it can write what recordings are made of.
fn media() -> Finding {
    let whose = if is_portable() { "of this wheel" } else { "of this system" };
    let text = format!("FFmpeg {} {whose}", lk_io::av::version());
    let written: Vec<String> = encoders().into_iter().filter(|e| !e.hardware).map(|e| e.codec).collect();
    let (there, lacking): (Vec<&str>, Vec<&str>) =
        CODECS.iter().partition(|codec| written.iter().any(|w| w == *codec));
    let text = format!("{text}; writes {}", there.join(", "));
    let needed: Vec<&str> = lacking.iter().copied().filter(|c| ["h264", "aac"].contains(c)).collect();
    if needed.is_empty() {
        return Finding::works("media", text);
    }
    let text = format!("{text}, but not {}", needed.join(" and "));
    let mend =
        "use an FFmpeg with libx264 (pip install the portable wheel), or name another encoder: video_codec=";
    Finding::limited("media", text, mend)
}

/// The protocols that streams come and go by.
fn network() -> Finding {
    let (read, written) = lk_io::av::protocols();
    let (there, lacking): (Vec<&str>, Vec<&str>) =
        PROTOCOLS.iter().partition(|p| read.iter().any(|r| r == *p) && written.iter().any(|w| w == *p));
    let text = format!("reads and writes {}", there.join(", "));
    if lacking.is_empty() {
        return Finding::works("network", text);
    }
    let mend = "use an FFmpeg that has them (pip install the portable wheel)";
    Finding::limited("network", format!("{text}, but not {}", lacking.join(", ")), mend)
}

/// Fonts beside the one that is built in.
#[cfg(feature = "text")]
fn text() -> Option<Finding> {
    let built_in = "DejaVu Sans, built in";
    Some(match lk_io::generate::installed_fonts() {
        0 => Finding::limited(
            "fonts",
            format!("{built_in}; none of the system's"),
            "sudo apt install fontconfig fonts-noto-core (fonts-noto-cjk, fonts-noto-color-emoji), or name a font file: font=",
        ),
        n => Finding::works("fonts", format!("{n} families of the system's, and {built_in}")),
    })
}

#[cfg(not(feature = "text"))]
fn text() -> Option<Finding> {
    None
}

fn sound() -> Finding {
    let found = sound_server().and_then(|server| Ok((server, microphones()?, speakers()?)));
    let (server, microphones, speakers) = match found {
        Ok(found) => found,
        Err(error) => return Finding::missing("sound", &error),
    };
    let default = |devices: &[AudioDevice]| {
        let default = devices.iter().find(|d| d.is_default);
        default.map_or_else(|| "none".to_owned(), |d| format!("{} ({})", d.name, devices.len()))
    };
    let text = format!("{server}; microphone: {}; speaker: {}", default(&microphones), default(&speakers));
    if speakers.is_empty() {
        let mend = "virtual ones can be made: lk.VirtualSpeaker, lk.VirtualMicrophone";
        return Finding::limited("sound", text, mend);
    }
    Finding::works("sound", text)
}

/// Cameras to see with.
fn seen() -> Finding {
    match cameras() {
        Ok(found) if found.is_empty() => {
            let mend = "plug one in; v4l2 devices and PipeWire's nodes count";
            Finding::limited("cameras", "none at the moment", mend)
        }
        Ok(found) => {
            let names: Vec<String> =
                found.into_iter().map(|camera| format!("{} ({})", camera.name, camera.address)).collect();
            Finding::works("cameras", names.join(", "))
        }
        Err(error) => Finding::missing("cameras", &error),
    }
}

/// Cameras to be seen with.
fn shown() -> Finding {
    match ways_out() {
        Ok(ways) => Finding::works("virtual camera", format!("by {}", ways.join(", "))),
        Err(error) => Finding::missing("virtual camera", &error),
    }
}

/// Windows, screens, and where the session has one, the portal.
fn desktop() -> Vec<Finding> {
    let ways = capture_ways();
    let named = |name| env::var(name).ok().filter(|v| !v.is_empty());
    let displays = ["DISPLAY", "WAYLAND_DISPLAY"].into_iter();
    let displays: String = displays.filter_map(|n| Some(format!(", {n}={}", named(n)?))).collect();
    let chosen = matches!(&ways.portal, Some(Ok(portal)) if portal.contains("windows"));
    let others = if chosen { "; others are chosen in the desktop's dialog" } else { "" };
    let windows = match ways.windows {
        Ok(count) => {
            let kind = if ways.portal.is_some() { "windows of X11" } else { "windows" };
            let text = format!("{}{displays}: {count} {kind} to capture{others}", ways.session);
            Finding::works("desktop", text)
        }
        Err(error) if chosen || ways.screens.is_ok() => {
            let text = format!("{}{displays}: {}{others}", ways.session, error.message());
            Finding::limited("desktop", text, error.hint().unwrap_or_default())
        }
        Err(error) => Finding::missing("desktop", &error),
    };
    let screens = match &ways.screens {
        Ok(way) => Finding::works("screens", format!("by {way}")),
        Err(error) => Finding::missing("screens", error),
    };
    let portal = ways.portal.map(|portal| match portal {
        Ok(portal) => Finding::works("portal", portal),
        Err(error) if ways.screens.is_ok() => {
            let text = format!("{}: windows that are not X11's cannot be captured", error.message());
            Finding::limited("portal", text, error.hint().unwrap_or_default())
        }
        Err(error) => Finding::missing("portal", &error),
    });
    [windows, screens].into_iter().chain(portal).collect()
}

/// Pictures between processes.
fn processes() -> Finding {
    match ipc::list(&IpcFolder::default()) {
        Ok(shared) if shared.is_empty() => {
            Finding::works("between processes", "shared memory; nothing shared")
        }
        Ok(shared) => {
            let names: Vec<String> = shared.into_iter().map(|s| s.name).collect();
            Finding::works("between processes", format!("shared memory; shared: {}", names.join(", ")))
        }
        Err(error) => Finding::missing("between processes", &error),
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LiveKit {} on {}", self.version, self.machine)?;
        let width = self.findings.iter().map(|finding| finding.topic.len()).max().unwrap_or(0);
        for Finding { topic, health, text, mend } in &self.findings {
            let sign = match health {
                Health::Works => "ok",
                Health::Limited => "--",
                Health::Missing => "no",
            };
            write!(f, "\n{sign}  {topic:<width$}  {text}")?;
            for line in mend.iter().flat_map(|mend| mend.lines()) {
                write!(f, "\n    {:width$}  -> {line}", "")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_told_of_and_what_is_missing_says_why() {
        let diagnosis = diagnose();
        let topics: Vec<&str> = diagnosis.findings.iter().map(|f| f.topic).collect();
        for topic in [
            "renderer",
            "priority",
            "media",
            "network",
            "fonts",
            "sound",
            "cameras",
            "virtual camera",
            "desktop",
            "screens",
        ] {
            assert!(topics.contains(&topic), "{topic} is missing in {topics:?}");
        }
        for finding in &diagnosis.findings {
            assert!(!finding.text.is_empty() && (finding.health == Health::Works) == finding.mend.is_none());
        }
        let text = diagnosis.to_string();
        assert!(topics.iter().all(|topic| text.contains(topic)), "{text}");
    }
}

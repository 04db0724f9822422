// SPDX-License-Identifier: GPL-2.0-or-later
//! A PipeWire session of a test's own: its folder, its bus, its servers, and two speakers that nobody hears.

use super::media::skip;
use lk_media::clock::Deadline;
use lk_media::{CHANNELS, Wake};
use parking_lot::{Mutex, MutexGuard};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Nothing here takes so long; what does hangs.
pub const HANG: Duration = Duration::from_secs(60);
/// The servers are given so long to have their devices; mostly they have them within half a second.
const START: Duration = Duration::from_secs(20);

/// What has to be installed.
const PROGRAMS: [&str; 7] =
    ["dbus-daemon", "pipewire", "wireplumber", "pipewire-pulse", "pactl", "pw-record", "setpriv"];

const SPEAKERS: &str = r#"
context.objects = [
    { factory = adapter
      args = { factory.name = support.null-audio-sink  node.name = speaker  node.description = "Big Speaker"
               media.class = Audio/Sink  audio.position = [ FL FR ]  priority.session = 2000
               monitor.channel-volumes = true } }
    { factory = adapter
      args = { factory.name = support.null-audio-sink  node.name = phones  node.description = "Headphones"
               media.class = Audio/Sink  audio.position = [ FL FR ]  priority.session = 1000
               monitor.channel-volumes = true } }
]
"#;

/// Long steps, as PipeWire chooses them itself where it sees that it is in a virtual machine: a thread that comes some
/// 10 ms late is then still in time.
const LONG_STEPS: [(&str, &str); 2] = [
    ("pipewire", "context.properties = { default.clock.rate = 48000  default.clock.min-quantum = 1024 }"),
    ("pipewire-pulse", "pulse.properties = { pulse.min.quantum = 1024/48000 }"),
];
const SHORT_STEPS: [(&str, &str); 2] = [
    ("pipewire", "context.properties = { default.clock.rate = 48000  default.clock.min-quantum = 64 }"),
    ("pipewire-pulse", "pulse.properties = { pulse.min.quantum = 256/48000 }"),
];

/// One at a time in a process: which servers are meant stands in its environment.
static ONE: Mutex<()> = Mutex::new(());

pub struct Session {
    folder: PathBuf,
    bus: Option<Child>,
    servers: Vec<Child>,
    _one: MutexGuard<'static, ()>,
}

/// Waits until `done`; panics with `what` if that takes for ever.
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let (deadline, wake) = (Deadline::after(HANG), Wake::new());
    while !done() {
        assert!(!deadline.has_passed(), "never: {what}");
        wake.wait(Duration::from_millis(2));
    }
}

/// Lets so much time pass.
pub fn pass(seconds: f64) {
    let (deadline, wake) = (Deadline::after(Duration::from_secs_f64(seconds)), Wake::new());
    while !deadline.has_passed() {
        wake.wait(deadline.left(Duration::from_secs(1)));
    }
}

fn installed(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|p| std::env::split_paths(&p).any(|d| d.join(program).exists()))
}

impl Session {
    /// Starts one; None (and a reported skip) where something for it is not installed.
    pub fn start() -> Option<Self> {
        Self::start_with(LONG_STEPS)
    }

    /// The same with steps as short as programs ask for: 5 ms. Only for what is about latency.
    pub fn start_short() -> Option<Self> {
        Self::start_with(SHORT_STEPS)
    }

    fn start_with(steps: [(&str, &str); 2]) -> Option<Self> {
        if let Some(missing) = PROGRAMS.iter().find(|p| !installed(p)) {
            skip(&format!(
                "there is no {missing}: apt install pipewire pipewire-pulse wireplumber pulseaudio-utils dbus"
            ));
            return None;
        }
        let one = ONE.lock();
        let folder = std::env::temp_dir().join(format!("lk-sound-{}", std::process::id()));
        let config = |server: &str, name: &str, text: &str| {
            let folder = folder.join(format!("config/pipewire/{server}.conf.d"));
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(name), text).unwrap();
        };
        config("pipewire", "speakers.conf", SPEAKERS);
        steps.iter().for_each(|(server, text)| config(server, "steps.conf", text));
        std::fs::create_dir_all(folder.join("state")).unwrap();
        let mut session = Self { folder, bus: None, servers: Vec::new(), _one: one };
        session.set_environment();
        let bus = format!("unix:path={}", session.folder.join("bus").display());
        session.bus =
            Some(session.spawn(&["dbus-daemon", "--session", "--nofork", "--nopidfile", "--address", &bus]));
        until("a message bus", || session.folder.join("bus").exists());
        session.start_servers();
        Some(session)
    }

    /// Where the programs of the test and the code under test look for their servers.
    #[allow(unsafe_code)]
    fn set_environment(&self) {
        let folder = &self.folder;
        let bus = format!("unix:path={}", folder.join("bus").display());
        for (name, value) in [
            ("XDG_RUNTIME_DIR", folder.clone()),
            ("PIPEWIRE_RUNTIME_DIR", folder.clone()),
            ("PULSE_RUNTIME_PATH", folder.join("pulse")),
            ("XDG_CONFIG_HOME", folder.join("config")),
            ("XDG_STATE_HOME", folder.join("state")),
            ("DBUS_SESSION_BUS_ADDRESS", bus.into()),
            // not the sound cards of this machine, where the server is killed
            ("LIVEKIT_SOUND", "pulse".into()),
        ] {
            // SAFETY: tests with a session take turns, and no thread of an earlier one is left.
            unsafe { std::env::set_var(name, value) };
        }
        // SAFETY: as above.
        unsafe {
            std::env::remove_var("PULSE_SERVER");
            std::env::remove_var("PIPEWIRE_REMOTE");
        };
    }

    /// From now on PipeWire is found by nobody but those who speak the protocol of PulseAudio.
    #[allow(unsafe_code)]
    pub fn hide_pipewire(&self) {
        // SAFETY: as above.
        unsafe { std::env::set_var("PIPEWIRE_REMOTE", "nowhere") };
    }

    fn spawn(&self, command: &[&str]) -> Child {
        let log = std::fs::File::create(self.folder.join(format!("{}.log", command[0]))).unwrap();
        // gone with the thread that runs the test, however that ends
        Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .args(command)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    /// Starts the servers and waits until they have their devices. WirePlumber was seen never to name a default, for
    /// a minute: then all are started again.
    pub fn start_servers(&mut self) {
        for _ in 0..3 {
            for command in ["pipewire", "wireplumber", "pipewire-pulse"] {
                self.servers.push(self.spawn(&[command]));
                if command == "pipewire" {
                    until("PipeWire's socket", || self.folder.join("pipewire-0").exists());
                }
            }
            let (deadline, wake) = (Deadline::after(START), Wake::new());
            while !deadline.has_passed() {
                if pactl(&["info"]).contains("Default Sink: speaker")
                    && pactl(&["list", "short", "sinks"]).contains("phones")
                {
                    return;
                }
                wake.wait(Duration::from_millis(2));
            }
            eprintln!("the sound servers have no devices: they are started again");
            self.kill_servers();
        }
        panic!("never: both speakers, one of them the default");
    }

    /// Kills the servers, as a crash would.
    pub fn kill_servers(&mut self) {
        for mut server in self.servers.drain(..).rev() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
        for socket in ["pipewire-0", "pipewire-0.lock", "pulse/native", "pulse/pid"] {
            let path = self.folder.join(socket);
            assert!(!path.exists() || std::fs::remove_file(&path).is_ok(), "{} stays", path.display());
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for child in self.servers.iter_mut().rev().chain(&mut self.bus) {
            if child.kill().is_ok() {
                drop(child.wait());
            }
        }
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// What `pactl` says; nothing if it fails.
pub fn pactl(arguments: &[&str]) -> String {
    let output = Command::new("pactl").args(arguments).stderr(Stdio::null()).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What another program records from a source in so many seconds: stereo float at 48 kHz.
pub fn recorded(program: &[&str], seconds: f64) -> Vec<f32> {
    let mut child = Command::new("timeout")
        .args(["-s", "INT", &format!("{seconds}")])
        .args(program)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(child.stdout.as_mut().unwrap(), &mut bytes).unwrap();
    child.wait().unwrap();
    let samples = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
    let samples: Vec<f32> = samples.collect();
    assert_eq!(samples.len() % CHANNELS, 0);
    samples
}

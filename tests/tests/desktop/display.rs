// SPDX-License-Identifier: GPL-2.0-or-later
//! A display without a screen, for one test.

use lk_media::clock::Deadline;
use lk_media::{Frame, FrameSpec, PixelFormat, Size, Timestamp, Wake};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// What starting and stopping may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// An X server, with a window manager if one is wanted.
pub struct Desktop {
    server: Child,
    manager: Option<Child>,
    /// Its name, ":7".
    pub name: String,
    size: Size,
}

impl Desktop {
    /// Starts one; None, and a line in the report, where Xvfb is missing.
    pub fn start(size: Size, managed: bool) -> Option<Self> {
        let folder = std::env::temp_dir();
        let said = folder.join(format!("lk-display-{}-{:p}", std::process::id(), &PATIENCE));
        let said = said.with_extension(format!("{:?}", std::thread::current().id()));
        let numbers = std::fs::File::create(&said).expect("the temporary folder can be written");
        let screen = format!("{}x{}x24", size.width, size.height);
        let spawned = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", &screen, "-noreset", "+extension", "Composite"])
            .stdin(Stdio::null())
            .stdout(numbers)
            .stderr(Stdio::null())
            .spawn();
        let Ok(server) = spawned else {
            skip("Xvfb is not installed");
            return None;
        };
        let mut this = Self { server, manager: None, name: String::new(), size };
        wait_until("Xvfb says its number", || {
            let text = std::fs::read_to_string(&said).unwrap_or_default();
            let ready = text.ends_with('\n');
            if ready {
                this.name = format!(":{}", text.trim());
            }
            ready
        });
        let _ = std::fs::remove_file(&said);
        if managed {
            let manager = Command::new("openbox")
                .env("DISPLAY", &this.name)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn();
            let Ok(manager) = manager else {
                skip("openbox is not installed");
                return None;
            };
            this.manager = Some(manager);
            wait_until("openbox manages", || {
                this.ask("xprop", &["-root", "_NET_SUPPORTING_WM_CHECK"]).contains("# 0x")
            });
            pause(Duration::from_millis(500));
        }
        Some(this)
    }

    /// What a program says about the display.
    pub fn ask(&self, program: &str, args: &[&str]) -> String {
        let output = Command::new(program).args(args).env("DISPLAY", &self.name).output();
        output.map_or_else(|e| format!("{program}: {e}"), |o| String::from_utf8_lossy(&o.stdout).into_owned())
    }

    /// What is on the screen now, by ffmpeg.
    pub fn screen(&self) -> Frame {
        let size = format!("{}x{}", self.size.width, self.size.height);
        let input =
            ["-v", "error", "-f", "x11grab", "-draw_mouse", "0", "-video_size", &size, "-i", &self.name];
        let output = Command::new("ffmpeg")
            .args(input)
            .args(["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "bgra", "-"])
            .output()
            .expect("ffmpeg is there");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let spec = FrameSpec::of(PixelFormat::Bgra, self.size).with_alpha(lk_media::AlphaKind::Opaque);
        Frame::from_packed(spec, &output.stdout, Timestamp::ZERO).expect("a whole picture")
    }

    /// Kills the server, as a crash does.
    pub fn kill(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }

    /// Stops the server without ending it, or lets it go on.
    pub fn freeze(&self, frozen: bool) {
        let signal = if frozen { rustix::process::Signal::STOP } else { rustix::process::Signal::CONT };
        let pid = rustix::process::Pid::from_child(&self.server);
        rustix::process::kill_process(pid, signal).expect("it is ours");
    }

    /// Starts a server of the same number again.
    pub fn restart(&mut self) {
        let screen = format!("{}x{}x24", self.size.width, self.size.height);
        let mut command = Command::new("Xvfb");
        command.args([&self.name, "-screen", "0", &screen, "-noreset"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.server = command.spawn().expect("it started before");
        wait_until("Xvfb is back", || self.ask("xprop", &["-root", "_X"]).contains("_X"));
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        if let Some(manager) = &mut self.manager {
            let _ = manager.kill();
            let _ = manager.wait();
        }
        self.kill();
    }
}

/// The name of a folder for a test's servers, which is not there yet: a short one, for a socket's path has at most 107
/// bytes.
pub fn folder_of_its_own(start: &str) -> PathBuf {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let n = MADE.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("{start}-{}-{n}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

/// Waits for something that must become true.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Deadline::after(PATIENCE);
    while !is_so() {
        assert!(!deadline.has_passed(), "not within {PATIENCE:?}: {what}");
        pause(Duration::from_millis(10));
    }
}

/// Lets time pass.
pub fn pause(time: Duration) {
    Wake::new().wait(time);
}

/// Says that a test could not be done.
pub fn skip(reason: &str) {
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    eprintln!("skipped: {name}: {reason}");
    if let Some(log) = std::env::var_os("LK_SKIP_LOG") {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(log);
        let _ = file.and_then(|mut f| writeln!(f, "{name}: {reason}"));
    }
}

/// The largest difference between a rectangle of `screen` with its corner at `x`, `y` and `picture`, in one component.
pub fn difference(screen: &Frame, x: usize, y: usize, picture: &Frame) -> u8 {
    let (screen, picture) =
        (screen.map(PixelFormat::Bgra).expect("rgb"), picture.map(PixelFormat::Bgra).expect("rgb"));
    let (screen, picture) = (screen.plane(0), picture.plane(0));
    let rows = (0..picture.rows).map(|row| {
        let here = &screen.row(y + row)[x * 4..x * 4 + picture.width];
        let pairs = here.iter().zip(picture.row(row)).enumerate().filter(|(at, _)| at % 4 != 3);
        pairs.map(|(_, (a, b))| a.abs_diff(*b)).max().unwrap_or(0)
    });
    rows.max().unwrap_or(0)
}

/// Does it two hundred times, and looks at the memory, descriptors and threads that stay.
pub fn two_hundred_leave_nothing_behind(cycle: impl Fn()) {
    let count = |folder: &str| std::fs::read_dir(folder).expect("Linux tells").count();
    let resident = || {
        let pages = std::fs::read_to_string("/proc/self/statm").expect("Linux tells");
        pages.split(' ').nth(1).and_then(|p| p.parse::<usize>().ok()).expect("a number") * 4096
    };
    (0..20).for_each(|_| cycle());
    let before = resident();
    (0..180).for_each(|_| cycle());
    let grown = resident().saturating_sub(before);
    // other tests of this program may be running
    assert!(grown < 64 << 20, "{grown} bytes more after 180 times");
    assert!(count("/proc/self/fd") < 120, "{} descriptors", count("/proc/self/fd"));
    assert!(count("/proc/self/task") < 120, "{} threads", count("/proc/self/task"));
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! A Wayland compositor without a monitor, for one test: sway, which grim takes pictures of.

use crate::display::{folder_of_its_own, pause, skip, wait_until};
use lk_media::{AlphaKind, Frame, FrameSpec, PixelFormat, Size, Timestamp};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Whom sway runs as where the tests run as root, which it refuses.
const NOBODY: u32 = 65534;
/// What a program is asked with.
const QUIET: [&str; 3] = ["--reuid=65534", "--regid=65534", "--clear-groups"];

/// Whether anybody may write into a folder.
fn is_for_all(folder: &str) -> bool {
    std::fs::metadata(folder)
        .is_ok_and(|m| std::os::unix::fs::PermissionsExt::mode(&m.permissions()) & 2 != 0)
}

/// sway, with as many screens as it was asked for.
pub struct Sway {
    server: Child,
    folder: PathBuf,
    /// The path of its socket.
    pub name: String,
    socket: PathBuf,
}

impl Sway {
    /// Starts one with a screen of `size`; None, and a line in the report, where it or grim is missing.
    pub fn start(size: Size, xwayland: bool) -> Option<Self> {
        for program in ["sway", "swaymsg", "swaybg", "grim", "foot", "setpriv"] {
            if Command::new(program).arg("--version").output().is_err() {
                skip(&format!("{program} is not installed"));
                return None;
            }
        }
        let is_root = rustix::process::geteuid().is_root();
        if xwayland && is_root && !is_for_all("/tmp") {
            skip("others than root may not write into /tmp: Xwayland, which runs as one, has no place there");
            return None;
        }
        let folder = folder_of_its_own("lk-sway");
        std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
        let config = folder.join("config");
        let switch = if xwayland { "enable" } else { "disable" };
        let lines = format!(
            "output * resolution {size}\noutput * bg #204060 solid_color\nxwayland {switch}\ndefault_border none\n\
             focus_follows_mouse no\n"
        );
        std::fs::write(&config, lines).expect("written");
        if xwayland {
            // others than the one who started it may come in
            std::fs::write(folder.join("xwayland"), "#!/bin/sh\nexec Xwayland -ac \"$@\"\n")
                .expect("written");
            let program = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(folder.join("xwayland"), program).expect("it is ours");
        }
        if is_root {
            std::os::unix::fs::chown(&folder, Some(NOBODY), Some(NOBODY)).expect("root may");
        }
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&folder, private).expect("it is ours");
        let server = Self::spawn(&folder, is_root);
        let mut this = Self { server, folder, name: String::new(), socket: PathBuf::new() };
        this.find();
        Some(this)
    }

    fn spawn(folder: &Path, is_root: bool) -> Child {
        let mut command = Command::new(if is_root { "setpriv" } else { "sway" });
        if is_root {
            command.args(QUIET).arg("sway");
        }
        command
            .arg("-c")
            .arg(folder.join("config"))
            .env("XDG_RUNTIME_DIR", folder)
            .env("HOME", folder)
            .env("WLR_XWAYLAND", folder.join("xwayland"))
            .envs([
                ("WLR_BACKENDS", "headless"),
                ("WLR_LIBINPUT_NO_DEVICES", "1"),
                ("WLR_RENDERER", "pixman"),
            ])
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("DISPLAY")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.spawn().expect("sway starts")
    }

    /// Learns the names of its sockets.
    fn find(&mut self) {
        let mut found = [PathBuf::new(), PathBuf::new()];
        wait_until("sway listens", || {
            let files = std::fs::read_dir(&self.folder).expect("it is ours").flatten();
            for file in files.map(|f| f.path()) {
                let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                match (name.starts_with("wayland-") && !name.ends_with(".lock"), name.starts_with("sway-ipc"))
                {
                    (true, _) => found[0] = file,
                    (_, true) => found[1] = file,
                    _ => {}
                }
            }
            found.iter().all(|path| !path.as_os_str().is_empty())
        });
        [self.name, _] = found.each_ref().map(|path| path.to_str().expect("plain letters").to_owned());
        self.socket = found[1].clone();
        wait_until("sway has its screen", || self.tell("get_outputs").contains("current_mode"));
    }

    /// Has sway do something, or says what it answers: "get_tree".
    pub fn tell(&self, command: &str) -> String {
        tell(&self.socket, command)
    }

    /// Opens a terminal in which `script` runs.
    pub fn run_in_terminal(&self, title: &str, script: &str) {
        let file = self.folder.join(format!("{title}.sh"));
        std::fs::write(&file, script).expect("written");
        // sway hands its environment on: the display, the folder
        self.tell(&format!("exec foot -c /dev/null --title {title} sh {}", file.display()));
        wait_until("the terminal is there", || self.tell("get_tree").contains(&format!("\"{title}\"")));
    }

    /// Types on a keyboard; false, and a line in the report, where wtype is missing.
    pub fn types(&self, keys: &[&str]) -> bool {
        let mut command = Command::new("wtype");
        command.args(keys).env("WAYLAND_DISPLAY", &self.name).env("XDG_RUNTIME_DIR", &self.folder);
        if command.output().is_err() {
            skip("wtype is not installed");
            return false;
        }
        true
    }

    /// What grim sees of a screen.
    pub fn picture(&self, output: &str) -> Frame {
        picture(&self.folder, &self.name, output)
    }

    /// Kills it, as a crash does.
    pub fn kill(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }

    /// Stops it without ending it, or lets it go on.
    pub fn freeze(&self, frozen: bool) {
        let signal = if frozen { rustix::process::Signal::STOP } else { rustix::process::Signal::CONT };
        let pid = rustix::process::Pid::from_child(&self.server);
        rustix::process::kill_process(pid, signal).expect("it is ours");
    }

    /// Starts it again, in the same place.
    pub fn restart(&mut self) {
        for file in std::fs::read_dir(&self.folder).expect("it is ours").flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            if name.starts_with("wayland-") || name.starts_with("sway-ipc") {
                let _ = std::fs::remove_file(file.path());
            }
        }
        self.server = Self::spawn(&self.folder, rustix::process::geteuid().is_root());
        let before = self.name.clone();
        self.find();
        assert_eq!(self.name, before);
    }

    /// Its X11 display, by what its own programs are told.
    pub fn x11(&self) -> String {
        let file = self.folder.join("x11");
        self.tell(&format!("exec sh -c 'echo $DISPLAY > {}'", file.display()));
        let mut name = String::new();
        wait_until("the name of the X11 display", || {
            name = std::fs::read_to_string(&file).unwrap_or_default().trim().to_owned();
            !name.is_empty()
        });
        name
    }
}

impl Drop for Sway {
    fn drop(&mut self) {
        // politely, so that it takes its programs along
        self.tell("exit");
        pause(Duration::from_millis(100));
        self.kill();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Has the sway at `socket` do something, or says what it answers: "get_tree".
pub fn tell(socket: &Path, command: &str) -> String {
    let mut program = Command::new("swaymsg");
    program.arg("-s").arg(socket);
    if command.starts_with("get_") {
        program.args(["-r", "-t", command])
    } else {
        program.arg(command)
    };
    let done = program.output().expect("swaymsg is there");
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// What grim sees of a screen of the display `name`.
pub fn picture(folder: &Path, name: &str, output: &str) -> Frame {
    let done = Command::new("grim")
        .args(["-t", "ppm", "-o", output, "-"])
        .env("WAYLAND_DISPLAY", name)
        .env("XDG_RUNTIME_DIR", folder)
        .output()
        .expect("grim is there");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    image(&done.stdout).expect("a picture")
}

/// A picture in PPM.
fn image(bytes: &[u8]) -> Option<Frame> {
    let mut parts = bytes.splitn(4, |b| b.is_ascii_whitespace());
    let magic = parts.next()?;
    let mut number = || std::str::from_utf8(parts.next()?).ok()?.parse::<u32>().ok();
    let size = Size::new(number()?, number()?);
    let rest = parts.next()?;
    let pixels = rest.strip_prefix(b"255\n")?;
    let spec = FrameSpec::of(PixelFormat::Rgb, size).with_alpha(AlphaKind::Opaque);
    (magic == b"P6").then_some(())?;
    Frame::from_packed(spec, pixels, Timestamp::ZERO).ok()
}

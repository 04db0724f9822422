// SPDX-License-Identifier: GPL-2.0-or-later
//! Finished files, and those left in fragments, in players that are not FFmpeg.

use crate::clip::{live, safe};
use crate::support::{Folder, bytes};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};

/// Says that something was skipped, also to the list of skips of `make test`.
fn skip(reason: &str) {
    println!("skipped: {reason}");
    if let Some(log) = std::env::var_os("LK_SKIP_LOG") {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(log);
        file.and_then(|mut f| writeln!(f, "lk-io crash_safe: {reason}")).unwrap();
    }
}

/// A finished file of four seconds, and the same in the state before the last steps of its end.
fn files(folder: &Folder) -> [String; 2] {
    let clip = live(120).clip(true);
    let (ordinary, fragments) = (folder.file("ordinary.mp4"), folder.file("fragments.mp4"));
    clip.file(&ordinary, &safe());
    let mut file = bytes(&ordinary);
    let mdat = file.windows(4).position(|w| w == b"mdat").unwrap() - 4;
    let moof = file.windows(4).position(|w| w == b"moof").unwrap() - 4;
    let end = mdat + u64::from_be_bytes(file[mdat + 8..mdat + 16].try_into().unwrap()) as usize;
    // as it was before it became ordinary
    file.truncate(end);
    file[mdat..mdat + 4].copy_from_slice(&((moof - mdat) as u32).to_be_bytes());
    file[mdat + 4..mdat + 8].copy_from_slice(b"moov");
    file[mdat + 8..mdat + 16].copy_from_slice(b"\0\0\0\x6cmvhd");
    std::fs::write(&fragments, file).unwrap();
    [ordinary, fragments]
}

fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    let out = Command::new("timeout").arg("120").arg(program).args(arguments).output().ok()?;
    // what timeout says of a program that is not there
    (out.status.code() != Some(127)).then_some(out)
}

#[test]
fn gstreamer() {
    let folder = Folder::new();
    let plugin = run("gst-inspect-1.0", &["qtdemux"]);
    if !plugin.is_some_and(|o| o.status.success()) {
        return skip("GStreamer with its good plugins is not installed");
    }
    for file in files(&folder) {
        let source = format!("location={file}");
        let pipeline =
            ["-e", "filesrc", &source, "!", "qtdemux", "name=d", "d.video_0", "!", "queue", "!", "fakesink"];
        let sound =
            ["silent=false", "sync=false", "-v", "d.audio_0", "!", "queue", "!", "fakesink", "sync=false"];
        let out = run("gst-launch-1.0", &[&pipeline[..], &sound].concat()).unwrap();
        let said = String::from_utf8_lossy(&out.stdout);
        assert!(out.status.success(), "{file}: {}{said}", String::from_utf8_lossy(&out.stderr));
        let pictures = said.lines().filter(|l| l.contains("fakesink0") && l.contains("chain")).count();
        assert_eq!(pictures, 120, "{file}");
    }
}

/// What a page says of itself: the path of the one request that it makes to `listener`.
fn told(listener: &TcpListener) -> std::io::Result<String> {
    let (mut stream, _) = listener.accept()?;
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line)?;
    stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")?;
    Ok(line.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned())
}

/// The browser plays by real time (its virtual time runs away from a loading medium), so the page itself
/// says when it has come to an end, and the browser is ended then.
#[test]
fn chromium() {
    let Some(browser) = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|b| run(b, &["--version"]).is_some_and(|o| o.status.success()))
    else {
        return skip("Chromium is not installed");
    };
    let folder = Folder::new();
    for file in files(&folder) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let page = folder.file("page.html");
        let name = Path::new(&file).file_name().unwrap().to_string_lossy();
        let script = format!(
            "const v = document.querySelector('video'), tell = (text) => {{
                new Image().src = 'http://127.0.0.1:{port}/' + text; }};
            v.onerror = () => tell('error/' + v.error.code);
            v.onloadeddata = () => {{ v.onseeked = () =>
                tell(['playable', v.duration, v.currentTime, v.videoWidth, v.videoHeight].join('/'));
                v.currentTime = 3; }};
            v.src = '{name}';"
        );
        std::fs::write(&page, format!("<video preload=auto muted></video><script>{script}</script>"))
            .unwrap();
        let log = folder.file("browser.log");
        // a process group of its own, so that nothing of it stays
        let mut child = Command::new("timeout")
            .args(["--signal=KILL", "120", browser])
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--no-first-run", "--disable-background-networking", "--disable-component-update"])
            .args(["--disable-sync", "--no-proxy-server"])
            .arg(format!("--user-data-dir={}", folder.file("profile")))
            .arg(format!("file://{page}"))
            .stdout(std::process::Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let (say, hear) = crossbeam_channel::bounded(1);
        let _listening = lk_media::thread::spawn("page", move || drop(say.send(told(&listener)))).unwrap();
        let said = hear.recv_timeout(std::time::Duration::from_secs(100));
        // TERM: `timeout` hands it on to the browser, whose children end with it
        let _ = Command::new("kill").arg(child.id().to_string()).status();
        let _ = child.wait();
        // where nobody came, the listener stops waiting
        drop(TcpStream::connect(("127.0.0.1", port)));
        let Ok(Ok(said)) = said else {
            panic!("{name}: the page said nothing\n{}", String::from_utf8_lossy(&bytes(&log)));
        };
        println!("{browser}, {name}: {said}");
        let Some(said) = said.strip_prefix("playable/") else { panic!("{name}: {said}") };
        let said: Vec<f64> = said.split('/').map(|n| n.parse().unwrap()).collect();
        assert!((said[0] - 4.0).abs() < 0.1, "{name}: {said:?}");
        assert_eq!(said[1..], [3.0, 128.0, 96.0], "{name}");
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! Copies: the same packets in another container, and a file that can be played however a copy ends.
#![allow(clippy::unwrap_used)]

mod media;

use lk_io::copier::{Copier, CopyOptions};
use lk_io::media_file::OpenOptions;
use lk_media::clock::Deadline;
use lk_media::{Cancel, ErrorKind, Wake, thread};
use media::{H264, clip, ffmpeg, has_ffmpeg, place};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

/// Nothing here takes that long.
const LONG: Duration = Duration::from_secs(60);

fn out(name: &str) -> String {
    let path = place(name).to_string_lossy().into_owned();
    let _ = fs::remove_file(&path);
    path
}

fn probe(file: &str, args: &[&str]) -> Value {
    let found = Command::new("ffprobe")
        .args(["-v", "error", "-of", "json"])
        .args(args)
        .arg(file)
        .output()
        .expect("ffprobe starts");
    assert!(found.status.success(), "{file}: {}", String::from_utf8_lossy(&found.stderr));
    serde_json::from_slice(&found.stdout).expect("ffprobe writes JSON")
}

/// Of each packet of a stream: its bytes' hash, whether it is a key, and its times in milliseconds.
fn packets(file: &str, stream: &str) -> Vec<(String, bool, Option<i64>, Option<i64>)> {
    let found = probe(file, &["-show_packets", "-show_data_hash", "md5", "-select_streams", stream]);
    let millis = |p: &Value, key: &str| {
        let seconds: Option<f64> = p[key].as_str().and_then(|t| t.parse().ok());
        seconds.map(|s| (s * 1000.0).round() as i64)
    };
    let list = found["packets"].as_array().expect("packets");
    let all = list.iter().map(|p| {
        let hash = p["data_hash"].as_str().unwrap().to_owned();
        let is_key = p["flags"].as_str().unwrap().starts_with('K');
        (hash, is_key, millis(p, "pts_time"), millis(p, "dts_time"))
    });
    all.collect()
}

/// The pictures of a file, decoded: how many there are, and a hash of each.
fn pictures(file: &str) -> Vec<String> {
    let text = ffmpeg(&["-i", file, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", "-"], &[]);
    let text = String::from_utf8(text).unwrap();
    let hashes = text.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split(',').next_back());
    hashes.map(|h| h.trim().to_owned()).collect()
}

fn copy(from: &str, to: &str) -> lk_io::copier::CopyReport {
    let copier = Copier::start(from, to, &CopyOptions::default()).expect("the copy starts");
    let report = copier.wait_until(Deadline::after(LONG), &Cancel::new()).expect("the copy ends");
    assert!(!copier.is_copying() && copier.progress().fraction == Some(1.0));
    report.expect("the copy succeeds")
}

/// 90 numbered pictures with B-frames and three seconds of sound.
fn film(name: &str) -> String {
    let args = ["-f", "lavfi", "-i", "sine=duration=3", "-map", "0:v", "-map", "1:a", "-c:a", "aac"];
    let silent = clip(&format!("silent-{name}.mkv"), 90, "30", H264);
    let path = out(name);
    let mut all = vec!["-i", &silent];
    all.extend(args);
    all.extend(["-c:v", "copy", &path]);
    ffmpeg(&all, &[]);
    path
}

#[test]
fn packets_are_the_same_before_and_after() {
    if !has_ffmpeg() {
        return;
    }
    let film = film("same.mp4");
    for ending in ["mp4", "mov", "mkv"] {
        let copied = out(&format!("same-copy.{ending}"));
        let report = copy(&film, &copied);
        assert_eq!((report.is_cancelled, report.skipped.len()), (false, 0));
        let mut count = 0;
        for stream in ["v:0", "a:0"] {
            let (before, after) = (packets(&film, stream), packets(&copied, stream));
            count += before.len();
            // Matroska has no times below zero: all are later by as much
            let shift = after[0].2.unwrap() - before[0].2.unwrap();
            assert!(if ending == "mkv" { (0..=100).contains(&shift) } else { shift == 0 }, "{shift} ms");
            for (a, b) in before.iter().zip(&after) {
                assert_eq!((&a.0, a.1), (&b.0, b.1), "{ending} {stream}");
                let late = b.2.unwrap() - a.2.unwrap() - shift;
                assert!(late.abs() <= 1, "{ending} {stream}: {a:?} {b:?}");
            }
            assert_eq!(before.len(), after.len());
        }
        assert_eq!(report.packets, count as u64);
        assert_eq!(pictures(&film), pictures(&copied));
        assert!((2.9..3.2).contains(&report.time.as_secs_f64()), "{:?}", report.time);
    }
}

#[test]
fn between_containers_that_write_packets_differently() {
    if !has_ffmpeg() {
        return;
    }
    let film = film("between.mp4");
    let expected = pictures(&film);
    let mut from = film;
    for ending in ["ts", "flv", "mp4", "ts", "mkv", "mp4"] {
        let to = out(&format!("between-{}.{ending}", from.len()));
        copy(&from, &to);
        assert_eq!(pictures(&to), expected, "{from} to {to}");
        let found = probe(&to, &["-show_format"]);
        let length: f64 = found["format"]["duration"].as_str().unwrap().parse().unwrap();
        assert!((2.9..3.3).contains(&length), "{to}: {length} s");
        for stream in ["v:0", "a:0"] {
            let times: Vec<i64> = packets(&to, stream).iter().filter_map(|p| p.3).collect();
            assert!(times.len() > 80 && times.windows(2).all(|w| w[0] <= w[1]), "{to} {stream}");
        }
        from = to;
    }
}

#[test]
fn every_kind_of_stream_and_what_is_said_of_it() {
    if !has_ffmpeg() {
        return;
    }
    let film = film("kinds.mp4");
    let (subtitles, chapters, full) = (out("kinds.srt"), out("kinds.txt"), out("kinds.mkv"));
    fs::write(
        &subtitles,
        "1\n00:00:00,500 --> 00:00:01,000\nHello\n\n2\n00:00:01,500 --> 00:00:02,000\nBye\n",
    )
    .unwrap();
    fs::write(
        &chapters,
        ";FFMETADATA1\ntitle=A film\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1500\ntitle=One\n\
         [CHAPTER]\nTIMEBASE=1/1000\nSTART=1500\nEND=3000\ntitle=Two\n",
    )
    .unwrap();
    let font = concat!(env!("CARGO_MANIFEST_DIR"), "/fonts/DejaVuSans.ttf");
    let mut args =
        vec!["-i", &film, "-i", &subtitles, "-i", &chapters, "-map", "0", "-map", "1", "-c", "copy"];
    args.extend(["-map_metadata", "2", "-map_chapters", "2", "-metadata:s:a:0", "language=deu"]);
    args.extend(["-disposition:a:0", "default+comment", "-disposition:s:0", "forced"]);
    args.extend(["-attach", font, "-metadata:s:t:0", "mimetype=application/x-truetype-font", &full]);
    ffmpeg(&args, &[]);

    let copied = out("kinds-copy.mkv");
    let report = copy(&full, &copied);
    assert!(report.skipped.is_empty());
    let facts = |file: &str| {
        let found = probe(file, &["-show_streams", "-show_chapters", "-show_format"]);
        let streams: Vec<_> = found["streams"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| {
                let keep = ["codec_name", "codec_type", "disposition", "r_frame_rate", "extradata_size"];
                let kept: Vec<Value> = keep.iter().map(|key| s[*key].clone()).collect();
                (kept, s["tags"]["language"].clone(), s["tags"]["filename"].clone())
            })
            .collect();
        let chapters: Vec<_> = found["chapters"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| (c["start_time"].clone(), c["end_time"].clone(), c["tags"]["title"].clone()))
            .collect();
        (streams, chapters, found["format"]["tags"]["title"].clone())
    };
    assert_eq!(facts(&full), facts(&copied));
    assert_eq!(facts(&copied).0.len(), 4);
    for stream in ["v:0", "a:0", "s:0"] {
        assert_eq!(packets(&full, stream), packets(&copied, stream), "{stream}");
    }

    // what a container cannot hold is named
    let mp4 = out("kinds-copy.mp4");
    let error = Copier::start(&full, &mp4, &CopyOptions::default()).err().expect("MP4 holds no SubRip");
    assert_eq!(error.kind(), ErrorKind::Encoder);
    assert!(error.message().contains("stream 2 (subtitles, subrip)"), "{error}");
    assert!(error.hint().is_some() && !std::path::Path::new(&mp4).exists());
    let options = CopyOptions { skip_unsupported: true, ..CopyOptions::default() };
    let report = Copier::start(&full, &mp4, &options).unwrap().wait().unwrap();
    assert_eq!(report.skipped, ["stream 2 (subtitles, subrip)", "stream 3 (attachment, ttf)"]);
    // the titles of chapters are a stream of their own in MP4: copied once, as chapters
    let again = out("kinds-again.mp4");
    copy(&mp4, &again);
    let count = |file: &str| {
        let found = probe(file, &["-show_streams", "-show_chapters"]);
        (found["streams"].as_array().unwrap().len(), found["chapters"].as_array().unwrap().len())
    };
    assert_eq!(count(&again), count(&mp4));
    assert_eq!(count(&again).1, 2);
}

#[test]
fn rotation_is_kept() {
    if !has_ffmpeg() {
        return;
    }
    let (film, turned) = (film("rotation.mp4"), out("rotation-turned.mp4"));
    ffmpeg(&["-i", &film, "-c", "copy", "-metadata:s:v:0", "rotate=90", &turned], &[]);
    for ending in ["mp4", "mov"] {
        let copied = out(&format!("rotation-copy.{ending}"));
        copy(&turned, &copied);
        let rotation = |file: &str| {
            let found = probe(file, &["-show_streams", "-select_streams", "v:0"]);
            found["streams"][0]["side_data_list"][0]["rotation"].as_i64()
        };
        assert!(rotation(&turned).is_some_and(|r| r.abs() == 90));
        assert_eq!(rotation(&turned), rotation(&copied), "{ending}");
    }
}

#[test]
fn times_that_jump_go_on_rising() {
    if !has_ffmpeg() {
        return;
    }
    let film = film("jump.mp4");
    let (first, second, joined) = (out("jump-1.ts"), out("jump-2.ts"), out("jump.ts"));
    ffmpeg(&["-i", &film, "-c", "copy", "-output_ts_offset", "5000", &first], &[]);
    ffmpeg(&["-i", &film, "-c", "copy", &second], &[]);
    let bytes: Vec<u8> = [&first, &second].iter().flat_map(|f| fs::read(f).unwrap()).collect();
    fs::write(&joined, bytes).unwrap();
    let copied = out("jump-copy.mp4");
    copy(&joined, &copied);
    let times: Vec<i64> = packets(&copied, "v:0").iter().filter_map(|p| p.3).collect();
    assert!(times.len() >= 178 && times.windows(2).all(|w| w[0] < w[1]));
    assert!(*times.last().unwrap() < 7_000, "the jump of 5000 s is gone: {:?} ms", times.last());
}

#[test]
fn what_cannot_be_copied() {
    if !has_ffmpeg() {
        return;
    }
    let film = film("cannot.mp4");
    let kind = |from: &str, to: &str, options: &CopyOptions| {
        let error = Copier::start(from, to, options).err().expect("an error");
        assert!(error.hint().is_some(), "{error}");
        error.kind()
    };
    let plain = CopyOptions::default();
    let (kept, link) = (out("cannot-kept.mp4"), out("cannot-link.mp4"));
    fs::write(&kept, "kept").unwrap();
    fs::hard_link(&film, &link).unwrap();
    let size = fs::metadata(&film).unwrap().len();
    assert_eq!(kind("/no/such/film.mp4", &kept, &plain), ErrorKind::MediaNotFound);
    assert_eq!(kind(&film, &kept, &CopyOptions { overwrite: false, ..plain.clone() }), ErrorKind::Output);
    assert_eq!(fs::read(&kept).unwrap(), b"kept");
    assert_eq!(kind(&film, &film, &plain), ErrorKind::Parameter);
    assert_eq!(kind(&film, &link, &plain), ErrorKind::Parameter);
    assert_eq!(fs::metadata(&film).unwrap().len(), size);
    assert_eq!(kind(&film, "/no/such/folder/x.mp4", &plain), ErrorKind::Output);
    assert_eq!(kind(&film, &out("cannot"), &plain), ErrorKind::Encoder);
    assert_eq!(kind(&film, &out("cannot.wav"), &plain), ErrorKind::Encoder);
    let options = vec![("movflag".to_owned(), "x".to_owned())];
    assert_eq!(kind(&film, &out("c.mp4"), &CopyOptions { options, ..plain }), ErrorKind::Encoder);
}

#[test]
fn a_full_disk_is_an_error() {
    if !has_ffmpeg() || !std::path::Path::new("/dev/full").exists() {
        return;
    }
    let options = CopyOptions { format: Some("mpegts".to_owned()), ..CopyOptions::default() };
    let outcome = Copier::start(&film("full.mp4"), "/dev/full", &options).and_then(|copier| {
        let outcome = copier.wait();
        assert_eq!(copier.error().map(|e| e.kind()), outcome.as_ref().err().map(|e| e.kind()));
        outcome
    });
    assert_eq!(outcome.err().map(|e| e.kind()), Some(ErrorKind::DiskFull));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_a_file_that_plays() {
    if !has_ffmpeg() {
        return;
    }
    let film = out("large.mp4");
    let noise = "testsrc2=s=640x360:r=30:d=8,noise=alls=60:allf=t";
    ffmpeg(
        &["-f", "lavfi", "-i", noise, "-c:v", "libx264", "-preset", "ultrafast", "-b:v", "8M", &film],
        &[],
    );
    assert!(fs::metadata(&film).unwrap().len() > 5_000_000);
    let mount = place("small");
    fs::create_dir_all(&mount).unwrap();
    // in a name space of its own, so that nothing else sees the small disk
    let script = "mount -t tmpfs -o size=4m small \"$1\" || exit 77; \
                  exec \"$0\" --ignored --exact on_a_small_disk --nocapture";
    let ran = Command::new("unshare")
        .args(["-rm", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .arg(&mount)
        .env("LK_SMALL_DISK", &mount)
        .env("LK_FILM", &film)
        .output();
    match ran {
        Ok(ran) if ran.status.success() => print!("{}", String::from_utf8_lossy(&ran.stdout)),
        Ok(ran)
            if ran.status.code() == Some(77) || String::from_utf8_lossy(&ran.stderr).contains("unshare") =>
        {
            media::skip("no name space to mount a small disk in");
        }
        Err(_) => media::skip("the program unshare is not installed"),
        Ok(ran) => panic!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr)),
    }
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "run by a_full_disk_leaves_a_file_that_plays, on a disk of 4 MB"]
fn on_a_small_disk() {
    let (Ok(disk), Ok(film)) = (std::env::var("LK_SMALL_DISK"), std::env::var("LK_FILM")) else { return };
    for ending in ["mp4", "mov", "mkv", "ts"] {
        let copied = format!("{disk}/copy.{ending}");
        let copier = Copier::start(&film, &copied, &CopyOptions::default()).unwrap();
        let error = copier.wait().expect_err("the disk is too small");
        assert_eq!((error.kind(), error.errno()), (ErrorKind::DiskFull, Some(28)), "{error}");
        // what is lost in the end is an error to ffmpeg
        let args = ["-v", "quiet", "-i", &copied, "-map", "0:v:0", "-f", "framecrc", "-"];
        let decoded = Command::new("ffmpeg").args(args).output().expect("ffmpeg starts").stdout;
        let count = String::from_utf8_lossy(&decoded).lines().filter(|l| !l.starts_with('#')).count();
        println!("{ending}: {count} of 240 pictures on the full disk");
        assert!(count >= 20, "{ending}: {count}");
        fs::remove_file(&copied).unwrap();
    }
}

/// Serves a film of `seconds` over TCP as a live stream, then says nothing more until `hang_up`.
fn serve(name: &str, hang_up: &Cancel) -> String {
    let film = clip(&format!("{name}-long.ts"), 300, "30", H264);
    let bytes = fs::read(film).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    let hang_up = hang_up.clone();
    let server = thread::spawn("test-server", move || {
        let (mut peer, _) = listener.accept().expect("somebody connects");
        // the other side may have gone
        let _ = peer.write_all(&bytes);
        hang_up.wait(&Wake::new(), Deadline::after(LONG));
    });
    server.unwrap().detach();
    address
}

fn live(timeout: Duration) -> CopyOptions {
    let options = vec![("probesize".to_owned(), "100000".to_owned())];
    CopyOptions {
        input: OpenOptions { timeout, options, ..OpenOptions::default() },
        ..CopyOptions::default()
    }
}

fn until_packets(copier: &Copier, packets: u64) {
    let limit = Deadline::after(LONG);
    while copier.progress().packets < packets && !limit.has_passed() {
        assert!(copier.is_copying(), "{:?}", copier.error());
        Wake::new().wait(Duration::from_millis(5));
    }
    assert!(copier.progress().packets >= packets);
}

#[test]
fn a_cancel_ends_a_live_copy_with_a_file_that_plays() {
    if !has_ffmpeg() {
        return;
    }
    for (ending, by_drop) in [("mp4", false), ("mkv", false), ("mp4", true)] {
        let hang_up = Cancel::new();
        let address = serve(&format!("cancel-{ending}-{by_drop}"), &hang_up);
        let copied = out(&format!("cancel-{by_drop}.{ending}"));
        let copier = Copier::start(&address, &copied, &live(LONG)).unwrap();
        until_packets(&copier, 200);
        assert!(copier.is_copying() && copier.progress().fraction.is_none());
        assert!(copier.wait_until(Deadline::after(Duration::ZERO), &Cancel::new()).is_none());
        let written = copier.progress().packets;
        if by_drop {
            drop(copier);
        } else {
            copier.cancel();
            let report = copier.wait().unwrap();
            assert!(report.is_cancelled && report.packets >= written);
        }
        hang_up.cancel();
        assert!(pictures(&copied).len() as u64 >= written);
    }
}

#[test]
fn a_lost_input_leaves_a_file_that_plays() {
    if !has_ffmpeg() {
        return;
    }
    // silence: an error after the timeout
    let hang_up = Cancel::new();
    let copied = out("lost-silent.mp4");
    let address = serve("lost-silent", &hang_up);
    let copier = Copier::start(&address, &copied, &live(Duration::from_secs(2))).unwrap();
    let error = copier.wait().expect_err("nothing comes any more");
    assert_eq!((error.kind(), copier.is_copying()), (ErrorKind::Deadline, false));
    let written = copier.progress().packets;
    assert!(written > 200 && pictures(&copied).len() as u64 == written, "{written}");
    hang_up.cancel();
    // the end of the connection: the end of the input
    let hang_up = Cancel::new();
    let copied = out("lost-end.mp4");
    let copier = Copier::start(&serve("lost-end", &hang_up), &copied, &live(LONG)).unwrap();
    until_packets(&copier, 200);
    hang_up.cancel();
    let report = copier.wait().unwrap();
    assert!(!report.is_cancelled && report.packets == 300, "{report:?}");
    assert_eq!(pictures(&copied).len(), 300);
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! Pixel formats, colours, rotation, pixel aspect, interlacing, odd sizes: what comes out of files of every kind.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod media;

use lk_io::media_file::{Deinterlace, LazyPlayer, MediaInfo, OpenOptions};
use lk_media::{AlphaKind, ColorSpace, Frame, Matrix, PixelFormat, Range, Sample, Siting, Size, VideoSource};
use media::{ffmpeg, has_ffmpeg, place, seconds};

/// Four flat quarters: red, green on top; blue, white below.
const QUARTERS: [[f64; 3]; 4] =
    [[255.0, 0.0, 0.0], [0.0, 255.0, 0.0], [0.0, 0.0, 255.0], [255.0, 255.0, 255.0]];

fn quarters(width: usize, height: usize, alpha: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let color = QUARTERS[2 * usize::from(y >= height / 2) + usize::from(x >= width / 2)];
            out.extend(color.map(|c| c as u8));
            if alpha {
                out.push(if x >= width / 2 { 128 } else { 255 });
            }
        }
    }
    out
}

/// A still of the quarters, 3 frames long, encoded as `args` say.
fn still(name: &str, width: usize, height: usize, alpha: bool, args: &[&str]) -> String {
    let path = place(name).to_string_lossy().into_owned();
    let size = format!("{width}x{height}");
    let format = if alpha { "rgba" } else { "rgb24" };
    let mut all = vec!["-f", "rawvideo", "-pix_fmt", format, "-s", &size, "-r", "25", "-i", "-"];
    all.extend(args);
    all.push(&path);
    ffmpeg(&all, &quarters(width, height, alpha).repeat(3));
    path
}

fn frame(path: &str, options: &OpenOptions) -> Frame {
    let player = LazyPlayer::open(path, options).unwrap_or_else(|e| panic!("{path}: {e}"));
    let Sample::Frame(frame) = player.frame_at(seconds(0.05)).unwrap() else { panic!("{path}: no frame") };
    assert_eq!(player.size(), Some(frame.size()), "{path}");
    frame
}

/// The colour in the middle of quarter `n`, and its alpha.
fn color(frame: &Frame, n: usize) -> ([f64; 3], u8) {
    let (size, map) = (frame.size(), frame.map_native());
    let x = (size.width as usize / 4) + (n % 2) * (size.width as usize / 2);
    let y = (size.height as usize / 4) + (n / 2) * (size.height as usize / 2);
    let byte = |plane: usize, x: usize, y: usize| f64::from(map.plane(plane).row(y)[x]);
    let rgb = |r, g, b, step| [byte(0, x * step + r, y), byte(0, x * step + g, y), byte(0, x * step + b, y)];
    let yuv = |c: [f64; 3]| frame.spec().color.yuv_to_rgb(c);
    match frame.format() {
        PixelFormat::I420 => (yuv([byte(0, x, y), byte(1, x / 2, y / 2), byte(2, x / 2, y / 2)]), 255),
        PixelFormat::Nv12 => {
            (yuv([byte(0, x, y), byte(1, x / 2 * 2, y / 2), byte(1, x / 2 * 2 + 1, y / 2)]), 255)
        }
        PixelFormat::Yuy2 => {
            (yuv([byte(0, x * 2, y), byte(0, x / 2 * 4 + 1, y), byte(0, x / 2 * 4 + 3, y)]), 255)
        }
        PixelFormat::Bgr => (rgb(2, 1, 0, 3), 255),
        PixelFormat::Rgb => (rgb(0, 1, 2, 3), 255),
        PixelFormat::Bgra => (rgb(2, 1, 0, 4), byte(0, x * 4 + 3, y) as u8),
        PixelFormat::Rgba => (rgb(0, 1, 2, 4), byte(0, x * 4 + 3, y) as u8),
    }
}

fn assert_quarters(name: &str, frame: &Frame, order: [usize; 4], tolerance: f64) {
    for (n, expected) in order.into_iter().enumerate() {
        let got = color(frame, n).0;
        let off = got.iter().zip(QUARTERS[expected]).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(off <= tolerance, "{name} ({frame:?}): quarter {n} is {got:?}, not {:?}", QUARTERS[expected]);
    }
}

/// Name, FFmpeg's pixel format and encoder, whether there is alpha, what it comes out as.
type Kind = (&'static str, &'static [&'static str], bool, PixelFormat);

const X264: &[&str] = &["-c:v", "libx264", "-qp", "1", "-bf", "0"];

const KINDS: &[Kind] = &[
    ("420.mp4", &["-pix_fmt", "yuv420p", "-c:v", "libx264", "-qp", "1"], false, PixelFormat::I420),
    ("nv12.mkv", &["-pix_fmt", "nv12", "-c:v", "rawvideo"], false, PixelFormat::Nv12),
    ("yuy2.mkv", &["-pix_fmt", "yuyv422", "-c:v", "rawvideo"], false, PixelFormat::Yuy2),
    ("422.mp4", &["-pix_fmt", "yuv422p", "-c:v", "libx264", "-qp", "1"], false, PixelFormat::Yuy2),
    ("444.mp4", &["-pix_fmt", "yuv444p", "-c:v", "libx264", "-qp", "1"], false, PixelFormat::Bgr),
    ("420-10.mp4", &["-pix_fmt", "yuv420p10le", "-c:v", "libx264", "-qp", "1"], false, PixelFormat::I420),
    ("422-10.mp4", &["-pix_fmt", "yuv422p10le", "-c:v", "libx264", "-qp", "1"], false, PixelFormat::Yuy2),
    ("prores.mov", &["-pix_fmt", "yuva444p10le", "-c:v", "prores_ks", "-q:v", "1"], true, PixelFormat::Bgra),
    ("gbrp.mkv", &["-pix_fmt", "rgb24", "-c:v", "libx264rgb", "-qp", "0"], false, PixelFormat::Bgr),
    ("bgr0.mkv", &["-pix_fmt", "bgr0", "-c:v", "ffv1"], false, PixelFormat::Bgra),
    ("411.mkv", &["-pix_fmt", "yuv411p", "-c:v", "ffv1"], false, PixelFormat::Bgr),
    ("png.mov", &["-pix_fmt", "rgb24", "-c:v", "png"], false, PixelFormat::Rgb),
    ("pnga.mov", &["-pix_fmt", "rgba", "-c:v", "png"], true, PixelFormat::Rgba),
    ("png48.mov", &["-pix_fmt", "rgb48be", "-c:v", "png"], false, PixelFormat::Bgr),
    ("qtrle.mov", &["-pix_fmt", "argb", "-c:v", "qtrle"], true, PixelFormat::Bgra),
    (
        "vp9a.webm",
        &["-pix_fmt", "yuva420p", "-c:v", "libvpx-vp9", "-crf", "4", "-b:v", "0"],
        true,
        PixelFormat::I420,
    ),
    ("gif.gif", &[], false, PixelFormat::Bgra),
    ("mjpeg.avi", &["-pix_fmt", "yuvj420p", "-c:v", "mjpeg", "-q:v", "1"], false, PixelFormat::I420),
    ("mjpeg444.avi", &["-pix_fmt", "yuvj444p", "-c:v", "mjpeg", "-q:v", "1"], false, PixelFormat::Bgr),
    ("bmp.avi", &["-pix_fmt", "bgr24", "-c:v", "rawvideo"], false, PixelFormat::Bgr),
    ("dv.mkv", &["-pix_fmt", "uyvy422", "-c:v", "rawvideo"], false, PixelFormat::Yuy2),
];

#[test]
fn every_pixel_format_has_the_right_colours() {
    if !has_ffmpeg() {
        return;
    }
    for (name, args, alpha, format) in KINDS {
        let path = still(&format!("pix-{name}"), 64, 48, *alpha, args);
        let got = frame(&path, &OpenOptions::default());
        assert_eq!(got.format(), *format, "{name}");
        assert_quarters(name, &got, [0, 1, 2, 3], if name.contains("jpeg") { 8.0 } else { 5.0 });
        if *alpha && format.has_alpha() {
            assert_eq!(got.spec().alpha, AlphaKind::Straight, "{name}");
            let alphas = [0, 1, 2, 3].map(|n| i32::from(color(&got, n).1));
            assert!(
                alphas.iter().zip([255, 128, 255, 128]).all(|(a, b)| (a - b).abs() <= 2),
                "{name}: {alphas:?}"
            );
        } else {
            assert!(name.starts_with("gif") || got.spec().alpha == AlphaKind::Opaque, "{name}");
        }
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn gray_is_black_and_white_in_its_range() {
    if !has_ffmpeg() {
        return;
    }
    let path = still("gray.mkv", 64, 48, false, &["-pix_fmt", "gray", "-c:v", "ffv1"]);
    let got = frame(&path, &OpenOptions::default());
    assert_eq!(got.format(), PixelFormat::Bgr);
    let white = color(&got, 3).0;
    assert!(white.iter().all(|c| *c >= 253.0), "{white:?}");
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn tagged_and_untagged_colour_spaces() {
    if !has_ffmpeg() {
        return;
    }
    let convert = |matrix: &str, range: &str| format!("scale=out_color_matrix={matrix}:out_range={range}");
    let tag = |name: &str, height: usize, filter: &str, tags: &[&str]| {
        let mut args = vec!["-vf", filter, "-pix_fmt", "yuv420p"];
        args.extend(X264);
        args.extend(tags);
        let path = still(name, 64, height, false, &args);
        let got = frame(&path, &OpenOptions::default());
        assert_quarters(name, &got, [0, 1, 2, 3], 4.0);
        let info = MediaInfo::open(&path, &OpenOptions::default()).unwrap();
        assert_eq!(info.video[0].color.matrix, got.spec().color.matrix, "{name}");
        std::fs::remove_file(&path).unwrap();
        got.spec().color
    };
    let bt601 = tag("sd.mp4", 480, &convert("bt601", "tv"), &[]);
    assert_eq!(bt601, ColorSpace::BT601);
    assert_eq!(tag("hd.mp4", 720, &convert("bt709", "tv"), &[]), ColorSpace::BT709);
    let tags = ["-colorspace", "bt709", "-color_range", "tv"];
    assert_eq!(tag("sd709.mp4", 480, &convert("bt709", "tv"), &tags), ColorSpace::BT709);
    let tags = ["-colorspace", "smpte170m", "-color_range", "pc"];
    let full = tag("hd601.mp4", 720, &convert("bt601", "pc"), &tags);
    assert_eq!((full.matrix, full.range), (Matrix::Bt601, Range::Full));
    let path = still("jpeg.avi", 64, 48, false, &["-pix_fmt", "yuvj420p", "-c:v", "mjpeg"]);
    assert_eq!(frame(&path, &OpenOptions::default()).spec().color, ColorSpace::JPEG);
    std::fs::remove_file(&path).unwrap();
    let path = still(
        "centre.mp4",
        64,
        48,
        false,
        &["-pix_fmt", "yuv420p", "-c:v", "libx264", "-chroma_sample_location", "center"],
    );
    assert_eq!(frame(&path, &OpenOptions::default()).spec().color.siting, Siting::Center);
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn rotation_is_applied() {
    if !has_ffmpeg() {
        return;
    }
    let mut args = vec!["-pix_fmt", "yuv420p"];
    args.extend(X264);
    let plain = still("upright.mp4", 64, 32, false, &args);
    // the tag of FFmpeg 5's command line counts counter-clockwise
    for (tag, degrees, order) in
        [("90", 270, [1, 3, 0, 2]), ("180", 180, [3, 2, 1, 0]), ("270", 90, [2, 0, 3, 1])]
    {
        let path = place(&format!("turned-{tag}.mp4")).to_string_lossy().into_owned();
        ffmpeg(&["-i", &plain, "-c", "copy", "-metadata:s:v:0", &format!("rotate={tag}"), &path], &[]);
        let info = MediaInfo::open(&path, &OpenOptions::default()).unwrap();
        let turned = info.video[0].rotation;
        let got = frame(&path, &OpenOptions::default());
        let size = if degrees == 180 { Size::new(64, 32) } else { Size::new(32, 64) };
        assert_eq!((got.size(), info.video_size()), (size, Some(size)), "{tag}");
        assert_eq!(info.video[0].coded_size, Size::new(64, 32));
        // whichever way the tag counts, picture and number agree
        let order = match turned {
            270 => [1, 3, 0, 2],
            180 => [3, 2, 1, 0],
            90 => [2, 0, 3, 1],
            _ => order,
        };
        assert_quarters(&path, &got, order, 6.0);
        // and FFmpeg's own command line turns it the same way
        let theirs =
            ffmpeg(&["-i", &path, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"], &[]);
        let mine = got.map_native().to_packed();
        let worst = mine.iter().zip(&theirs).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(theirs.len() == mine.len() && worst <= Some(2), "{tag}: off by {worst:?}");
        std::fs::remove_file(&path).unwrap();
    }
    std::fs::remove_file(&plain).unwrap();
}

#[test]
fn pixels_become_square() {
    if !has_ffmpeg() {
        return;
    }
    let mut args = vec!["-pix_fmt", "yuv420p", "-vf", "setsar=16/11"];
    args.extend(X264);
    let path = still("sar.mp4", 176, 144, false, &args);
    let got = frame(&path, &OpenOptions::default());
    assert_eq!(got.size(), Size::new(256, 144));
    assert_quarters("sar", &got, [0, 1, 2, 3], 6.0);
    assert_eq!(
        MediaInfo::open(&path, &OpenOptions::default()).unwrap().video_size(),
        Some(Size::new(256, 144))
    );
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn odd_sizes() {
    if !has_ffmpeg() {
        return;
    }
    for (name, format) in [
        ("odd.mkv", "yuv420p"),
        ("odd422.mkv", "yuv422p"),
        ("oddyuyv.mkv", "bgr0"),
        ("odd444.mkv", "yuv444p"),
    ] {
        let path = still(name, 61, 43, false, &["-pix_fmt", format, "-c:v", "ffv1"]);
        let got = frame(&path, &OpenOptions::default());
        assert_eq!(got.size(), Size::new(61, 43), "{name}");
        assert_quarters(name, &got, [0, 1, 2, 3], 6.0);
        assert_eq!(got.map_native().to_packed().len(), got.format().packed_len(got.size()));
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn interlaced_pictures_are_made_progressive_the_same_after_seeks() {
    if !has_ffmpeg() {
        return;
    }
    let path = place("interlaced.mp4").to_string_lossy().into_owned();
    let source = "testsrc2=s=320x240:r=50:d=4,interlace=scan=tff";
    ffmpeg(
        &[
            "-f",
            "lavfi",
            "-i",
            source,
            "-c:v",
            "libx264",
            "-flags",
            "+ildct+ilme",
            "-x264-params",
            "tff=1:keyint=20",
            "-pix_fmt",
            "yuv420p",
            &path,
        ],
        &[],
    );
    let info = MediaInfo::open(&path, &OpenOptions::default()).unwrap();
    assert!(info.video[0].interlaced);
    let comb = |options: &OpenOptions| {
        let player = LazyPlayer::open(&path, options).unwrap();
        let mut all = Vec::new();
        for n in 0..100 {
            let Sample::Frame(f) = player.frame_at(seconds(n as f64 / 25.0 + 0.01)).unwrap() else {
                panic!("{n}")
            };
            assert!((f.timestamp().as_secs_f64() - n as f64 / 25.0).abs() < 0.001, "{n}: {f:?}");
            all.push(f.map_native().to_packed());
        }
        for n in [50, 3, 20, 19, 21, 99, 0, 40, 61] {
            let Sample::Frame(f) = player.frame_at(seconds(n as f64 / 25.0 + 0.01)).unwrap() else {
                panic!("{n}")
            };
            assert!(f.map_native().to_packed() == all[n], "frame {n} is another after a seek");
        }
        // how much neighbouring rows differ more than rows two apart
        let at = |x: usize, y: usize| i64::from(all[30][y * 320 + x]);
        let sum: i64 = (2..238)
            .flat_map(|y| (0..320).map(move |x| (x, y)))
            .map(|(x, y)| (at(x, y) - at(x, y + 1)).abs() - (at(x, y) - at(x, y + 2)).abs())
            .sum();
        sum
    };
    let woven = comb(&OpenOptions { deinterlace: Deinterlace::Off, ..Default::default() });
    let clean = comb(&OpenOptions::default());
    assert!(clean < woven, "{clean} is not smoother than {woven}");
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn the_size_may_change_in_the_middle() {
    if !has_ffmpeg() {
        return;
    }
    let (a, b) = (place("a.ts").to_string_lossy().into_owned(), place("b.ts").to_string_lossy().into_owned());
    let part = |path: &str, size: &str, offset: &str| {
        let source = format!("testsrc=s={size}:r=25:d=1");
        ffmpeg(
            &[
                "-f",
                "lavfi",
                "-i",
                &source,
                "-output_ts_offset",
                offset,
                "-c:v",
                "libx264",
                "-pix_fmt",
                "yuv420p",
                path,
            ],
            &[],
        );
    };
    part(&a, "64x48", "0");
    part(&b, "128x96", "1");
    let mut both = std::fs::read(&a).unwrap();
    both.extend(std::fs::read(&b).unwrap());
    std::fs::write(&a, both).unwrap();
    let player = LazyPlayer::open(&a, &OpenOptions::default()).unwrap();
    let size = |s| match player.frame_at(seconds(s)).unwrap() {
        Sample::Frame(f) | Sample::Ended(Some(f)) => f.size(),
        other => panic!("{other:?}"),
    };
    assert_eq!((size(0.5), size(1.5), size(0.2)), (Size::new(64, 48), Size::new(128, 96), Size::new(64, 48)));
    std::fs::remove_file(&a).unwrap();
    std::fs::remove_file(&b).unwrap();
}

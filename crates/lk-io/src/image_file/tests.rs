// SPDX-License-Identifier: GPL-2.0-or-later
//! Pictures written by other code, read by ours.

mod make;

use super::ImageFile;
use image::codecs::gif::Repeat;
use image::{DynamicImage, GrayImage, ImageBuffer, ImageFormat, Luma, Rgb, RgbImage, Rgba, RgbaImage};
use lk_media::{AlphaKind, ErrorKind, PixelFormat, Sample, Sampling, Size, Timestamp, VideoSource};
use moxcms::ColorProfile;
use std::path::PathBuf;
use std::time::Duration;

fn open(bytes: &[u8]) -> ImageFile {
    ImageFile::decode(bytes, "picture").expect("decodes")
}

fn packed(image: &ImageFile) -> Vec<u8> {
    image.frame().map_native().to_packed()
}

fn bgr(picture: &RgbImage) -> Vec<u8> {
    picture.pixels().flat_map(|p| [p[2], p[1], p[0]]).collect()
}

fn bgra(picture: &RgbaImage) -> Vec<u8> {
    picture.pixels().flat_map(|p| [p[2], p[1], p[0], p[3]]).collect()
}

/// The colour of a pixel, red first.
fn pixel(image: &ImageFile, x: usize, y: usize) -> [u8; 3] {
    let map = image.frame().map(PixelFormat::Rgb).expect("converts");
    let row = map.plane(0).row(y);
    [row[x * 3], row[x * 3 + 1], row[x * 3 + 2]]
}

fn near(a: [u8; 3], b: [u8; 3], by: u8) -> bool {
    a.iter().zip(b).all(|(a, b)| a.abs_diff(b) <= by)
}

fn ms(x: i64) -> Timestamp {
    Timestamp::from_nanos(x * 1_000_000)
}

#[test]
fn lossless_formats_come_out_as_they_went_in() {
    let (opaque, clear) = (make::rgb(13, 7), make::rgba(13, 7));
    for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::WebP] {
        let image = open(&make::encode(&opaque.clone().into(), format));
        assert_eq!(image.size(), Some(Size::new(13, 7)));
        assert_eq!(
            (image.frame().format(), image.frame().spec().alpha),
            (PixelFormat::Bgr, AlphaKind::Opaque)
        );
        assert_eq!(packed(&image), bgr(&opaque), "{format:?}");
        assert!(!image.is_animated() && image.picture_count() == 1 && image.duration().is_none());
    }
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        let image = open(&make::encode(&clear.clone().into(), format));
        assert_eq!(
            (image.frame().format(), image.frame().spec().alpha),
            (PixelFormat::Bgra, AlphaKind::Straight)
        );
        assert_eq!(packed(&image), bgra(&clear), "{format:?}");
    }
    // an alpha channel that is 255 everywhere is none
    let solid = RgbaImage::from_fn(3, 2, |x, y| Rgba([x as u8, y as u8, 9, 255]));
    let image = open(&make::png(solid.clone()));
    assert_eq!(image.frame().format(), PixelFormat::Bgr);
    assert_eq!(packed(&image), bgr(&DynamicImage::from(solid).into_rgb8()));
}

#[test]
fn jpeg_is_near_and_content_counts_not_the_name() {
    let picture = make::rgb(64, 48);
    let image = ImageFile::decode(&make::jpeg(&picture, None), "really.png").expect("decodes");
    assert_eq!(image.frame().format(), PixelFormat::Bgr);
    assert!(packed(&image).iter().zip(bgr(&picture)).all(|(a, b)| a.abs_diff(b) < 24));
}

#[test]
fn grey_palettes_and_sixteen_bits_become_eight_bit_colours() {
    let grey = GrayImage::from_fn(5, 3, |x, y| Luma([(x * 40 + y) as u8]));
    let wanted: Vec<u8> = grey.pixels().flat_map(|p| [p[0]; 3]).collect();
    assert_eq!(packed(&open(&make::png(grey))), wanted);

    assert_eq!(
        packed(&open(&make::png_with_palette())),
        [[0, 0, 255, 255], [0, 255, 0, 128], [255, 0, 0, 255], [0, 0, 255, 255]].concat()
    );

    let values = [0u16, 128, 129, 256, 385, 386, 32767, 32768, 65406, 65407, 65535];
    let wide: ImageBuffer<Rgb<u16>, Vec<u16>> =
        ImageBuffer::from_fn(values.len() as u32, 1, |x, _| Rgb([values[x as usize], 0, 65535]));
    let rounded = values.map(|v| (f64::from(v) * 255.0 / 65535.0).round() as u8);
    let got = packed(&open(&make::png(DynamicImage::ImageRgb16(wide))));
    assert_eq!(got, rounded.iter().flat_map(|r| [255, 0, *r]).collect::<Vec<u8>>());
}

#[test]
fn orientations_turn_the_picture_upright() {
    // what is stored: four colours, top left first
    let colors = [[230, 30, 30], [30, 200, 30], [30, 30, 230], [220, 220, 40]];
    let stored = RgbImage::from_fn(64, 32, |x, y| Rgb(colors[(x / 32 + y / 16 * 2) as usize]));
    let jpeg = make::jpeg(&stored, None);
    // EXIF: the sides of the shown picture that the stored row 0 and column 0 are
    let sides = [
        ("top", "left"),
        ("top", "right"),
        ("bottom", "right"),
        ("bottom", "left"),
        ("left", "top"),
        ("right", "top"),
        ("right", "bottom"),
        ("left", "bottom"),
    ];
    for (orientation, (row, column)) in (1..=8).zip(sides) {
        let upright = matches!(row, "top" | "bottom");
        let size = if upright { Size::new(64, 32) } else { Size::new(32, 64) };
        for bytes in [
            make::jpeg_with_orientation(&jpeg, orientation),
            make::png_with_orientation(&stored, orientation),
        ] {
            let image = open(&bytes);
            assert_eq!(image.size(), Some(size), "orientation {orientation}");
            for (stored_x, stored_y) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                // along the axis that the stored rows, columns lie on: 0 is the named side
                let place = |side: &str, stored: usize| match side {
                    "top" | "left" => stored,
                    _ => 1 - stored,
                };
                let (along_rows, along_columns) = (place(row, stored_y), place(column, stored_x));
                let (x, y) = if upright { (along_columns, along_rows) } else { (along_rows, along_columns) };
                let (x, y) = ((2 * x + 1) * size.width as usize / 4, (2 * y + 1) * size.height as usize / 4);
                let color = colors[stored_x + 2 * stored_y];
                assert!(near(pixel(&image, x, y), color, 12), "orientation {orientation} at {x}, {y}");
            }
        }
    }
    // nonsense is no orientation
    assert_eq!(open(&make::jpeg_with_orientation(&jpeg, 99)).size(), Some(Size::new(64, 32)));
}

fn srgb_encode(v: f64) -> f64 {
    let v = v.clamp(0.0, 1.0);
    255.0 * if v <= 0.003_130_8 { 12.92 * v } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 }
}

fn srgb_decode(v: u8) -> f64 {
    let v = f64::from(v) / 255.0;
    if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
}

const COLORS: [[u8; 3]; 7] = [
    [255, 0, 0],
    [0, 255, 0],
    [200, 100, 50],
    [90, 140, 200],
    [128, 128, 128],
    [255, 255, 255],
    [20, 30, 25],
];

#[test]
fn profiles_become_srgb() {
    // linear Display P3 and Adobe RGB (1998) to linear sRGB, from the primaries of their standards
    let p3 =
        [[1.224_940, -0.224_940, 0.0], [-0.042_057, 1.042_057, 0.0], [-0.019_638, -0.078_636, 1.098_274]];
    let adobe = [[1.398_356, -0.398_356, 0.0], [0.0, 1.0, 0.0], [0.0, -0.042_939, 1.042_939]];
    let gamma = |v: u8| (f64::from(v) / 255.0).powf(563.0 / 256.0);
    let picture = RgbImage::from_fn(7, 1, |x, _| Rgb(COLORS[x as usize]));
    let wide: ImageBuffer<Rgba<u16>, Vec<u16>> = ImageBuffer::from_fn(7, 1, |x, _| {
        let [r, g, b] = COLORS[x as usize].map(|c| u16::from(c) * 257);
        Rgba([r, g, b, 40_000])
    });
    for (profile, matrix, decode) in [
        (ColorProfile::new_display_p3(), p3, &srgb_decode as &dyn Fn(u8) -> f64),
        (ColorProfile::new_adobe_rgb(), adobe, &gamma),
    ] {
        let profile = profile.encode().expect("a profile");
        let wide = DynamicImage::ImageRgba16(wide.clone());
        let [narrow, wide] =
            [picture.clone().into(), wide].map(|p| open(&make::png_with_profile(p, profile.clone())));
        assert_eq!(wide.frame().format(), PixelFormat::Bgra);
        for (x, color) in COLORS.into_iter().enumerate() {
            let linear = color.map(decode);
            let wanted = matrix.map(|row: [f64; 3]| {
                srgb_encode(row.iter().zip(linear).map(|(a, b)| a * b).sum::<f64>()).round() as u8
            });
            for image in [&narrow, &wide] {
                assert!(
                    near(pixel(image, x, 0), wanted, 2),
                    "{color:?}: {:?}, {wanted:?}",
                    pixel(image, x, 0)
                );
            }
        }
        // the same profile in a jpeg, on a flat colour
        let flat = RgbImage::from_pixel(32, 32, Rgb([90, 140, 200]));
        let from_jpeg = pixel(&open(&make::jpeg(&flat, Some(profile))), 16, 16);
        assert!(near(from_jpeg, pixel(&narrow, 3, 0), 4));
    }
}

#[test]
fn grey_profiles_and_useless_ones() {
    let grey = GrayImage::from_fn(256, 1, |x, _| Luma([x as u8]));
    let profile = ColorProfile::new_gray_with_gamma(1.8).encode().expect("a profile");
    let image = open(&make::png_with_profile(grey.clone(), profile.clone()));
    for x in (0..256).step_by(5) {
        let wanted = srgb_encode((x as f64 / 255.0).powf(1.8)).round() as u8;
        assert!(near(pixel(&image, x, 0), [wanted; 3], 2), "{x}: {:?}, {wanted}", pixel(&image, x, 0));
    }
    // a grey profile on colours, a broken profile, none at all, and sRGB itself: the bytes stay
    let picture = make::rgb(40, 30);
    let srgb = ColorProfile::new_srgb().encode().expect("a profile");
    for profile in [profile.clone(), vec![7; 300], profile[..200].to_vec(), srgb] {
        assert_eq!(packed(&open(&make::png_with_profile(picture.clone(), profile))), bgr(&picture));
    }
    // an RGB profile on grey pixels counts
    let p3 = ColorProfile::new_adobe_rgb().encode().expect("a profile");
    let image = open(&make::png_with_profile(grey, p3));
    let wanted = srgb_encode((100.0f64 / 255.0).powf(563.0 / 256.0)).round() as u8;
    assert!(near(pixel(&image, 100, 0), [wanted; 3], 2));
}

fn color_at(image: &ImageFile, at: Timestamp) -> ([u8; 3], Timestamp, bool) {
    let (frame, over) = match image.sample(at, Sampling::Exact).expect("samples") {
        Sample::Frame(frame) => (frame, false),
        Sample::Ended(Some(frame)) => (frame, true),
        other => panic!("{other:?}"),
    };
    let map = frame.map(PixelFormat::Rgb).expect("converts");
    let row = map.plane(0).row(0);
    ([row[0], row[1], row[2]], frame.timestamp(), over)
}

#[test]
fn animations_follow_the_session_time() {
    let (red, green, blue) = ([255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255]);
    let flat = |c| make::flat(8, 6, c);
    let frames = [(flat(red), 40), (flat(green), 100), (flat(blue), 60)];
    let short = frames.clone().map(|(p, ms)| (p, ms as u16));
    for (kind, bytes, plays) in [
        ("gif", make::gif(&frames, Some(Repeat::Infinite)), None),
        ("gif", make::gif(&frames, None), Some(1)),
        ("gif", make::gif(&frames, Some(Repeat::Finite(2))), Some(3)), // two more times
        ("webp", make::webp_animation(&frames, 0), None),
        ("webp", make::webp_animation(&frames, 2), Some(2)),
        ("apng", make::apng(&short, 0), None),
        ("apng", make::apng(&short, 2), Some(2)),
    ] {
        let image = open(&bytes);
        assert_eq!((image.picture_count(), image.is_animated()), (3, true), "{kind}");
        assert_eq!(image.frame().format(), PixelFormat::Bgr, "{kind}");
        assert_eq!(image.duration(), plays.map(|n| Duration::from_millis(200 * n)), "{kind}");
        let rgb = |c: [u8; 4]| [c[0], c[1], c[2]];
        assert_eq!(color_at(&image, ms(0)), (rgb(red), ms(0), false), "{kind}");
        assert_eq!(color_at(&image, ms(38)), (rgb(red), ms(0), false), "{kind}");
        assert_eq!(color_at(&image, ms(40)), (rgb(green), ms(40), false), "{kind}");
        assert_eq!(color_at(&image, ms(150)), (rgb(blue), ms(140), false), "{kind}");
        let later = color_at(&image, ms(2000 + 70));
        match plays {
            None => assert_eq!(later, (rgb(green), ms(2040), false), "{kind}"),
            Some(n) => assert_eq!(later, (rgb(blue), ms(200 * n as i64 - 60), true), "{kind}"),
        }
    }
}

#[test]
fn an_animation_with_holes_keeps_its_alpha_and_one_picture_is_still() {
    let clear = make::flat(4, 4, [0, 0, 0, 0]);
    let bytes =
        make::gif(&[(make::flat(4, 4, [9, 9, 9, 255]), 50), (clear.clone(), 0)], Some(Repeat::Infinite));
    let image = open(&bytes);
    assert_eq!((image.picture_count(), image.frame().format()), (2, PixelFormat::Bgra));
    let still = open(&make::gif(&[(clear, 50)], None));
    assert!(!still.is_animated());
    assert!(matches!(still.sample(ms(99_999), Sampling::Live), Ok(Sample::Frame(_))));
}

#[test]
fn an_animation_too_large_to_keep_says_so() {
    let frames: Vec<(RgbaImage, u32)> =
        (0..3).map(|k| (make::flat(5000, 5000, [k, 0, 0, 255]), 50)).collect();
    let error = ImageFile::decode(&make::gif(&frames, None), "big.gif").expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::Media);
    assert!(error.to_string().contains("256 MB") && error.to_string().contains("video"), "{error}");
}

/// One small file of every kind.
fn corpus() -> Vec<(&'static str, Vec<u8>)> {
    let frames = [(make::rgba(9, 8), 30), (make::rgba(9, 8), 50)];
    let short = frames.clone().map(|(p, ms)| (p, ms as u16));
    let profile = ColorProfile::new_display_p3().encode().expect("a profile");
    let picture = make::rgb(33, 21);
    vec![
        ("png", make::png(make::rgba(33, 21))),
        ("png with profile", make::png_with_profile(picture.clone(), profile.clone())),
        ("palette", make::png_with_palette()),
        ("16 bits", make::png(DynamicImage::ImageRgba16(DynamicImage::from(picture.clone()).into_rgba16()))),
        ("apng", make::apng(&short, 0)),
        ("jpeg", make::jpeg_with_orientation(&make::jpeg(&picture, Some(profile)), 6)),
        ("bmp", make::encode(&picture.clone().into(), ImageFormat::Bmp)),
        ("webp", make::encode(&picture.into(), ImageFormat::WebP)),
        ("animated webp", make::webp_animation(&frames, 0)),
        ("gif", make::gif(&frames, None)),
    ]
}

fn assert_helpful(error: &lk_media::Error, what: &str) {
    assert_eq!(error.kind(), ErrorKind::Media, "{what}: {error}");
    assert!(error.hint().is_some_and(|hint| !hint.is_empty()), "{what}: {error}");
}

#[test]
fn files_that_are_cut_off_are_errors() {
    for (kind, bytes) in corpus() {
        let whole = open(&bytes);
        for length in (0..bytes.len()).step_by((bytes.len() / 120).max(1)) {
            match ImageFile::decode(&bytes[..length], kind) {
                Err(error) => assert_helpful(&error, kind),
                // the very end of some formats holds no picture any more
                Ok(image) => {
                    assert_eq!(packed(&image), packed(&whole), "{kind} cut at {length} of {}", bytes.len());
                }
            }
        }
        assert!(ImageFile::decode(&bytes[..bytes.len() / 2], kind).is_err(), "{kind}");
    }
}

#[test]
fn damaged_and_random_bytes_never_panic() {
    let mut state = 9u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    let corpus = corpus();
    let heads: Vec<&[u8]> = corpus.iter().map(|(_, bytes)| &bytes[..bytes.len().min(24)]).collect();
    for round in 0..2000 {
        let (kind, bytes) = &corpus[round % corpus.len()];
        let mut damaged = bytes.clone();
        for _ in 0..1 + next() % 8 {
            let at = next() % damaged.len();
            match next() % 4 {
                0 => damaged[at] = next() as u8,
                1 => damaged[at] ^= 1 << (next() % 8),
                2 => damaged.truncate(at.max(1)),
                _ => damaged.insert(at, next() as u8),
            }
        }
        if let Err(error) = ImageFile::decode(&damaged, *kind) {
            assert_helpful(&error, kind);
        }
        // noise, and noise behind a true beginning
        let mut noise: Vec<u8> = (0..next() % 300).map(|_| next() as u8).collect();
        assert_helpful(&ImageFile::decode(&noise, "noise").expect_err("noise"), "noise");
        noise.splice(..0, heads[round % heads.len()].iter().copied());
        if let Err(error) = ImageFile::decode(&noise, "noise") {
            assert_helpful(&error, "noise");
        }
    }
}

/// A folder that goes away.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lk-image-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn files_are_opened_or_the_error_says_what_to_do() {
    let folder = Folder::new("open");
    let good = folder.0.join("a picture.dat");
    std::fs::write(&good, make::png(make::rgb(4, 3))).expect("writes");
    let image = ImageFile::open(&good).expect("opens");
    assert_eq!((image.name().as_str(), image.size()), ("a picture.dat", Some(Size::new(4, 3))));

    let missing = ImageFile::open(folder.0.join("none.png")).expect_err("missing");
    assert_eq!(missing.kind(), ErrorKind::MediaNotFound);
    assert!(missing.hint().is_some() && missing.message().contains("none.png") && missing.errno().is_some());
    let below = ImageFile::open(good.join("none.png")).expect_err("below a file");
    assert_eq!(below.kind(), ErrorKind::MediaNotFound);
    let relative = ImageFile::open("no/such/picture.png").expect_err("missing");
    assert!(relative.hint().is_some_and(|hint| hint.contains("relative")));

    assert_helpful(&ImageFile::open(&folder.0).expect_err("a folder"), "folder");
    for (name, bytes) in [("empty.png", &b""[..]), ("text.png", b"hello"), ("doc.tif", b"II*\0\x08\0\0\0")] {
        let path = folder.0.join(name);
        std::fs::write(&path, bytes).expect("writes");
        let error = ImageFile::open(&path).expect_err("not a picture");
        assert_helpful(&error, name);
        assert!(error.message().contains(name), "{error}");
    }
    let huge = folder.0.join("huge.png");
    std::fs::File::create(&huge).and_then(|file| file.set_len((1 << 30) + 1)).expect("a sparse file");
    assert_helpful(&ImageFile::open(&huge).expect_err("too large"), "huge");
}

#[cfg(unix)]
#[test]
fn devices_pipes_and_locked_files_do_not_hang() {
    use std::os::unix::fs::PermissionsExt;
    assert_helpful(&ImageFile::open("/dev/zero").expect_err("a device"), "/dev/zero");
    let folder = Folder::new("unix");
    let pipe = folder.0.join("pipe.png");
    match std::process::Command::new("mkfifo").arg(&pipe).status() {
        Ok(status) if status.success() => {
            assert_helpful(&ImageFile::open(&pipe).expect_err("a pipe"), "pipe");
        }
        other => println!("skipped the pipe: mkfifo says {other:?}"),
    }
    let locked = folder.0.join("locked.png");
    std::fs::write(&locked, make::png(make::rgb(4, 3))).expect("writes");
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o000)).expect("locks");
    match ImageFile::open(&locked) {
        Err(error) => assert_helpful(&error, "locked"),
        Ok(_) => println!("skipped the locked file: this user may read everything"),
    }
}

#[test]
fn sizes_that_cannot_be_are_refused_before_memory_is_taken() {
    // the header of a png and of a bmp with other sizes written over it
    let png = make::png(make::rgb(4, 4));
    let bmp = make::encode(&make::rgb(4, 4).into(), ImageFormat::Bmp);
    for (width, height) in [(0, 4), (4, 0), (60_000, 60_000), (16_385, 1), (16_384, 16_384)] {
        let mut damaged = bmp.clone();
        damaged[18..22].copy_from_slice(&u32::to_le_bytes(width));
        damaged[22..26].copy_from_slice(&u32::to_le_bytes(height));
        assert_helpful(&ImageFile::decode(&damaged, "bmp").expect_err("a bad size"), "bmp");
        let mut damaged = png.clone();
        damaged[16..20].copy_from_slice(&u32::to_be_bytes(width));
        damaged[20..24].copy_from_slice(&u32::to_be_bytes(height));
        assert_helpful(&ImageFile::decode(&damaged, "png").expect_err("a bad size"), "png");
    }
}

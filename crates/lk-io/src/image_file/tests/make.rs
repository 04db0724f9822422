// SPDX-License-Identifier: GPL-2.0-or-later
//! Writes the files that the tests read.

use image::codecs::gif::{GifEncoder, Repeat};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{Delay, DynamicImage, Frame, ImageEncoder, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use std::io::Cursor;

/// A picture without alpha, smooth enough for JPEG.
pub fn rgb(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        Rgb([(x * 255 / width) as u8, (y * 255 / height) as u8, ((x + y) * 3) as u8])
    })
}

/// A picture with every kind of alpha.
pub fn rgba(width: u32, height: u32) -> RgbaImage {
    RgbaImage::from_fn(width, height, |x, y| {
        Rgba([(x * 9) as u8, (y * 13) as u8, 77, ((x + y) * 255 / (width + height - 2).max(1)) as u8])
    })
}

/// A flat picture.
pub fn flat(width: u32, height: u32, color: [u8; 4]) -> RgbaImage {
    RgbaImage::from_pixel(width, height, Rgba(color))
}

pub fn encode(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, format).expect("encodes");
    out.into_inner()
}

pub fn png(picture: impl Into<DynamicImage>) -> Vec<u8> {
    encode(&picture.into(), ImageFormat::Png)
}

pub fn png_with_profile(picture: impl Into<DynamicImage>, profile: Vec<u8>) -> Vec<u8> {
    let picture = picture.into();
    let mut out = Vec::new();
    let mut encoder = PngEncoder::new(&mut out);
    encoder.set_icc_profile(profile).expect("png has profiles");
    picture.write_with_encoder(encoder).expect("encodes");
    out
}

pub fn jpeg(picture: &RgbImage, profile: Option<Vec<u8>>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut out, 97);
    if let Some(profile) = profile {
        encoder.set_icc_profile(profile).expect("jpeg has profiles");
    }
    encoder.encode_image(picture).expect("encodes");
    out
}

/// The TIFF structure with one entry, the orientation.
pub fn exif(orientation: u8) -> Vec<u8> {
    let mut out = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    out.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    out
}

/// Puts an EXIF segment behind the first marker of a JPEG.
pub fn jpeg_with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let body = [b"Exif\0\0".to_vec(), exif(orientation)].concat();
    let length = (body.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &body, &jpeg[2..]].concat()
}

/// A gif; `repeat` None writes no word about it.
pub fn gif(frames: &[(RgbaImage, u32)], repeat: Option<Repeat>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = GifEncoder::new(&mut out);
    if let Some(repeat) = repeat {
        encoder.set_repeat(repeat).expect("encodes");
    }
    for (picture, ms) in frames {
        let delay = Delay::from_numer_denom_ms(*ms, 1);
        encoder.encode_frame(Frame::from_parts(picture.clone(), 0, 0, delay)).expect("encodes");
    }
    drop(encoder);
    out
}

/// The chunks of a PNG.
fn png_chunks(png: &[u8]) -> Vec<([u8; 4], Vec<u8>)> {
    let (mut rest, mut out) = (&png[8..], Vec::new());
    while let Some((length, tail)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let (kind, tail) = tail.split_first_chunk::<4>().expect("a chunk has a kind");
        out.push((*kind, tail[..length].to_vec()));
        rest = &tail[length + 4..];
    }
    out
}

fn png_chunk(out: &mut Vec<u8>, kind: &[u8; 4], body: &[u8]) {
    out.extend((body.len() as u32).to_be_bytes());
    let start = out.len();
    out.extend(kind);
    out.extend(body);
    let mut crc = !0u32;
    for byte in &out[start..] {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    out.extend((!crc).to_be_bytes());
}

/// An animated PNG of whole pictures that are shown `ms` each.
pub fn apng(frames: &[(RgbaImage, u16)], plays: u32) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut sequence = 0u32;
    for (index, (picture, ms)) in frames.iter().enumerate() {
        let chunks = png_chunks(&png(picture.clone()));
        if index == 0 {
            png_chunk(&mut out, b"IHDR", &chunks[0].1);
            png_chunk(
                &mut out,
                b"acTL",
                &[(frames.len() as u32).to_be_bytes(), plays.to_be_bytes()].concat(),
            );
        }
        let mut control = Vec::new();
        control.extend(sequence.to_be_bytes());
        control.extend(picture.width().to_be_bytes());
        control.extend(picture.height().to_be_bytes());
        control.extend([0; 8]);
        control.extend(ms.to_be_bytes());
        control.extend(1000u16.to_be_bytes());
        control.extend([0, 0]); // keep, replace
        png_chunk(&mut out, b"fcTL", &control);
        sequence += 1;
        for (_, data) in chunks.iter().filter(|(kind, _)| kind == b"IDAT") {
            if index == 0 {
                png_chunk(&mut out, b"IDAT", data);
            } else {
                png_chunk(&mut out, b"fdAT", &[&sequence.to_be_bytes(), &data[..]].concat());
                sequence += 1;
            }
        }
    }
    png_chunk(&mut out, b"IEND", &[]);
    out
}

/// A PNG with an orientation.
pub fn png_with_orientation(picture: &RgbImage, orientation: u8) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, body) in png_chunks(&png(picture.clone())) {
        png_chunk(&mut out, &kind, &body);
        if &kind == b"IHDR" {
            png_chunk(&mut out, b"eXIf", &exif(orientation));
        }
    }
    out
}

/// A palette PNG of 2x2 pixels: red, half transparent green, blue, red.
pub fn png_with_palette() -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    png_chunk(&mut out, b"IHDR", &[0, 0, 0, 2, 0, 0, 0, 2, 8, 3, 0, 0, 0]);
    png_chunk(&mut out, b"PLTE", &[255, 0, 0, 0, 255, 0, 0, 0, 255]);
    png_chunk(&mut out, b"tRNS", &[255, 128, 255]);
    let rows = [0u8, 0, 1, 0, 2, 0]; // each row starts with its filter
    let (mut a, mut b) = (1u32, 0u32);
    rows.iter().for_each(|v| (a, b) = (a + u32::from(*v), b + a + u32::from(*v)));
    // a zlib stream with one stored block
    let stream = [&[0x78, 1, 1, 6, 0, 0xf9, 0xff], &rows[..], &(b << 16 | a).to_be_bytes()].concat();
    png_chunk(&mut out, b"IDAT", &stream);
    png_chunk(&mut out, b"IEND", &[]);
    out
}

fn riff_chunk(out: &mut Vec<u8>, kind: &[u8; 4], body: &[u8]) {
    out.extend(kind);
    out.extend((body.len() as u32).to_le_bytes());
    out.extend(body);
    out.extend(vec![0; body.len() % 2]);
}

/// An animated lossless WebP of whole pictures.
pub fn webp_animation(frames: &[(RgbaImage, u32)], plays: u16) -> Vec<u8> {
    let three = |v: u32| v.to_le_bytes()[..3].to_vec();
    let mut body = b"WEBP".to_vec();
    let (width, height) = frames[0].0.dimensions();
    let canvas = [three(width - 1), three(height - 1)].concat();
    riff_chunk(&mut body, b"VP8X", &[&[0b1_0010, 0, 0, 0], &canvas[..]].concat());
    riff_chunk(&mut body, b"ANIM", &[&[0; 4], &plays.to_le_bytes()[..]].concat());
    for (picture, ms) in frames {
        let file = encode(&picture.clone().into(), ImageFormat::WebP);
        let image = &file[12..]; // behind RIFF, length and WEBP: the one chunk
        let head = [vec![0; 6], canvas.clone(), three(*ms), vec![0b10]].concat();
        riff_chunk(&mut body, b"ANMF", &[&head[..], image].concat());
    }
    let mut out = Vec::new();
    riff_chunk(&mut out, b"RIFF", &body);
    out
}

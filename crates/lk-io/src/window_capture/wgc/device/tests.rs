// SPDX-License-Identifier: GPL-2.0-or-later
//! Copies out of textures, on whatever draws here: under Wine that is OpenGL or nothing.

use super::*;
use crate::window_capture::changes::{BYTES, Changes};
use lk_media::Timestamp;
use windows::Win32::Graphics::Direct3D11::{D3D11_SUBRESOURCE_DATA, D3D11_USAGE_DEFAULT};

const SIZE: Size = Size::new(37, 23);

fn device() -> Option<Device> {
    match Device::new() {
        Ok(device) => Some(device),
        Err(error) => {
            eprintln!("SKIP: there is no Direct3D 11 here: {error}");
            None
        }
    }
}

/// A pixel that is like no other.
fn pixel(x: u32, y: u32) -> [u8; BYTES] {
    [x as u8, y as u8, (x * 3 + y * 5) as u8, 9]
}

fn texture(device: &Device) -> ID3D11Texture2D {
    let bytes: Vec<u8> =
        (0..SIZE.height).flat_map(|y| (0..SIZE.width).flat_map(move |x| pixel(x, y))).collect();
    let data = D3D11_SUBRESOURCE_DATA {
        pSysMem: bytes.as_ptr().cast(),
        SysMemPitch: SIZE.width * BYTES as u32,
        SysMemSlicePitch: 0,
    };
    let about = D3D11_TEXTURE2D_DESC { Usage: D3D11_USAGE_DEFAULT, ..picture_of(SIZE) };
    let mut made = None;
    // SAFETY: a description and bytes of ours, which live through the call, and a place for what is made.
    unsafe { device.device.CreateTexture2D(&about, Some(&raw const data), Some(&raw mut made)) }.unwrap();
    made.unwrap()
}

#[test]
fn parts_of_a_texture_are_frames() {
    let Some(mut device) = device() else { return };
    let texture = texture(&device);
    let mut changes = Changes::default();
    // the whole, a part inside, and one pixel in the last corner, with other memory each time
    for (x, y, width, height) in [(0, 0, 37, 23), (5, 7, 19, 11), (36, 22, 1, 1), (5, 7, 19, 11)] {
        let part = Region { x, y, size: Size::new(width, height) };
        let made = device
            .read(&texture, part, |bytes, pitch| {
                assert!(pitch >= width as usize * BYTES, "{pitch}");
                changes.frame(bytes, pitch, part.size, Timestamp::ZERO)
            })
            .unwrap();
        let frame = made.unwrap().expect("a frame of another size");
        assert_eq!(frame.size(), part.size);
        let map = frame.map_native();
        for row in 0..height {
            for (column, seen) in (0..width).zip(map.plane(0).row(row as usize).chunks_exact(BYTES)) {
                let [blue, green, red, _] = pixel(x + column, y + row);
                assert_eq!(seen, [blue, green, red, 255], "{column}, {row} of {part:?}");
            }
        }
    }
    let part = Region { x: 5, y: 7, size: Size::new(19, 11) };
    let again =
        device.read(&texture, part, |bytes, pitch| changes.frame(bytes, pitch, part.size, Timestamp::ZERO));
    assert!(again.unwrap().unwrap().is_none(), "nothing has changed");
}

#[test]
fn what_the_system_lacks_is_an_error() {
    let Some(device) = device() else { return };
    match device.direct3d() {
        Ok(_) => {}
        // Wine 8 does not know it
        Err(error) => assert_eq!(error.code(), E_NOTIMPL),
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! A picture in a picture, ten frames a second for a second, into the file named on the command line.
//!
//!     cargo run --profile ci -p livekit-studio --example compose -- out.mkv

use livekit_studio as lk;
use std::sync::Arc;

/// Renders the example into `out`.
pub fn compose(out: &str) -> lk::Result<lk::RunStatistics> {
    let size = lk::Size::new(320, 180);
    let scene = lk::Compositor::new(size, lk::FrameRate::new(10, 1)?)?;

    let blue = picture(size, [200, 120, 40])?;
    scene.add(blue, None, None, lk::Layer::default(), lk::Where::Top)?;

    let white = picture(lk::Size::new(16, 9), [255, 255, 255])?;
    let placement = lk::Placement::rectangle(200.0, 100.0, 96.0, 54.0);
    let layer = lk::Layer { placement, opacity: 0.5, ..lk::Layer::default() };
    scene.add(white, None, None, layer, lk::Where::Top)?;

    lk::render(&scene, vec![lk::Output::file(out)], lk::RenderOptions::seconds(1.0))
}

fn picture(size: lk::Size, bgr: [u8; 3]) -> lk::Result<Arc<dyn lk::VideoSource>> {
    let bytes = bgr.repeat(size.area());
    let spec = lk::FrameSpec::of(lk::PixelFormat::Bgr, size);
    Ok(Arc::new(lk::Still::new("a colour", lk::Frame::from_packed(spec, &bytes, lk::Timestamp::ZERO)?)))
}

#[allow(dead_code)] // the tests use `compose` alone
fn main() -> lk::Result<()> {
    let out = std::env::args().nth(1).unwrap_or_else(|| "compose.mkv".to_owned());
    let statistics = compose(&out)?;
    println!("{out}: {} frames in {:.2} s", statistics.frames, statistics.elapsed.as_secs_f64());
    Ok(())
}

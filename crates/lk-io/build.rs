// SPDX-License-Identifier: GPL-2.0-or-later
//! What the headers of the FFmpeg that is linked have and others do not.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(stream_side_data)");
    // before 6.1 side data (rotation, mastering display) belongs to streams, from then on to codec parameters
    if std::env::var("DEP_FFMPEG_FFMPEG_6_1").as_deref() != Ok("true") {
        println!("cargo::rustc-cfg=stream_side_data");
    }
    println!("cargo::rerun-if-changed=build.rs");
}

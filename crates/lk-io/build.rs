// SPDX-License-Identifier: GPL-2.0-or-later
//! What the headers of the FFmpeg that is linked have and others do not, and whether its filters are linked.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(linked_filters)");
    // elsewhere libavfilter is opened by its usual name; libraries that come along have names of their own
    println!("cargo::rerun-if-env-changed=LIVEKIT_BUNDLED");
    let bundled = std::env::var_os("LIVEKIT_BUNDLED").is_some();
    if bundled || std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        println!("cargo::rustc-cfg=linked_filters");
    }
    println!("cargo::rustc-check-cfg=cfg(stream_side_data)");
    // before 6.1 side data (rotation, mastering display) belongs to streams, from then on to codec parameters
    if std::env::var("DEP_FFMPEG_FFMPEG_6_1").as_deref() != Ok("true") {
        println!("cargo::rustc-cfg=stream_side_data");
    }
    println!("cargo::rerun-if-changed=build.rs");
}

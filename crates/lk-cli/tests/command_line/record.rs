// SPDX-License-Identifier: GPL-2.0-or-later
//! `livekit-studio record`, from sources that need no display.

use crate::program::{folder, run};

#[test]
fn a_colour_for_a_time() {
    let Some(folder) = folder("a_colour_for_a_time") else { return };
    let args = ["record", "color:#3060a0", "out.mp4", "--seconds", "0.5", "--size", "64x48", "--fps", "20"];
    let said = folder.run(&args).good().stdout;
    assert!(said.starts_with("out.mp4: ") && said.contains("64x48 at 20 a second"), "{said}");
    let probed = folder.run(&["probe", "out.mp4"]).good().stdout;
    assert!(probed.contains("64x48"), "{probed}");
    let kept = folder.run(&[&args[..], &["--no-overwrite"]].concat()).bad(1);
    assert!(kept.stderr.contains("out.mp4"), "{}", kept.stderr);
}

#[test]
fn a_clip_to_its_end_with_its_sound_and_without() {
    let Some(folder) = folder("a_clip_to_its_end_with_its_sound_and_without") else { return };
    folder.clip("clip.mkv", "red", "64x48", 0.6, true);
    for (more, tracks) in [(&[][..], 1), (&["--audio", "none"], 0)] {
        let args = [&["record", "clip.mkv", "out.mkv", "--json"], more].concat();
        let said = folder.run(&args).good().json();
        assert_eq!(said["tracks"].as_array().map(Vec::len), Some(tracks), "{said}");
        assert!(said["seconds"].as_f64().is_some_and(|s| s > 0.3), "{said}");
        assert_eq!((said["width"].as_u64(), said["height"].as_u64()), (Some(64), Some(48)));
    }
}

#[test]
fn what_cannot_be_recorded_is_said() {
    let said = run(&["record", "nothing.mp4", "out.mp4"]).bad(1).stderr;
    assert!(said.contains("nothing.mp4"), "{said}");
    run(&["record", "color:red"]).bad(2);
    run(&["record", "color:red", "out.mp4", "--audio", "none", "--audio", "default"]).bad(2);
}

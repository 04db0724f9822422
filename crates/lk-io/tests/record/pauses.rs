// SPDX-License-Identifier: GPL-2.0-or-later
//! A pause cuts the same time out of picture and sound.

use crate::feeding::*;
use crate::support::{Folder, has_programs, listen, times};
use lk_io::record::RecorderState;
use lk_media::SAMPLE_RATE;

#[test]
fn picture_and_sound_are_cut_at_the_same_place() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    for rate in [rate(30, 1), rate(30_000, 1001)] {
        let file = folder.file("film.mkv");
        let mut session = Session::started(&file, with_sound(rate));
        let parts = [0..37, 100..101, 150..190, 191..230];
        let mut at = 0;
        for part in &parts {
            // what goes on in the pause is not recorded
            session.run(at..part.start);
            session.recorder.resume().unwrap();
            assert!(matches!(session.recorder.state(), RecorderState::Recording));
            session.run(part.clone());
            session.recorder.pause().unwrap();
            assert!(matches!(session.recorder.state(), RecorderState::Paused));
            at = part.end;
        }
        let s = session.stop().statistics;
        let shown: Vec<u64> = parts.iter().cloned().flatten().collect();
        assert_eq!((s.frames, s.repeated), (shown.len() as u64, 0));
        assert_eq!(numbers(&file), shown);
        let seen = times(&file, "v");
        assert!(seen.windows(2).all(|w| (w[1] - w[0] - 1.0 / rate.as_f64()).abs() < 0.0021), "{seen:?}");
        let got = listen(&file);
        assert_eq!(got.len() as u64, rate.sample_of(shown.len() as u64, SAMPLE_RATE));
        let mut file_index = 0;
        for part in parts {
            let (from, to) = (
                rate.sample_of(file_index, SAMPLE_RATE) as usize,
                rate.sample_of(file_index + part.end - part.start, SAMPLE_RATE) as usize,
            );
            // a part may be a sample longer in the file than in the session
            let there =
                (to - from).min((session.sample_of(part.end) - session.sample_of(part.start)) as usize);
            assert!(
                is_sound(&got[from..from + there], session.sample_of(part.start), 0),
                "{part:?} at {rate}"
            );
            file_index += part.end - part.start;
        }
    }
}

#[test]
fn paused_before_the_first_frame_and_stopped_in_a_pause() {
    if !has_programs() {
        return;
    }
    let folder = Folder::new();
    let file = folder.file("film.mp4");
    let mut session = Session::started(&file, settings(rate(30, 1)));
    session.recorder.pause().unwrap();
    session.recorder.pause().unwrap();
    session.run(0..10);
    session.recorder.resume().unwrap();
    session.run(10..40);
    session.recorder.pause().unwrap();
    session.run(40..50);
    assert_eq!(session.stop().statistics.frames, 30);
    assert_eq!(numbers(&file), (10..40).collect::<Vec<_>>());
}

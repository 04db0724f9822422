// SPDX-License-Identifier: GPL-2.0-or-later
//! One share from its beginning to its end, in a few seconds: a screen is chosen, recorded, lost
//! with the portal's backend, and found again.

use crate::desk::{OUTPUT, With, in_a_session, options};
use crate::film::Film;
use livekit_studio::Capture;
use std::sync::Arc;

#[test]
fn a_screen_is_chosen_recorded_lost_and_found() {
    in_a_session(With::Portal, |desk| {
        let capture = Arc::new(Capture::screen(None, options()).expect("the dialog says yes"));
        assert_eq!(desk.asked(), 1);
        desk.paint(OUTPUT, "#00c000");
        desk.same_as_grim(&capture, OUTPUT, None);
        let film = Film::begin(desk, &capture);
        film.part();
        desk.paint(OUTPUT, "#c00000");
        desk.same_as_grim(&capture, OUTPUT, None);
        film.part();
        // nobody is asked again
        desk.answer("no");
        desk.lose_the_backend(&capture, "#0000c0");
        film.part();

        let (seen, _) = film.end();
        let mut shown: Vec<&str> = Vec::new();
        for [r, g, b] in seen {
            // sway itself is grey while another program begins to paint
            if r.abs_diff(63).max(g.abs_diff(63)).max(b.abs_diff(63)) < 20 {
                continue;
            }
            let name = match (r > 120, g > 120, b > 120) {
                (true, false, false) => "red",
                (false, true, false) => "green",
                (false, false, true) => "blue",
                _ => panic!("a colour that was never shown: {r} {g} {b}"),
            };
            if shown.last() != Some(&name) {
                shown.push(name);
            }
        }
        assert_eq!(shown, ["green", "red", "blue"]);
    });
}

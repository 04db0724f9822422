// SPDX-License-Identifier: GPL-2.0-or-later
//! A server that goes away and comes back.

use super::session::{Session, until};
use super::support::*;
use lk_media::clock::Stopwatch;
use lk_media::{PixelFormat, SourceState};
use std::sync::Arc;
use std::time::Duration;

#[test]
fn a_server_killed_and_started_again_has_the_camera_again() {
    let Some(mut session) = Session::start() else { return };
    let format = PixelFormat::Yuy2;
    let camera = Arc::new(camera("Studio", format));
    let sender = Sender::start(camera.clone(), format);
    until("it is live", || matches!(camera.state(), SourceState::Live));
    let news = camera.events().reader();
    session.kill_servers();
    until("it is lost", || matches!(camera.state(), SourceState::Reconnecting));
    let dropped = camera.counts().dropped;
    until("pictures are counted as dropped", || camera.counts().dropped > dropped + 5);
    session.start_servers();
    let back = Stopwatch::start();
    until("it is back", || matches!(camera.state(), SourceState::Live));
    println!("back {:.2} s after the server", back.elapsed().as_secs_f64());
    let words: Vec<String> = std::iter::from_fn(|| news.next(Duration::ZERO)).map(|e| e.new).collect();
    assert_eq!(words, ["reconnecting", "live"]);
    let node = node("Studio");
    if has_gstreamer() {
        let read = gstreamer(&node, "format=YUY2", 30, format.packed_len(SIZE));
        let seen = numbers(format, &read);
        assert!(seen.len() == 30 && follow(&seen) >= 20, "{seen:?}");
    }
    // closing it while its server is away takes no longer
    session.kill_servers();
    drop(sender);
    until("it is lost again", || matches!(camera.state(), SourceState::Reconnecting));
    camera.close();
}

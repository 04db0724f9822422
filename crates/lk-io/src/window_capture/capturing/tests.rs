// SPDX-License-Identifier: GPL-2.0-or-later
//! Captures by an eye that sees what a test says. Time is what the test says too.

use super::super::fallback::Either;
use super::super::{Bell, CaptureOptions};
use super::*;
use lk_media::{
    Cancel, Error, ErrorKind, Events, FramePool, FrameRate, FrameSpec, PixelFormat, VideoPort, VideoTarget,
    Wake,
};
use parking_lot::Mutex;
use std::cell::RefCell;

const SIZE: Size = Size::new(8, 6);
const PERIOD: Duration = Duration::from_millis(20);

/// What there is to see.
#[derive(Clone, Default)]
struct Scene {
    windows: Vec<(u32, WindowState)>,
    /// Nothing is new unless the test says so.
    news: bool,
    /// Whether the better of two eyes can be opened, and sees.
    better_opens: bool,
    better_sees: bool,
    /// What was asked of eyes: which, and of what.
    asked: Vec<(&'static str, Origin)>,
    forgotten: u32,
}

thread_local! {
    static SCENE: RefCell<Scene> = RefCell::default();
}

fn scene<T>(body: impl FnOnce(&mut Scene) -> T) -> T {
    SCENE.with_borrow_mut(body)
}

fn window(id: u32) -> WindowInfo {
    let title = format!("window {id}");
    WindowInfo { title, application: "test".to_owned(), pid: None, size: SIZE, id }
}

fn seen(name: &'static str, origin: &Origin, now: Timestamp) -> Result<Option<Frame>> {
    let sees = scene(|s| {
        s.asked.push((name, *origin));
        s.news = false;
        name != "better" || s.better_sees
    });
    if !sees {
        return Err(Error::new(ErrorKind::Display, "it sees no more"));
    }
    let frame = FramePool::shared().frame(FrameSpec::of(PixelFormat::Bgra, origin.size()))?;
    Ok(Some(frame.publish(now)))
}

macro_rules! eye {
    ($name:ident, $word:literal, $opens:expr) => {
        struct $name;

        impl Eye for $name {
            fn open(_: &Arc<Shared>) -> Result<Self> {
                let opens: fn(&Scene) -> bool = $opens;
                let missing = || Error::new(ErrorKind::Display, "it is not there");
                scene(|s| opens(s)).then_some(Self).ok_or_else(missing)
            }

            fn windows(&self) -> Vec<WindowInfo> {
                scene(|s| s.windows.iter().map(|(id, _)| window(*id)).collect())
            }

            fn window_state(&self, id: u32) -> WindowState {
                let find = |s: &mut Scene| s.windows.iter().find(|w| w.0 == id).map(|w| w.1);
                scene(find).unwrap_or(WindowState::Gone)
            }

            fn desktop(&self) -> Area {
                Area { x: -8, y: 0, size: Size::new(16, 6) }
            }

            fn has_news(&self) -> bool {
                scene(|s| s.news)
            }

            fn frame(&mut self, origin: &Origin, now: Timestamp) -> Result<Option<Frame>> {
                seen($word, origin, now)
            }

            fn forget(&mut self) {
                scene(|s| s.forgotten += 1);
            }
        }
    };
}

eye!(Only, "only", |_| true);
eye!(Better, "better", |s| s.better_opens);

fn shared() -> Arc<Shared> {
    let rate = FrameRate::new(50, 1).unwrap();
    Arc::new(Shared {
        name: "test".to_owned(),
        options: CaptureOptions { rate, ..CaptureOptions::new().unwrap() },
        port: VideoPort::new(),
        state: Mutex::new(SourceState::Starting),
        window: Mutex::default(),
        events: Events::new(),
        bell: Bell::new().unwrap(),
        cancel: Cancel::new(),
        ended: Wake::new(),
    })
}

/// A capture, and what it captures as it stands after the first look.
fn begun<E: Eye>(rule: WindowRule) -> (Capturing<E>, Target) {
    let mut target = Target::Window(rule);
    let capturing = Capturing::begin(&shared(), None, &mut target).unwrap();
    (capturing, target)
}

fn state<E>(capturing: &Capturing<E>) -> &'static str {
    capturing.shared.state.lock().word()
}

fn frames<E>(capturing: &Capturing<E>) -> u64 {
    VideoTarget::statistics(&capturing.shared.port).frames
}

fn at(millis: u64) -> Timestamp {
    Timestamp::ZERO + Duration::from_millis(1_000_000 + millis)
}

fn shown(id: u32) -> (u32, WindowState) {
    (id, WindowState::Shown(SIZE))
}

#[test]
fn pictures_are_taken_when_there_is_news_and_no_faster_than_asked_for() {
    scene(|s| s.windows = vec![shown(7)]);
    let (mut this, target) = begun::<Only>(WindowRule::Index(0));
    assert_eq!((frames(&this), state(&this)), (1, "live"), "the first is there at once");
    // looks after a while without news, and then waits
    let next = this.turn(&target, at(0)).unwrap();
    assert_eq!((frames(&this), next), (2, Some(at(0) + LOOK)));
    assert_eq!(this.turn(&target, at(30)).unwrap(), Some(at(0) + LOOK));
    assert_eq!(frames(&this), 2);
    // news are taken at once, and the next no sooner than a period later
    scene(|s| s.news = true);
    assert_eq!(this.turn(&target, at(31)).unwrap(), Some(at(0) + LOOK));
    assert_eq!(frames(&this), 3);
    scene(|s| s.news = true);
    assert_eq!(this.turn(&target, at(32)).unwrap(), Some(at(40)), "on the grid");
    assert_eq!(frames(&this), 3);
    this.turn(&target, at(40)).unwrap();
    assert_eq!(frames(&this), 4);
    // who always has news is asked once a period
    let mut taken = Vec::new();
    for millis in (60..160).step_by(5) {
        scene(|s| s.news = true);
        let before = frames(&this);
        this.turn(&target, at(millis)).unwrap();
        if frames(&this) > before {
            taken.push(millis);
        }
    }
    assert_eq!(taken, [60, 80, 100, 120, 140]);
    assert_eq!(PERIOD, this.shared.options.rate.period());
}

#[test]
fn a_window_that_is_iconified_and_restored_is_seen_again() {
    scene(|s| s.windows = vec![shown(7)]);
    let (mut this, target) = begun::<Only>(WindowRule::Index(0));
    scene(|s| s.windows = vec![(7, WindowState::Iconified)]);
    this.turn(&target, at(0)).unwrap();
    assert_eq!((frames(&this), state(&this)), (1, "stalled"));
    assert!(scene(|s| s.forgotten) > 0, "what it shows then is new, even if it is the same");
    scene(|s| s.windows = vec![(7, WindowState::Shown(Size::new(0, 6)))]);
    this.turn(&target, at(300)).unwrap();
    assert_eq!((frames(&this), state(&this)), (1, "stalled"), "nothing of it is seen");
    scene(|s| s.windows = vec![(7, WindowState::Shown(Size::new(4, 4)))]);
    this.turn(&target, at(600)).unwrap();
    assert_eq!((frames(&this), state(&this)), (2, "live"));
    let newest = this.shared.port.newest().map(|frame| frame.size());
    assert_eq!(newest, Some(Size::new(4, 4)));
}

#[test]
fn a_window_that_is_closed_is_looked_for() {
    scene(|s| s.windows = vec![shown(7)]);
    let (mut this, target) = begun::<Only>(WindowRule::Title("window".to_owned()));
    scene(|s| s.windows.clear());
    let next = this.turn(&target, at(0)).unwrap();
    assert_eq!((next, state(&this)), (Some(Timestamp::ZERO), "reconnecting"), "it is looked for at once");
    assert_eq!(this.turn(&target, at(1)).unwrap(), Some(at(1) + LOOK), "and then now and then");
    scene(|s| s.windows = vec![shown(9)]);
    this.turn(&target, at(100)).unwrap();
    assert_eq!(state(&this), "reconnecting", "not before it is looked for");
    this.turn(&target, at(1) + LOOK).unwrap();
    assert_eq!((frames(&this), state(&this)), (2, "live"));
    assert_eq!(scene(|s| s.asked.last().copied()), Some(("only", Origin::Window(9, SIZE))));
    assert_eq!(this.shared.window.lock().as_ref().map(|w| w.id), Some(9));
}

#[test]
fn a_window_by_its_number_does_not_come_back() {
    scene(|s| s.windows = vec![shown(7)]);
    let (mut this, target) = begun::<Only>(WindowRule::Id(7));
    scene(|s| s.windows.clear());
    this.turn(&target, at(0)).unwrap();
    assert_eq!(this.turn(&target, at(1)).unwrap(), None, "it is over");
    assert_eq!(state(&this), "ended");
}

#[test]
fn a_region_is_a_part_of_all_screens() {
    let capture = |region| {
        let mut target = Target::Screen(region);
        Capturing::<Only>::begin(&shared(), None, &mut target).map(|_| scene(|s| s.asked.pop()))
    };
    let region = |x, width| Some(Region { x, y: 1, size: Size::new(width, 4) });
    let area =
        |x, y, width, height| Some(("only", Origin::Desktop(Area { x, y, size: Size::new(width, height) })));
    assert_eq!(capture(None).unwrap(), area(-8, 0, 16, 6));
    assert_eq!(capture(region(10, 6)).unwrap(), area(2, 1, 6, 4));
    let error = capture(region(10, 7)).expect_err("outside");
    assert_eq!(error.kind(), ErrorKind::Parameter);
}

#[test]
fn a_window_that_is_not_there_is_an_error_that_lists_what_is() {
    scene(|s| s.windows = vec![shown(7)]);
    let mut target = Target::Window(WindowRule::Title("another".to_owned()));
    let error = Capturing::<Only>::begin(&shared(), None, &mut target).err().expect("it is not there");
    assert_eq!(error.kind(), ErrorKind::DeviceNotFound);
    assert!(error.hint().unwrap_or_default().contains("window 7"), "{error}");
}

// ---- Two ways ---------------------------------------------------------------------------------------------------

fn asked() -> Vec<&'static str> {
    scene(|s| s.asked.iter().map(|asked| asked.0).collect())
}

#[test]
fn the_better_way_is_taken_where_it_works() {
    scene(|s| (s.windows, s.better_opens, s.better_sees) = (vec![shown(7)], true, true));
    let (mut this, target) = begun::<Either<Better, Only>>(WindowRule::Index(0));
    this.turn(&target, at(0)).unwrap();
    assert_eq!((asked(), frames(&this), state(&this)), (vec!["better"; 2], 2, "live"));
}

#[test]
fn the_other_way_is_taken_where_the_better_one_cannot_be_opened() {
    scene(|s| (s.windows, s.better_opens, s.better_sees) = (vec![shown(7)], false, true));
    let (this, _) = begun::<Either<Better, Only>>(WindowRule::Index(0));
    assert_eq!((asked(), frames(&this), state(&this)), (vec!["only"], 1, "live"));
}

#[test]
fn the_other_way_is_taken_once_the_better_one_sees_no_more() {
    scene(|s| (s.windows, s.better_opens, s.better_sees) = (vec![shown(7)], true, true));
    let (mut this, target) = begun::<Either<Better, Only>>(WindowRule::Index(0));
    scene(|s| s.better_sees = false);
    this.turn(&target, at(0)).unwrap();
    assert_eq!((asked(), frames(&this)), (vec!["better", "better", "only"], 2), "no picture is lost");
    scene(|s| s.better_sees = true);
    this.turn(&target, at(300)).unwrap();
    assert_eq!((asked().last().copied(), state(&this)), (Some("only"), "live"), "it stays");
}

#[test]
fn one_way_alone_that_sees_no_more_is_looked_for() {
    scene(|s| (s.windows, s.better_opens, s.better_sees) = (vec![shown(7)], true, true));
    let (mut this, target) = begun::<Better>(WindowRule::Index(0));
    scene(|s| s.better_sees = false);
    assert_eq!(this.turn(&target, at(0)).expect_err("it is gone").kind(), ErrorKind::Display);
}

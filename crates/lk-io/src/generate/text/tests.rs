// SPDX-License-Identifier: GPL-2.0-or-later

use super::*;
use lk_media::clock::Deadline;
use lk_media::{AlphaKind, Cancel, PixelFormat};
use std::sync::atomic::{AtomicUsize, Ordering};

const RED: [u8; 4] = [255, 0, 0, 255];
const GREEN: [u8; 4] = [0, 255, 0, 255];
const BLUE: [u8; 4] = [0, 0, 255, 255];

fn large() -> TextStyle {
    TextStyle { font_size: 48.0, ..TextStyle::default() }
}

fn text(text: &str) -> Text {
    Text::new(text, large()).expect(text)
}

fn frame(text: &Text) -> Frame {
    match text.sample(Timestamp::ZERO, Sampling::Exact).expect("text can be read") {
        Sample::Frame(frame) => frame,
        other => panic!("{other:?}"),
    }
}

fn kind(text: &str, style: TextStyle) -> Option<ErrorKind> {
    Text::new(text, style).err().map(|e| e.kind())
}

fn size(text: &str, style: &TextStyle) -> (u32, u32) {
    let size = Text::new(text, style.clone()).expect(text).size().expect("text has a size");
    (size.width, size.height)
}

/// Red, green, blue, straight alpha; rows of pixels.
fn pixels(text: &Text) -> Vec<Vec<[u8; 4]>> {
    let map = frame(text).map(PixelFormat::Rgba).expect("text becomes rgba");
    let plane = map.plane(0);
    let row = |y| plane.row(y).chunks_exact(4).map(|p| [p[0], p[1], p[2], p[3]]).collect();
    (0..plane.rows).map(row).collect()
}

/// The rectangle of what can be seen: left, top, right, bottom.
fn ink(text: &Text) -> (usize, usize, usize, usize) {
    let rows = pixels(text);
    let seen = |p: &[u8; 4]| p[3] > 8;
    let ys: Vec<usize> = (0..rows.len()).filter(|y| rows[*y].iter().any(seen)).collect();
    let xs: Vec<usize> = (0..rows[0].len()).filter(|x| rows.iter().any(|row| seen(&row[*x]))).collect();
    (xs[0], ys[0], *xs.last().expect("ink"), *ys.last().expect("ink"))
}

fn opaque(text: &Text) -> usize {
    pixels(text).iter().flatten().map(|p| usize::from(p[3])).sum::<usize>() / 255
}

#[test]
fn unchanged_text_is_the_same_picture() {
    let source = text("LIVE");
    let first = frame(&source).id();
    assert_eq!(frame(&source).id(), first);
    source.set_text("LIVE").unwrap();
    source.edit(|style| style.font_size = 48.0).unwrap();
    assert_eq!(frame(&source).id(), first);
    source.set_text("OFF").unwrap();
    assert_ne!(frame(&source).id(), first);
    assert_eq!((source.text(), source.name()), ("OFF".to_owned(), "the text \"OFF\"".to_owned()));
    let at = Timestamp::from_secs_f64(7.0);
    assert!(matches!(source.sample(at, Sampling::Live), Ok(Sample::Frame(f)) if f.timestamp() == at));
}

#[test]
fn errors_leave_it_as_it_was() {
    let source = text("LIVE");
    let first = frame(&source).id();
    assert!(source.set_text(&"x".repeat(Text::MAX_CHARACTERS + 1)).is_err());
    assert!(source.edit(|style| style.font_size = 0.0).is_err());
    assert!(source.edit(|style| style.font = Some("/no/such/file.ttf".to_owned())).is_err());
    assert_eq!((source.text().as_str(), source.style(), frame(&source).id()), ("LIVE", large(), first));
    source.edit(|style| style.color = RED).unwrap();
    assert!(pixels(&source).iter().flatten().any(|p| *p == RED));
}

#[test]
fn the_size_follows_the_text() {
    let style = large();
    let (w, h) = size("A", &style);
    assert!((25..50).contains(&w) && (48..70).contains(&h), "{w}x{h}");
    assert!(size("AAAA", &style).0 > 3 * w && size("AAAA", &style).1 == h);
    assert_eq!(size("A\nA", &style), (w, 2 * h));
    assert_eq!(size("A\r\nA", &style), (w, 2 * h));
    assert_eq!((size("", &style), size(" \n ", &style)), ((1, 1), (1, 1)));
    let spaced = TextStyle { line_spacing: 2.0, ..style.clone() };
    assert_eq!(size("A\nA", &spaced).1, 4 * h);
    let boxed = TextStyle { background: Some(BLUE), padding: 10.0, ..style.clone() };
    assert_eq!(size("A", &boxed), (w + 20, h + 20));
    // a clock keeps its place, with an outline too
    let clock = TextStyle { outline: Some(BLUE), ..style };
    let sizes: Vec<_> = (0..10).map(|n| size(&format!("LIVE 0{n}:{n}1"), &clock)).collect();
    assert!(sizes.iter().all(|s| *s == sizes[0]), "{sizes:?}");
}

#[test]
fn long_lines_are_broken_and_aligned_in_their_width() {
    let style = TextStyle { width: Some(200.0), ..large() };
    let h = size("A", &large()).1;
    assert_eq!(size("A", &style), (200, h));
    assert_eq!(size("several words in a row", &style), (200, 3 * h));
    let long = size("Donaudampfschifffahrtsgesellschaft", &style);
    assert!(long.0 <= 202 && long.1 >= 3 * h, "{long:?}: a word that is too long is broken");
    let place = |align| ink(&Text::new("||", TextStyle { align, ..style.clone() }).unwrap());
    let (left, center, right) = (place(Align::Left), place(Align::Center), place(Align::Right));
    let width = left.2 - left.0;
    assert!(left.0 < 10 && right.2 > 190, "{left:?} {right:?}");
    assert!(center.0.abs_diff(100 - width / 2) <= 2, "{center:?}");
    assert!(right.2 - right.0 == width && center.2 - center.0 == width);
}

#[test]
fn colours_are_where_they_belong() {
    let style = TextStyle {
        font_size: 100.0,
        color: RED,
        outline: Some(GREEN),
        outline_width: Some(5.0),
        background: Some(BLUE),
        padding: 20.0,
        radius: 30.0,
        ..TextStyle::default()
    };
    let shown = pixels(&Text::new("I", style).unwrap());
    let (w, h) = (shown[0].len(), shown.len());
    assert_eq!((shown[2][w / 2], shown[0][0]), (BLUE, [0; 4]), "the corners are round");
    let row = &shown[h / 2];
    let count = |color| row.iter().filter(|p| **p == color).count();
    assert!((8..=10).contains(&count(GREEN)) && (8..=11).contains(&count(RED)), "{row:?}");
}

#[test]
fn what_can_be_seen_through_stays_so() {
    let boxed = TextStyle { background: Some([10, 20, 30, 128]), padding: 8.0, ..large() };
    let text = Text::new("I", boxed).unwrap();
    assert_eq!(frame(&text).spec().alpha, AlphaKind::Premultiplied);
    let [r, g, b, a] = pixels(&text)[1][1];
    assert!(a == 128 && r.abs_diff(10) < 2 && g.abs_diff(20) < 2 && b.abs_diff(30) < 2, "{r} {g} {b} {a}");
    // neither overlapping strokes nor the outline below make letters less transparent
    let faint = TextStyle { color: [255, 0, 0, 100], bold: true, ..large() };
    let most = |text: &Text| pixels(text).iter().flatten().map(|p| p[3]).max();
    assert_eq!(most(&Text::new("HOW", faint.clone()).unwrap()), Some(100));
    let hollow = TextStyle { color: [0; 4], outline: Some(GREEN), font_size: 100.0, ..large() };
    let shown = pixels(&Text::new("I", hollow).unwrap());
    let row: Vec<u8> = shown[shown.len() / 2].iter().map(|p| p[3]).collect();
    let edges = row.windows(2).filter(|w| (w[0] > 127) != (w[1] > 127)).count();
    assert_eq!(edges, 4, "a line left and right, nothing between: {row:?}");
}

#[test]
fn bold_and_italic_are_made_where_the_font_has_none_and_nothing_is_cut_off() {
    let regular = text("fWjf");
    let bold = Text::new("fWjf", TextStyle { bold: true, ..large() }).unwrap();
    assert!(opaque(&bold) * 100 > opaque(&regular) * 125, "{} {}", opaque(&bold), opaque(&regular));
    assert!(bold.size().map(|s| s.width) > regular.size().map(|s| s.width));
    let place = |style: TextStyle| {
        let text = Text::new("fWjf", style).unwrap();
        let size = text.size().unwrap();
        (ink(&text), (size.width as usize, size.height as usize))
    };
    let italic = TextStyle { italic: true, ..large() };
    let ((x0, _, x1, _), _) = place(italic.clone());
    let (a0, _, a1, _) = ink(&regular);
    assert!(x1 - x0 > a1 - a0 + 4, "slanted letters reach further");
    // with room around it the same letters have the same extent: nothing was cut off without
    for style in [
        italic.clone(),
        TextStyle { outline: Some(RED), outline_width: Some(9.0), ..italic.clone() },
        TextStyle { bold: true, outline: Some(RED), ..italic },
    ] {
        let (tight, _) = place(style.clone());
        let ((x0, y0, x1, y1), (w, h)) = place(TextStyle { padding: 40.0, ..style });
        assert_eq!((x1 - x0, y1 - y0), (tight.2 - tight.0, tight.3 - tight.1));
        assert!(x0 > 0 && y0 > 0 && x1 + 1 < w && y1 + 1 < h);
    }
}

#[test]
fn kerning_and_scripts_are_laid_out() {
    let width = |t: &str| size(t, &large()).0;
    assert!(width("AV") < width("A") + width("V") - 1, "A and V move together");
    // Hebrew runs from right to left: its first letter, a narrow one, is on the right
    let hebrew = pixels(&text("וש"));
    let columns = |range: std::ops::Range<usize>| {
        hebrew.iter().flat_map(|row| &row[range.clone()]).map(|p| usize::from(p[3])).sum::<usize>()
    };
    let half = hebrew[0].len() / 2;
    assert!(columns(0..half) > columns(half..2 * half));
    // what no font has is a box, not nothing
    assert!(opaque(&text("\u{10fffd}")) > 100);
}

#[test]
fn pictures_are_the_same_everywhere() {
    // FNV-1a over the bytes: changes with the layout, the font or the rasteriser
    let hash = |style: TextStyle| {
        let bytes = frame(&Text::new("LIVE 00:42 AVgj", style).unwrap()).map_native().to_packed();
        bytes
            .iter()
            .fold(0xcbf2_9ce4_8422_2325, |h: u64, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3))
    };
    let plain = hash(large());
    let full = hash(TextStyle {
        bold: true,
        italic: true,
        outline: Some([0, 0, 0, 255]),
        background: Some([200, 0, 0, 160]),
        padding: 12.0,
        radius: 10.0,
        ..large()
    });
    if cfg!(target_arch = "x86_64") {
        assert_eq!((plain, full), (12_302_128_989_552_022_937, 87_854_895_632_550_331));
    }
}

#[test]
fn hostile_text_and_styles() {
    let style = large;
    assert_eq!(kind(&"x".repeat(1 << 20), style()), Some(ErrorKind::Parameter));
    for font_size in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
        assert_eq!(kind("a", TextStyle { font_size, ..style() }), Some(ErrorKind::Parameter), "{font_size}");
    }
    let wide = TextStyle { font_size: 2000.0, ..style() };
    assert_eq!(kind(&"W".repeat(5000), wide), Some(ErrorKind::Parameter));
    assert_eq!(kind(&"\n.".repeat(4000), style()), Some(ErrorKind::Parameter));
    for strange in [
        "\0\u{1}\u{7f}\u{9b}",
        "\u{202e}abc\u{202d}",
        "שלום עולם, hello",
        "مرحبا بالعالم",
        "😀👩‍👩‍👧‍👦🏳️‍🌈",
        "\u{feff}\u{200b}\u{200d}",
        "é\u{301}\u{301}\u{301}",
        "\u{10ffff}\u{e000}",
        "\t\r\n\r",
        "漢字かな",
        "   ",
    ] {
        for width in [None, Some(1.0), Some(60.0)] {
            let made = Text::new(strange, TextStyle { width, ..style() });
            assert!(made.is_ok(), "{strange:?}: {:?}", made.err());
        }
    }
    let long = TextStyle { width: Some(900.0), font_size: 12.0, ..style() };
    assert!(Text::new(&"word ".repeat(2000), long).is_ok());
}

#[test]
fn any_string_can_be_shown() {
    // xorshift: the same strings on every run
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    // the whole of Unicode, and the parts where layout has most to do
    let ranges =
        [(0, 0x11_0000), (0, 0x80), (0x590, 0x780), (0x900, 0xe00), (0x2000, 0x2070), (0x1f300, 0x1fa00)];
    for _ in 0..1000 {
        let (from, to) = ranges[next(6) as usize];
        let length = next(24);
        let say: String =
            (0..length).filter_map(|_| char::from_u32((from + next(to - from)) as u32)).collect();
        let style = TextStyle {
            font_size: [1.0, 9.5, 24.0][next(3) as usize],
            bold: next(2) == 0,
            italic: next(2) == 0,
            outline: (next(3) == 0).then_some(RED),
            width: (next(3) == 0).then(|| 1.0 + next(80) as f64),
            ..TextStyle::default()
        };
        let made = Text::new(&say, style);
        assert!(made.is_ok(), "{say:?}: {:?}", made.err());
    }
}

#[test]
fn fonts_that_are_not_there() {
    let font = |font: &str| kind("a", TextStyle { font: Some(font.to_owned()), ..TextStyle::default() });
    assert_eq!(font("No Such Family"), Some(ErrorKind::MediaNotFound));
    assert_eq!(font("/no/such/file.ttf"), Some(ErrorKind::MediaNotFound));
    assert_eq!(font(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")), Some(ErrorKind::Media));
    assert_eq!(font(env!("CARGO_MANIFEST_DIR")), Some(ErrorKind::Media));
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fonts/DejaVuSans.ttf");
    let style = TextStyle { font: Some(file.to_owned()), ..large() };
    let bytes = |t: &Text| frame(t).map_native().to_packed();
    assert_eq!(bytes(&Text::new("Same", style).unwrap()), bytes(&text("Same")));
}

#[test]
fn a_function_is_asked_for_every_exact_time_and_unchanged_answers_are_one_picture() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let say = move |at: Timestamp| {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(format!("{}", at.as_nanos() / 1_000_000_000))
    };
    let source = Text::from_function(say, large(), 10.0).unwrap();
    let wake = Wake::new();
    source.wake_on_ready(&wake);
    let exact = |millis: i64| {
        let at = Timestamp::from_nanos(millis * 1_000_000);
        loop {
            match source.sample(at, Sampling::Exact).unwrap() {
                Sample::Frame(frame) => return frame,
                Sample::Pending => assert!(wake.wait(Duration::from_secs(30)), "no answer for {at}"),
                other => panic!("{other:?}"),
            }
        }
    };
    let (a, b, c) = (exact(0), exact(40), exact(1000));
    assert_eq!((a.id(), b.timestamp().as_nanos()), (b.id(), 40_000_000));
    assert_ne!(b.id(), c.id());
    assert_eq!((asked.load(Ordering::Relaxed), source.text()), (3, "1".to_owned()));
    // an edit holds for the same time too
    source.edit(|style| style.color = RED).unwrap();
    assert_ne!(exact(1000).id(), c.id());
    assert!(source.set_text("no").is_err());
}

#[test]
fn live_a_function_is_asked_ten_times_a_second_at_most_and_nobody_waits_for_it() {
    let (gate, asked) = (Cancel::new(), Arc::new(Mutex::new(Vec::new())));
    let (open, times) = (gate.clone(), asked.clone());
    let say = move |at: Timestamp| {
        times.lock().push(at.as_nanos() / 1_000_000);
        open.wait(&Wake::new(), Deadline::after(Duration::from_secs(30)));
        if at.as_nanos() == 300_000_000 { Err(Error::parameter("no")) } else { Ok("said".to_owned()) }
    };
    let source = Text::from_function(say, large(), 10.0).unwrap();
    let live =
        |millis: i64| source.sample(Timestamp::from_nanos(millis * 1_000_000), Sampling::Live).unwrap();
    let until = |what: &dyn Fn() -> bool| {
        let limit = Deadline::after(Duration::from_secs(30));
        while !what() && !limit.has_passed() {
            Wake::new().wait(Duration::from_millis(1));
        }
        assert!(what());
    };
    assert!(matches!(live(0), Sample::Empty) && matches!(live(40), Sample::Empty));
    assert!(matches!(source.state(), SourceState::Starting));
    until(&|| asked.lock().len() == 1);
    gate.cancel();
    until(&|| matches!(live(40), Sample::Frame(_)));
    assert!(matches!(source.state(), SourceState::Live));
    live(80);
    let shown = match live(100) {
        Sample::Frame(frame) => frame.id(),
        other => panic!("{other:?}"),
    };
    until(&|| asked.lock().len() == 2);
    live(180);
    live(300);
    until(&|| matches!(source.state(), SourceState::Failed(_)));
    assert_eq!(*asked.lock(), [0, 100, 300]);
    assert!(matches!(live(310), Sample::Frame(f) if f.id() == shown), "an error leaves the text as it was");
    live(400);
    until(&|| matches!(source.state(), SourceState::Live));
}

#[test]
fn a_text_can_be_dropped_while_its_function_runs() {
    let (started, release) = (Wake::new(), Wake::new());
    let (begins, waits) = (started.clone(), release.clone());
    let say = move |_| {
        begins.ring();
        waits.wait(Duration::from_secs(30));
        Ok(String::new())
    };
    let source = Text::from_function(say, large(), 10.0).unwrap();
    source.sample(Timestamp::ZERO, Sampling::Live).unwrap();
    assert!(started.wait(Duration::from_secs(30)));
    drop(source);
    release.ring();
    assert!(Text::from_function(|_| Ok(String::new()), large(), f64::NAN).is_err());
    let panics = Text::from_function(|_| panic!("on purpose"), large(), 10.0).unwrap();
    let wake = Wake::new();
    panics.wake_on_ready(&wake);
    assert!(matches!(panics.sample(Timestamp::ZERO, Sampling::Exact), Ok(Sample::Pending)));
    assert!(wake.wait(Duration::from_secs(30)));
    let error = panics.sample(Timestamp::ZERO, Sampling::Exact).err();
    assert_eq!(error.map(|e| e.kind()), Some(ErrorKind::Callback));
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! Pictures that show whether they are whole, folders of names, and waiting.

use lk_io::ipc::{IpcFolder, IpcSource, IpcTarget, IpcTargetOptions};
use lk_media::clock::Deadline;
use lk_media::{
    Clock, Delivery, Frame, FrameMut, FrameSpec, Offered, PixelFormat, Size, SourceState, Timestamp,
    VideoSource, VideoTarget, Wake,
};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long something that should happen at once may take before it counts as hanging.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Says that the test that calls it is skipped, and why.
pub fn skip(reason: &str) {
    println!("SKIPPED: {reason}");
    if let Some(log) = std::env::var_os("LK_SKIP_LOG") {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        let file = std::fs::OpenOptions::new().append(true).create(true).open(log);
        file.and_then(|mut file| writeln!(file, "{test}: {reason}")).unwrap();
    }
}

/// A folder of names of one test's own.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // short: a socket's path has 107 bytes
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("lk-ipc-{}-{number}", std::process::id())))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn names(&self) -> IpcFolder {
        IpcFolder::at(&self.0)
    }

    pub fn options(&self, format: PixelFormat) -> IpcTargetOptions {
        IpcTargetOptions { format, folder: self.names(), ..IpcTargetOptions::default() }
    }

    pub fn target(&self, name: &str, format: PixelFormat, size: Size) -> IpcTarget {
        IpcTarget::open(name, size, &self.options(format)).unwrap()
    }

    pub fn source(&self, name: &str) -> IpcSource {
        IpcSource::open(name, &self.names()).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // what cannot be deleted lies in the system's folder for temporary files
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn now() -> Timestamp {
    <dyn Clock>::live().now()
}

pub fn nap(limit: Duration) {
    Wake::new().wait(limit);
}

/// Waits until `what` says yes.
#[track_caller]
pub fn until(doing: &str, mut what: impl FnMut() -> bool) {
    let deadline = Deadline::after(PATIENCE);
    while !what() {
        assert!(!deadline.has_passed(), "{doing}: it never came");
        nap(Duration::from_millis(1));
    }
}

/// The byte that is at a place of picture `number`: rows and columns differ, and so do pictures.
fn byte_of(number: u64, row: usize, plane: usize) -> u8 {
    (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
        ^ (row as u8).wrapping_mul(31)
        ^ (plane as u8) << 6
}

/// Writes picture `number`: the number at the start of every row, then bytes that depend on it.
pub fn paint(frame: &mut FrameMut, number: u64) {
    for (index, plane) in frame.planes_mut().iter_mut().enumerate() {
        for y in 0..plane.rows {
            let row = plane.row_mut(y);
            row.fill(byte_of(number, y, index));
            let head = row.len().min(8);
            row[..head].copy_from_slice(&number.to_le_bytes()[..head]);
        }
    }
}

/// The number of a picture; fails if it is not whole. Every byte is looked at.
#[track_caller]
pub fn number_of(frame: &Frame) -> u64 {
    let map = frame.map_native();
    let mut head = [0; 8];
    head.copy_from_slice(&map.plane(0).row(0)[..8]);
    let number = u64::from_le_bytes(head);
    for index in 0..frame.format().planes() {
        let plane = map.plane(index);
        for y in 0..plane.rows {
            let (head, rest) = plane.row(y).split_at(plane.width.min(8));
            let byte = byte_of(number, y, index);
            // all of them, without stopping early: that is faster
            let differs = rest.iter().fold(0, |all, b| all | (b ^ byte));
            let whole = head == &number.to_le_bytes()[..head.len()] && differs == 0;
            assert!(whole, "picture {number} is torn in row {y} of plane {index}");
        }
    }
    number
}

/// A picture in private memory.
pub fn picture(spec: FrameSpec, number: u64) -> Frame {
    let mut frame = lk_media::FramePool::shared().frame(spec).unwrap();
    paint(&mut frame, number);
    frame.publish(now())
}

/// Shares a picture, in place.
pub fn share(target: &IpcTarget, number: u64) {
    let spec = FrameSpec::of(target.format(), target.size());
    let mut frame = target.allocate(spec).expect("there is a slot");
    paint(&mut frame, number);
    assert_eq!(target.offer(&frame.publish(now()), Delivery::Live).unwrap(), Offered::Taken);
}

/// Waits for picture `number`.
#[track_caller]
pub fn await_number(source: &IpcSource, number: u64) -> Frame {
    let mut found = None;
    until(&format!("picture {number}"), || {
        found = source.latest().filter(|frame| number_of(frame) == number);
        found.is_some()
    });
    found.unwrap()
}

#[track_caller]
pub fn await_state(source: &IpcSource, word: &str) {
    until(word, || source.state().word() == word);
}

pub fn is_live(source: &IpcSource) -> bool {
    matches!(source.state(), SourceState::Live)
}

/// A small repeatable source of random numbers.
pub struct Random(pub u64);

impl Random {
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 11
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.word() % n
    }
}

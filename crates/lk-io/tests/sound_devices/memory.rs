// SPDX-License-Identifier: GPL-2.0-or-later
//! The threads of devices take no memory while they run.

use super::session::{Session, pass};
use super::tone::Tone;
use lk_io::audio_device::{AudioRepeater, Microphone, RepeaterEnd, Speaker, Timing};
use lk_media::AudioSource;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counts what the threads of devices take.
struct Counting;

static COUNTS: AtomicBool = AtomicBool::new(false);
static TAKEN: AtomicU64 = AtomicU64::new(0);

/// The last is PipeWire's own, which calls for blocks of its streams.
const NAMES: [&str; 3] = ["lk-speaker", "lk-microphone", "data-loop"];

thread_local! {
    /// Whether this is such a thread, once that is known.
    static IS_DEVICE: Cell<Option<bool>> = const { Cell::new(None) };
}

fn is_device() -> bool {
    if let Some(known) = IS_DEVICE.try_with(Cell::get).unwrap_or(Some(false)) {
        return known;
    }
    // asking for the name may take memory: not of this thread meanwhile
    IS_DEVICE.set(Some(false));
    let is = name_of_thread().is_some_and(|name| NAMES.iter().any(|n| name.starts_with(n)));
    IS_DEVICE.set(Some(is));
    is
}

/// What the system calls this thread; those of libraries have no other name.
fn name_of_thread() -> Option<String> {
    std::fs::read_to_string("/proc/thread-self/comm").ok()
}

// SAFETY: everything is done by the system's allocator.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if COUNTS.load(Ordering::Relaxed) && is_device() {
            TAKEN.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: what is asked of this is asked of that.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: it came from there.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Allocations on the threads of devices during so many seconds from now on.
pub fn taken_in(seconds: f64) -> u64 {
    TAKEN.store(0, Ordering::Relaxed);
    COUNTS.store(true, Ordering::Relaxed);
    pass(seconds);
    COUNTS.store(false, Ordering::Relaxed);
    TAKEN.load(Ordering::Relaxed)
}

#[test]
fn device_threads_take_no_memory() {
    let Some(_session) = Session::start() else { return };
    let tone: Arc<dyn AudioSource> = Arc::new(Tone);
    let _speaker = Speaker::play(&"Big Speaker".into(), tone, Timing::Ahead).unwrap();
    let microphone = Microphone::open(&"Monitor of Big Speaker".into()).unwrap();
    let from = RepeaterEnd::Device("Monitor of Big Speaker".into());
    let _repeater = AudioRepeater::open(&from, &RepeaterEnd::Device("Headphones".into())).unwrap();
    pass(2.0);
    let taken = taken_in(3.0);
    println!("{taken} allocations in 3 s, {:?}", microphone.statistics());
    assert_eq!(taken, 0);
}

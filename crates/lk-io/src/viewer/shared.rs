// SPDX-License-Identifier: GPL-2.0-or-later
//! What a window's thread shares with its owner.

use super::backend::Bell;
use super::{Key, View, ViewerOptions};
use crossbeam_channel::Sender;
use lk_media::{Error, Frame, Result, Size, Wake};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Keys that are kept until somebody asks for them.
const KEYS: usize = 64;

pub(super) struct Shared {
    pub state: Mutex<State>,
    pub bell: Bell,
    pub closing: AtomicBool,
    pub closed: AtomicBool,
    /// Rung when the window is closed.
    pub ended: Wake,
    pub period_nanos: AtomicU64,
    pub shown: AtomicU64,
    pub skipped: AtomicU64,
}

pub(super) struct State {
    pub frame: Option<Frame>,
    pub view: View,
    pub title: String,
    /// What was changed since the thread looked last.
    pub new: Changed,
    pub size: Size,
    pub fullscreen: bool,
    pub keys: VecDeque<Key>,
    pub screenshot: Option<Sender<Result<Frame>>>,
    pub error: Option<Error>,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Changed {
    pub picture: bool,
    pub title: bool,
    pub fullscreen: bool,
}

/// What the owner wants of the thread.
pub(super) struct News {
    /// There is something else to be shown.
    pub picture: bool,
    /// Something else stands over the window.
    pub title: Option<String>,
    /// It is to fill the screen, or not.
    pub fullscreen: Option<bool>,
    /// Who wants a picture of it.
    pub screenshot: Option<Sender<Result<Frame>>>,
}

impl Shared {
    pub fn new(options: &ViewerOptions) -> Result<Self> {
        let state = State {
            frame: None,
            view: options.view,
            title: options.title.clone(),
            new: Changed { picture: true, ..Changed::default() },
            size: options.size,
            fullscreen: false,
            keys: VecDeque::new(),
            screenshot: None,
            error: None,
        };
        Ok(Self {
            state: Mutex::new(state),
            bell: Bell::new()?,
            closing: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            ended: Wake::new(),
            period_nanos: AtomicU64::new(1_000_000_000 / 60),
            shown: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
        })
    }

    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let answer = change(&mut self.state.lock());
        self.bell.ring();
        answer
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire) || self.closing.load(Ordering::Acquire)
    }
}

#[cfg_attr(not(any(target_os = "linux", windows)), allow(dead_code))]
impl Shared {
    /// Whether the owner wants it closed.
    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// What the owner has changed since this was asked last.
    pub fn take_news(&self) -> News {
        let mut state = self.state.lock();
        let new = std::mem::take(&mut state.new);
        News {
            picture: new.picture,
            title: new.title.then(|| state.title.clone()),
            fullscreen: new.fullscreen.then_some(state.fullscreen),
            screenshot: state.screenshot.take(),
        }
    }

    /// What is to be shown, and how.
    pub fn picture(&self) -> (Option<Frame>, View) {
        let state = self.state.lock();
        (state.frame.clone(), state.view)
    }

    /// A key was pressed: F11 fills the screen and back, Escape goes back, the others are for the owner.
    pub fn press(&self, key: Key) {
        let mut state = self.state.lock();
        match key {
            Key::F(11) => state.fullscreen = !state.fullscreen,
            Key::Escape if state.fullscreen => state.fullscreen = false,
            key => {
                if state.keys.len() == KEYS {
                    state.keys.pop_front();
                }
                state.keys.push_back(key);
                return;
            }
        }
        state.new.fullscreen = true;
    }

    /// The thread's last word.
    pub fn end(&self, error: Option<Error>) {
        let mut state = self.state.lock();
        if let Some(error) = error {
            tracing::warn!("the window {:?} is closed: {error}", state.title);
            state.error = Some(error);
        }
        (state.frame, state.screenshot) = (None, None);
        drop(state);
        self.closed.store(true, Ordering::Release);
        self.ended.ring();
    }
}

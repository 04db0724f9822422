// SPDX-License-Identifier: GPL-2.0-or-later
//! Memory for a moment: each thread keeps what it used and gives it out again.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::thread::LocalKey;

/// Lists of a kind a thread keeps.
const MAX_SPARE: usize = 16;

/// Numbers that are calculated with.
pub(super) trait Number: Copy + Default + 'static {
    /// What the thread keeps.
    fn spare() -> &'static LocalKey<RefCell<Vec<Vec<Self>>>>;
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Number for $number {
            fn spare() -> &'static LocalKey<RefCell<Vec<Vec<Self>>>> {
                thread_local! {
                    static SPARE: RefCell<Vec<Vec<$number>>> =
                        const { RefCell::new(Vec::new()) };
                }
                &SPARE
            }
        }
    )*};
}

numbers!(u8, u16, i16, f32, Option<usize>);

/// Some numbers; they go back to the thread that drops them.
pub(super) struct Scratch<T: Number>(Vec<T>);

impl<T: Number> Scratch<T> {
    /// `len` numbers that may be anything.
    pub fn new(len: usize) -> Self {
        let mut list = T::spare().with_borrow_mut(Vec::pop).unwrap_or_default();
        list.resize(len, T::default());
        Self(list)
    }
}

impl<T: Number> Deref for Scratch<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Number> DerefMut for Scratch<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<T: Number> Drop for Scratch<T> {
    fn drop(&mut self) {
        let list = std::mem::take(&mut self.0);
        // a thread that ends has nothing to spare any more
        let _ = T::spare().try_with(|spare| {
            let mut spare = spare.borrow_mut();
            if spare.len() < MAX_SPARE {
                spare.push(list);
            }
        });
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! The bounded queue between the threads of an output.

use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;

/// How much room something takes: a number in units that the queue's owner chooses, and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) units: u64,
    pub(crate) bytes: u64,
}

/// Why something was not taken; it comes back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused<T> {
    Full(T),
    Closed(T),
}

/// A queue with one reader, bounded in units and in bytes. An empty queue takes anything, however large, so that
/// nothing waits forever.
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    emptied: Condvar,
    limit: Load,
}

struct State<T> {
    items: VecDeque<(T, Load)>,
    load: Load,
    closed: bool,
}

impl<T> Queue<T> {
    pub(crate) fn new(limit: Load) -> Self {
        let state = State { items: VecDeque::new(), load: Load::default(), closed: false };
        Self { state: Mutex::new(state), filled: Condvar::new(), emptied: Condvar::new(), limit }
    }

    /// Puts `item` in if there is room.
    pub(crate) fn try_push(&self, item: T, load: Load) -> Result<(), Refused<T>> {
        self.put(&mut self.state.lock(), item, load)
    }

    /// Puts `item` in, waiting for room (lossless: block). Gives it back once the queue is closed.
    pub(crate) fn push(&self, mut item: T, load: Load) -> Result<(), T> {
        let mut state = self.state.lock();
        loop {
            match self.put(&mut state, item, load) {
                Ok(()) => return Ok(()),
                Err(Refused::Closed(back)) => return Err(back),
                Err(Refused::Full(back)) => item = back,
            }
            self.emptied.wait(&mut state);
        }
    }

    /// Whether `load` would be taken now.
    pub(crate) fn has_room(&self, load: Load) -> bool {
        self.fits(&self.state.lock(), load)
    }

    /// What is in it.
    pub(crate) fn load(&self) -> Load {
        self.state.lock().load
    }

    /// What it holds at most.
    pub(crate) fn limit(&self) -> Load {
        self.limit
    }

    fn fits(&self, state: &State<T>, load: Load) -> bool {
        let (units, bytes) = (state.load.units + load.units, state.load.bytes + load.bytes);
        state.items.is_empty() || (units <= self.limit.units && bytes <= self.limit.bytes)
    }

    fn put(&self, state: &mut State<T>, item: T, load: Load) -> Result<(), Refused<T>> {
        if state.closed {
            return Err(Refused::Closed(item));
        }
        if !self.fits(state, load) {
            return Err(Refused::Full(item));
        }
        state.load.units += load.units;
        state.load.bytes += load.bytes;
        state.items.push_back((item, load));
        self.filled.notify_one();
        Ok(())
    }

    /// Takes the oldest item, waiting for one. None once the queue is closed and empty.
    pub(crate) fn pop(&self) -> Option<T> {
        let mut state = self.state.lock();
        loop {
            if let Some((item, load)) = state.items.pop_front() {
                state.load.units -= load.units;
                state.load.bytes -= load.bytes;
                self.emptied.notify_all();
                return Some(item);
            }
            if state.closed {
                return None;
            }
            self.filled.wait(&mut state);
        }
    }

    /// Takes nothing more; what is in it is still given out.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.filled.notify_all();
        self.emptied.notify_all();
    }

    /// Takes nothing more and throws away what is in it; how many items that were.
    pub(crate) fn abandon(&self) -> usize {
        let mut state = self.state.lock();
        state.closed = true;
        let items = std::mem::take(&mut state.items);
        state.load = Load::default();
        drop(state);
        self.filled.notify_all();
        self.emptied.notify_all();
        // outside the lock: dropping frames takes others
        items.len()
    }
}

/// Abandons a queue when its reader goes, however it goes, so that no writer waits for it.
pub(crate) struct Reader<'a, T>(pub(crate) &'a Queue<T>);

impl<T> Drop for Reader<'_, T> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const ONE: Load = Load { units: 1, bytes: 10 };

    #[test]
    fn bounded_in_both() {
        let queue = Queue::new(Load { units: 3, bytes: 25 });
        assert_eq!(queue.try_push(1, Load { units: 9, bytes: 99 }), Ok(()));
        assert_eq!(queue.try_push(2, ONE), Err(Refused::Full(2)));
        assert_eq!(queue.pop(), Some(1));
        assert!(queue.try_push(3, ONE).is_ok() && queue.try_push(4, ONE).is_ok());
        assert_eq!(queue.try_push(5, ONE), Err(Refused::Full(5)));
        queue.close();
        assert_eq!(queue.try_push(6, ONE), Err(Refused::Closed(6)));
        assert_eq!((queue.pop(), queue.pop(), queue.pop()), (Some(3), Some(4), None));
    }

    #[test]
    fn writers_wait_and_are_let_go_when_the_reader_goes() {
        let queue = Arc::new(Queue::new(Load { units: 2, bytes: 1000 }));
        let writer = {
            let queue = queue.clone();
            lk_media::thread::spawn("writer", move || {
                let pushed = (0..1000).take_while(|n| queue.push(*n, ONE).is_ok()).count();
                assert!((500..1000).contains(&pushed));
            })
        };
        {
            let reader = Reader(&queue);
            for n in 0..500 {
                assert_eq!(reader.0.pop(), Some(n));
            }
        }
        writer.unwrap().join().unwrap();
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! The slot protocol: how one writer and any number of readers share a slot without a lock.
//!
//! A slot has a *sequence* word, written by the writer: odd while a picture is being written, twice the picture's
//! number once it is there. Every reader has a *leases* word, a bit a slot, which the writer only reads. A reader
//! sets its bit and looks at the sequence again; the writer makes the sequence odd and looks at the bits: with a full
//! fence between the two steps on both sides, at least one of them sees the other and leaves the slot alone. What
//! is not leased can be copied, if the sequence is the same before and after.
//!
//! The code is generic over the words, so that `loom` can try every order of events (see the tests).

use std::sync::atomic::{AtomicU64, Ordering};

/// A 64-bit atomic word.
pub(super) trait Word {
    /// Reads it.
    fn load(&self, order: Ordering) -> u64;
    /// Writes it.
    fn store(&self, value: u64, order: Ordering);
    /// Sets bits.
    fn set(&self, bits: u64, order: Ordering);
    /// Clears bits.
    fn clear(&self, bits: u64, order: Ordering);
    /// A fence between words of this kind.
    fn fence(order: Ordering);
}

impl Word for AtomicU64 {
    fn load(&self, order: Ordering) -> u64 {
        Self::load(self, order)
    }

    fn store(&self, value: u64, order: Ordering) {
        Self::store(self, value, order);
    }

    fn set(&self, bits: u64, order: Ordering) {
        self.fetch_or(bits, order);
    }

    fn clear(&self, bits: u64, order: Ordering) {
        self.fetch_and(!bits, order);
    }

    fn fence(order: Ordering) {
        std::sync::atomic::fence(order);
    }
}

/// The sequence of a slot that shows picture `number`.
pub(super) const fn sequence_of(number: u64) -> u64 {
    number << 1
}

/// The number of the picture that a sequence tells of; None while one is being written, or before the first.
pub(super) const fn number_of(sequence: u64) -> Option<u64> {
    if sequence == 0 || sequence & 1 == 1 { None } else { Some(sequence >> 1) }
}

/// Writer: claims a slot. `held` looks at the leases of all readers, with [`leases`]; if one holds the slot it stays
/// as it was and the answer is no. After a yes the slot may be written until [`publish`].
pub(super) fn claim<W: Word>(sequence: &W, held: impl FnOnce() -> bool) -> bool {
    let before = sequence.load(Ordering::Relaxed);
    sequence.store(before | 1, Ordering::Relaxed);
    W::fence(Ordering::SeqCst);
    if held() {
        sequence.store(before, Ordering::Release);
        return false;
    }
    true
}

/// Writer: the slots a reader holds. What the reader read of a slot it has let go was read before this.
pub(super) fn leases<W: Word>(leases: &W) -> u64 {
    leases.load(Ordering::Acquire)
}

/// Writer: shows what was written as picture `number`.
pub(super) fn publish<W: Word>(sequence: &W, number: u64) {
    sequence.store(sequence_of(number), Ordering::Release);
}

/// Reader: takes a lease on the slot if it (still) shows `number`. Until [`release`] the picture stays.
pub(super) fn lease<W: Word>(sequence: &W, leases: &W, bit: u64, number: u64) -> bool {
    leases.set(bit, Ordering::Relaxed);
    W::fence(Ordering::SeqCst);
    if sequence.load(Ordering::Acquire) == sequence_of(number) {
        return true;
    }
    leases.clear(bit, Ordering::Release);
    false
}

/// Reader: gives a lease back.
pub(super) fn release<W: Word>(leases: &W, bit: u64) {
    leases.clear(bit, Ordering::Release);
}

/// Reader: what `read` makes of the slot without a lease; None if it was not `number` all the while.
pub(super) fn copy<W: Word, T>(sequence: &W, number: u64, read: impl FnOnce() -> T) -> Option<T> {
    if sequence.load(Ordering::Acquire) != sequence_of(number) {
        return None;
    }
    let value = read();
    W::fence(Ordering::Acquire);
    (sequence.load(Ordering::Relaxed) == sequence_of(number)).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicU64 as Modelled;

    impl Word for Modelled {
        fn load(&self, order: Ordering) -> u64 {
            Self::load(self, order)
        }

        fn store(&self, value: u64, order: Ordering) {
            Self::store(self, value, order);
        }

        fn set(&self, bits: u64, order: Ordering) {
            self.fetch_or(bits, order);
        }

        fn clear(&self, bits: u64, order: Ordering) {
            self.fetch_and(!bits, order);
        }

        fn fence(order: Ordering) {
            loom::sync::atomic::fence(order);
        }
    }

    /// One slot with a picture of two words, and the leases of two readers. The words carry no order of their own.
    struct Slot {
        sequence: Modelled,
        leases: [Modelled; 2],
        picture: [Modelled; 2],
    }

    impl Slot {
        /// Shows picture 1.
        fn new() -> Arc<Self> {
            let word = |value| Modelled::new(value);
            Arc::new(Self { sequence: word(2), leases: [word(0), word(0)], picture: [word(1), word(1)] })
        }

        fn read(&self) -> (u64, u64) {
            (self.picture[0].load(Ordering::Relaxed), self.picture[1].load(Ordering::Relaxed))
        }

        /// The writer replaces the picture, if it may.
        fn write(&self, number: u64) -> bool {
            let held = || self.leases.iter().any(|word| leases(word) & 1 == 1);
            if !claim(&self.sequence, held) {
                return false;
            }
            self.picture.iter().for_each(|word| word.store(number, Ordering::Relaxed));
            publish(&self.sequence, number);
            true
        }

        /// A reader with a lease reads the picture twice; it must be the same, and whole.
        fn view(&self, reader: usize, number: u64) -> bool {
            let taken = lease(&self.sequence, &self.leases[reader], 1, number);
            if taken {
                let seen = [self.read(), self.read()];
                assert_eq!(seen, [(number, number); 2], "a leased picture changed");
                release(&self.leases[reader], 1);
            }
            taken
        }
    }

    #[test]
    fn a_leased_picture_never_changes() {
        loom::model(|| {
            let slot = Slot::new();
            let (writer, other) = (slot.clone(), slot.clone());
            let writer = loom::thread::spawn(move || writer.write(2));
            let other = loom::thread::spawn(move || other.view(1, 1));
            slot.view(0, 1);
            let wrote = writer.join().unwrap();
            other.join().unwrap();
            assert_eq!(slot.leases.each_ref().map(leases), [0, 0]);
            // the slot shows one of the two, whole
            let number = if wrote { 2 } else { 1 };
            assert!(slot.view(0, number));
        });
    }

    #[test]
    fn a_picture_written_twice_is_leased_whole() {
        loom::model(|| {
            let slot = Slot::new();
            let writer = slot.clone();
            let writer = loom::thread::spawn(move || (writer.write(2), writer.write(3)));
            let number = number_of(slot.sequence.load(Ordering::Relaxed));
            if let Some(number) = number {
                slot.view(0, number);
            }
            writer.join().unwrap();
        });
    }

    #[test]
    fn a_copy_is_whole_or_refused() {
        loom::model(|| {
            let slot = Slot::new();
            let writer = slot.clone();
            let writer = loom::thread::spawn(move || (writer.write(2), writer.write(3)));
            let number = number_of(slot.sequence.load(Ordering::Relaxed)).unwrap_or(1);
            if let Some(seen) = copy(&slot.sequence, number, || slot.read()) {
                assert_eq!(seen, (number, number), "a torn picture");
            }
            writer.join().unwrap();
        });
    }

    #[test]
    fn without_the_fence_the_model_finds_the_fault() {
        // the reader's half of the protocol with the fence left out: the check must be able to fail
        let broken = || {
            loom::model(|| {
                let slot = Slot::new();
                let writer = slot.clone();
                let writer = loom::thread::spawn(move || writer.write(2));
                slot.leases[0].set(1, Ordering::Relaxed);
                if slot.sequence.load(Ordering::Acquire) == 2 {
                    assert_eq!([slot.read(), slot.read()], [(1, 1); 2]);
                }
                writer.join().unwrap();
            });
        };
        assert!(std::panic::catch_unwind(broken).is_err());
    }
}

// SPDX-License-Identifier: GPL-2.0-or-later
//! Peers that write nonsense wherever they can: into the page of leases, into the memory, on the socket.
#![allow(unsafe_code)] // mapped memory that is written at random

use crate::processes::{Held, Process, SMALL, say};
use crate::support::*;
use lk_media::clock::Deadline;
use lk_media::{Cancel, PixelFormat, VideoSource};
use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, connect,
    listen, recvmsg, send, sendmsg, socket_with,
};
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

fn poke(map: &MmapRaw, offset: usize, value: u64) {
    if offset + 8 <= map.len() {
        // SAFETY: within the mapping.
        unsafe { map.as_mut_ptr().add(offset).cast::<u64>().write_unaligned(value) };
    }
}

fn new_socket() -> OwnedFd {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap()
}

fn send_with(socket: &OwnedFd, bytes: &[u8], files: &[BorrowedFd<'_>]) {
    let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
    let mut control = SendAncillaryBuffer::new(&mut room);
    control.push(SendAncillaryMessage::ScmRights(files));
    let _ = sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
}

fn receive(socket: &OwnedFd) -> Vec<OwnedFd> {
    let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
    let mut control = RecvAncillaryBuffer::new(&mut room);
    let mut bytes = [0; 64];
    let _ = recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut control, RecvFlags::DONTWAIT);
    let fds = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    });
    fds.flatten().collect()
}

fn noise(random: &mut Random, most: u64) -> Vec<u8> {
    (0..random.below(most)).map(|_| random.word() as u8).collect()
}

/// A reader that breaks every rule, for so many steps.
fn reader_steps(path: &Path, seed: u64, steps: u64) {
    let mut random = Random(seed);
    let address = SocketAddrUnix::new(path).unwrap();
    let (mut socket, mut page) = (None, None);
    for step in 0..steps {
        if step % 10 == 0 {
            nap(Duration::from_micros(50));
        }
        match random.below(40) {
            0 => (socket, page) = (None, None),
            1..=3 => {
                let fresh = new_socket();
                if connect(&fresh, &address).is_ok() {
                    socket = Some(fresh);
                }
            }
            4 => {
                if let Some(socket) = &socket {
                    let _ = send(socket, &noise(&mut random, 40), SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
                }
            }
            5 => {
                if let Some(socket) = &socket {
                    let files = vec![socket.as_fd(); 1 + random.below(4) as usize];
                    send_with(socket, &noise(&mut random, 24), &files);
                }
            }
            6..=12 => {
                let Some(files) = socket.as_ref().map(receive).filter(|files| files.len() == 2) else {
                    continue;
                };
                // the pictures cannot be written, whatever one tries
                assert!(MmapOptions::new().map_raw(files[0].as_raw_fd()).is_err());
                assert!(rustix::io::pwrite(&files[0], b"x", 9000).is_err());
                assert!(ftruncate(&files[0], 0).is_err() && ftruncate(&files[1], 0).is_err());
                page = Some(MmapOptions::new().map_raw(files[1].as_raw_fd()).unwrap());
            }
            _ => {
                if let Some(page) = &page {
                    let value = [0, u64::MAX, random.word(), 1 << random.below(64)][random.below(4) as usize];
                    let offset = if random.below(4) == 0 { random.below(4096) } else { 0 };
                    poke(page, offset as usize, value);
                }
            }
        }
    }
}

/// A role: see `processes`.
pub fn scribble(folder: &Path, name: &str, seed: u64) {
    let path = folder.join(name);
    reader_steps(&path, seed, 200);
    say(format_args!("scribbling"));
    for round in 1.. {
        reader_steps(&path, seed + round, 1000);
        say(format_args!("steps"));
    }
}

fn scribbling_readers(steps: u64) {
    let folder = Folder::new();
    let target = folder.target("cam", PixelFormat::Bgra, SMALL);
    let source = folder.source("cam");
    share(&target, 1);
    let mut peers: Vec<Process> =
        (0..2).map(|n| Process::start(folder.path(), &format!("scribble cam {n}"))).collect();
    peers.iter_mut().for_each(|peer| drop(peer.says("scribbling")));
    let before = Held::now();
    let (told, number) = (Cancel::new(), std::sync::atomic::AtomicU64::new(1));
    std::thread::scope(|scope| {
        use std::sync::atomic::Ordering;
        scope.spawn(|| {
            while !told.is_cancelled() {
                share(&target, number.fetch_add(1, Ordering::Relaxed) + 1);
                nap(Duration::from_micros(200));
            }
        });
        let mut seq = 0;
        for _ in 0..steps / 1000 {
            peers.iter_mut().for_each(|peer| drop(peer.says("steps")));
            let (at, frame) = source.next(seq, Deadline::after(PATIENCE)).expect("pictures go on");
            seq = at + 1;
            number_of(&frame);
        }
        told.cancel();
    });
    peers.into_iter().for_each(Process::kill);
    until("them to be gone", || target.counts().readers == 1);
    let last = number.into_inner();
    share(&target, last + 1);
    await_number(&source, last + 1);
    assert_eq!(target.counts().dropped, 0);
    println!("{:?} {:?}", target.counts(), source.counts());
    let now = Held::now();
    assert!(!before.leaked(&now), "{before:?} {now:?}");
}

/// A writer that breaks every rule: what it hands out is nonsense, and changes while it is read.
struct Impostor {
    listening: OwnedFd,
    readers: Vec<OwnedFd>,
    memory: Option<(OwnedFd, MmapRaw)>,
    random: Random,
}

impl Impostor {
    fn new(path: &Path, seed: u64) -> Self {
        let listening = new_socket();
        let fresh = path.with_file_name(".impostor");
        bind(&listening, &SocketAddrUnix::new(&fresh).unwrap()).unwrap();
        listen(&listening, 8).unwrap();
        std::fs::rename(&fresh, path).unwrap();
        Self { listening, readers: Vec::new(), memory: None, random: Random(seed) }
    }

    /// Memory that looks right at first sight, sealed or not.
    fn file(&mut self) -> (OwnedFd, MmapRaw) {
        let file = memfd_create("livekit-impostor", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
        let slots = 1 + self.random.below(40);
        let slot_bytes = 4096 * (1 + self.random.below(20));
        let broken = self.random.below(10) == 0;
        let len = match broken {
            true => [1, 8, 4096, 8192, 8192 + slots * slot_bytes][self.random.below(5) as usize],
            false => 8192 + slots * slot_bytes,
        };
        ftruncate(&file, len).unwrap();
        let map = MmapOptions::new().map_raw(file.as_raw_fd()).unwrap();
        let words = [u64::from_le_bytes(*b"LKFRAMES"), 1, slots, self.random.below(4), slot_bytes, 8192];
        words.iter().enumerate().for_each(|(n, word)| poke(&map, 8 * n, *word));
        if !broken || self.random.below(2) > 0 {
            fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW).unwrap();
        }
        (file, map)
    }

    /// A slot that almost makes sense.
    fn entry(&mut self, number: u64) {
        let Some((_, map)) = &self.memory else { return };
        let slot = self.random.below(32);
        let (width, height) = (1 + self.random.below(64), 1 + self.random.below(64));
        let mut words = [
            number << 1,
            self.random.word() << self.random.below(12),
            width | height << 32,
            self.random.below(8) | self.random.below(4) << 8 | self.random.below(4) << 16,
            0,
            64 * 64,
            128 * 64,
            256,
            256,
            256,
            self.random.below(3),
            self.random.word(),
        ];
        if self.random.below(3) == 0 {
            let at = self.random.below(12) as usize;
            words[at] = self.random.word() << self.random.below(12);
        }
        words.iter().enumerate().for_each(|(n, word)| poke(map, 4096 + 128 * slot as usize + 8 * n, *word));
        poke(map, 48, number << 8 | slot);
    }

    fn step(&mut self, number: u64) {
        if let Ok(reader) = accept_with(&self.listening, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
            self.readers = vec![reader];
        }
        let hello = [*b"LKFRAMES", 1u64.to_ne_bytes()].concat();
        match self.random.below(200) {
            0 => self.readers.clear(),
            1..=8 => {
                let (pictures, leases) = (self.file(), self.file());
                for reader in &self.readers {
                    send_with(reader, &hello, &[pictures.0.as_fd(), leases.0.as_fd()]);
                }
                self.memory = Some(pictures);
            }
            9 => {
                let words = noise(&mut self.random, 40);
                for reader in &self.readers {
                    let files = vec![self.listening.as_fd(); (number % 4) as usize];
                    send_with(reader, if number.is_multiple_of(2) { &hello } else { &words }, &files);
                }
            }
            10..=50 => {
                for reader in &self.readers {
                    let _ = send(reader, &number.to_ne_bytes(), SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
                }
            }
            51..=70 => {
                if let Some((_, map)) = &self.memory {
                    let offset = self.random.below(8192) as usize & !7;
                    poke(map, offset, self.random.word() << self.random.below(12));
                }
            }
            _ => self.entry(number),
        }
    }
}

fn scribbling_writer(steps: u64) {
    let folder = Folder::new();
    drop(folder.target("cam", PixelFormat::Bgra, SMALL));
    let path = folder.path().join("cam");
    let mut impostor = Impostor::new(&path, steps);
    let source = folder.source("cam");
    let mut sum = 0u64;
    for number in 1..=steps {
        impostor.step(number);
        if number % 4 == 0 {
            nap(Duration::from_micros(50));
        }
        // what is shown can be read to its last byte
        if number % 16 == 0
            && let Some(frame) = source.latest()
        {
            sum += frame.map_native().to_packed().iter().map(|b| u64::from(*b)).sum::<u64>();
        }
        if number % 500 == 0 {
            // a new one, to which the source comes again
            drop(impostor);
            impostor = Impostor::new(&path, number);
            until("the source", || {
                impostor.step(number);
                !impostor.readers.is_empty()
            });
        }
    }
    println!("{sum} {:?}", source.counts());
    drop(impostor);
    std::fs::remove_file(&path).unwrap();
    // and after all that it follows an honest writer
    let target = folder.target("cam", PixelFormat::Bgra, SMALL);
    share(&target, 1);
    until("the honest writer", || {
        source.latest().is_some_and(|frame| frame.size() == SMALL) && source.state().word() == "live"
    });
}

#[test]
fn readers_that_scribble() {
    scribbling_readers(10_000);
}

#[test]
fn a_writer_that_scribbles() {
    scribbling_writer(10_000);
}

#[test]
#[ignore = "long: run by make verify"]
fn peers_that_scribble_for_long() {
    scribbling_readers(100_000);
    scribbling_writer(100_000);
    println!("VERIFY ipc: 100,000 steps of two scribbling readers and of a scribbling writer");
}

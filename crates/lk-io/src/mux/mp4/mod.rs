// SPDX-License-Identifier: GPL-2.0-or-later
//! An MP4 that is whole at any moment: written in fragments, made ordinary in place at the end.
//!
//! FFmpeg writes a `moov` without samples and then fragments, each of which can be read when it is there. As they
//! pass, the places, sizes, times and kinds of their samples are noted. At the end the ordinary `moov`, with tables
//! of all samples, is appended as a free box, gets its name, and 16 bytes over the first `moov` turn everything
//! from there to the end of the fragments into one `mdat`. Killed before these are written, it is the fragmented
//! file; after, the ordinary one.

mod boxes;
mod fragment;
mod moov;
mod track;

use super::storage::Storage;
use moov::Header;
use std::io;
use track::Track;

/// A file that is being written in fragments.
pub(crate) struct Fragmented {
    storage: Box<dyn Storage>,
    /// Whether each fragment, and each step at the end, survives a power loss before the next.
    durable: bool,
    /// Whether the steps at the end are kept in order on the disk, too.
    ordered: bool,
    /// Bytes of whole boxes in the file.
    length: u64,
    /// The place of the first `moov`, and its body.
    moov: Option<(u64, Vec<u8>)>,
    tracks: Vec<Track>,
    headers: Vec<Header>,
    /// Why it can only stay fragmented.
    strange: Option<&'static str>,
    finished: bool,
}

impl Fragmented {
    /// `units` are the bytes of a sample for each stream, where one packet holds many.
    pub(crate) fn new(
        storage: Box<dyn Storage>,
        durable: bool,
        ordered: bool,
        units: &[Option<u32>],
    ) -> Self {
        Self {
            storage,
            durable,
            ordered: ordered || durable,
            length: 0,
            moov: None,
            tracks: units.iter().map(|u| Track::new(*u)).collect(),
            headers: Vec::new(),
            strange: None,
            finished: false,
        }
    }

    /// Empties the file.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.storage.truncate(0)
    }

    /// Bytes of the file.
    pub(crate) fn len(&self) -> u64 {
        self.length
    }

    /// Whether anything is in the file.
    pub(crate) fn has_begun(&self) -> bool {
        self.moov.is_some()
    }

    /// Notes a packet that goes to FFmpeg, with its times in the container's unit.
    pub(crate) fn expect(&mut self, stream: usize, dts: i64, pts: i64, disposable: bool) {
        if let Some(track) = self.tracks.get_mut(stream) {
            track.expect(dts, pts, disposable);
        }
    }

    /// Up to where each stream is in the file, in its own unit; None for those that have not begun.
    pub(crate) fn reached(&self, stream: usize) -> Option<i64> {
        let track = self.tracks.get(stream).filter(|t| t.samples > 0)?;
        Some(track.first?.0.saturating_add_unsigned(track.end()))
    }

    /// Writes what FFmpeg made: whole boxes. After an error the file holds what it held before.
    pub(crate) fn write(&mut self, mut bytes: Vec<u8>) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let mut place = 0;
        let (mut found, mut heads) = (Vec::new(), Vec::new());
        while let Some((atom, _)) = boxes::split(&bytes[place..]) {
            let at = self.length + place as u64;
            let size = atom.whole.len();
            match atom.kind {
                b"moov" if self.moov.is_none() => self.take_moov(at, atom.body.to_vec()),
                b"moof" => {
                    heads.push(place);
                    match fragment::runs(atom.whole, at) {
                        Some(runs) => found.extend(runs.into_iter().map(|run| (place, run))),
                        None => self.strange = Some("a fragment is not understood"),
                    }
                }
                _ => {}
            }
            place += size;
        }
        let mut before = vec![0; self.tracks.len()];
        for (place, run) in &mut found {
            let Some(index) = self.index(run.track) else { continue };
            self.put_in_place(&mut bytes[*place..], run, index, before[index]);
            before[index] += run.samples.len();
        }
        if let Err(e) = self.append(&mut bytes, &heads) {
            self.cut();
            return Err(e);
        }
        self.length += bytes.len() as u64;
        for (_, run) in &found {
            match self.index(run.track) {
                Some(index) => self.tracks[index].add(run),
                None => self.strange = Some("there is a track nobody asked for"),
            }
        }
        Ok(())
    }

    /// Appends fragments whose headers stand at `heads`. They are free boxes until all of them is there: FFmpeg does
    /// not open a file with half a header in it.
    fn append(&mut self, bytes: &mut [u8], heads: &[usize]) -> io::Result<()> {
        for head in heads {
            bytes[head + 4..head + 8].copy_from_slice(b"free");
        }
        self.storage.write_at(self.length, bytes)?;
        if self.durable {
            self.storage.sync()?;
        }
        for head in heads {
            self.storage.write_at(self.length + *head as u64 + 4, b"moof")?;
        }
        if self.durable && !heads.is_empty() { self.storage.sync() } else { Ok(()) }
    }

    fn take_moov(&mut self, at: u64, body: Vec<u8>) {
        match moov::headers(&body) {
            Some(headers) if headers.len() == self.tracks.len() => self.headers = headers,
            _ => self.strange = Some("its tracks are not understood"),
        }
        self.moov = Some((at, body));
    }

    fn index(&self, track: u32) -> Option<usize> {
        self.headers.iter().position(|h| h.id == track)
    }

    /// Has a fragment of track `index`, with `before` samples between it and those noted, say when it really begins.
    /// A stream that began after the `moov` was written has no edit there that says when: its fragments do.
    fn put_in_place(&self, moof: &mut [u8], run: &mut fragment::Run, index: usize, before: usize) {
        let Some(field) = (run.time_at > 0).then(|| moof.get_mut(run.time_at..run.time_at + 8)).flatten()
        else {
            return;
        };
        let (track, header) = (&self.tracks[index], &self.headers[index]);
        run.time = track.time_after(before).unwrap_or(run.time);
        let first = track.first.filter(|_| !header.placed).map_or(0, |(dts, _)| dts.max(0));
        field.copy_from_slice(&run.time.saturating_add_signed(first).to_be_bytes());
    }

    /// Takes away a piece that was only partly written.
    fn cut(&mut self) {
        if let Err(e) = self.storage.truncate(self.length) {
            tracing::debug!("a part of a fragment stays at the end of the file: {e}");
        }
    }

    /// Makes it an ordinary file. The answer says why it had to stay fragmented, if it did; it plays either way.
    pub(crate) fn finish(&mut self) -> io::Result<Option<String>> {
        let Some((start, first)) = self.moov.take().filter(|_| !self.finished) else { return Ok(None) };
        self.finished = true;
        if let Some(why) = self.strange {
            return Ok(Some(why.to_owned()));
        }
        if self.tracks.iter().all(|t| t.samples == 0) {
            return Ok(None);
        }
        if self.tracks.iter().any(|t| u32::try_from(t.samples).is_err()) {
            return Ok(Some("it has more samples than an ordinary MP4 can name".to_owned()));
        }
        self.tracks.iter_mut().for_each(Track::close);
        let tracks: Vec<_> = self.headers.drain(..).zip(self.tracks.drain(..)).collect();
        let mut table = moov::finished(&first, &tracks);
        drop(tracks);
        table[4..8].copy_from_slice(b"free");
        let end = self.length;
        if let Err(e) = self.storage.write_at(end, &table).and_then(|()| self.in_order()) {
            self.cut();
            return Ok(Some(format!("its table could not be written ({e})")));
        }
        self.length += table.len() as u64;
        self.storage.write_at(end + 4, b"moov")?;
        self.in_order()?;
        let mut head = [0; 16];
        head[..4].copy_from_slice(&1u32.to_be_bytes());
        head[4..8].copy_from_slice(b"mdat");
        head[8..].copy_from_slice(&(end - start).to_be_bytes());
        self.storage.write_at(start, &head)?;
        self.in_order()?;
        Ok(None)
    }

    fn in_order(&mut self) -> io::Result<()> {
        if self.ordered { self.storage.sync() } else { Ok(()) }
    }
}

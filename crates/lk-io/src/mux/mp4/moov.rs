// SPDX-License-Identifier: GPL-2.0-or-later
//! The table of a finished file: the one FFmpeg wrote at the start, with what has become known since.

use super::boxes::{Atom, all, at_path, find, put, put_full, put_u32, put_u64, u32_at};
use super::track::Track;

/// What the header of a track says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) id: u32,
    /// Units of a second: the film's and the track's own.
    pub(super) film: u32,
    pub(super) own: u32,
    /// Whether it says where its first sample belongs.
    pub(super) placed: bool,
}

/// The headers of the tracks in a `moov`'s body, in order; None if they are not understood.
pub(super) fn headers(moov: &[u8]) -> Option<Vec<Header>> {
    let scale = |body: &[u8]| u32_at(body, if *body.first()? == 1 { 20 } else { 12 });
    let film = scale(find(moov, b"mvhd")?)?;
    let tracks = all(moov).filter(|a| a.kind == b"trak");
    tracks
        .map(|track| {
            let head = find(track.body, b"tkhd")?;
            let id = u32_at(head, if *head.first()? == 1 { 20 } else { 12 })?;
            let own = scale(at_path(track.body, &[b"mdia", b"mdhd"])?)?;
            Some(Header { id, film, own, placed: find(track.body, b"edts").is_some() })
        })
        .collect()
}

/// The `moov` of the finished file, whole. `first` is the body of the one at the start of the file, `tracks` are in
/// its order and closed.
pub(super) fn finished(first: &[u8], tracks: &[(Header, Track)]) -> Vec<u8> {
    let filled = tracks.iter().filter(|(_, t)| t.samples > 0);
    let longest = filled.map(|(header, track)| track.film_end(header)).max().unwrap_or(0);
    let mut left = tracks.iter();
    let mut out = Vec::new();
    put(&mut out, b"moov", |out| {
        for atom in all(first) {
            match atom.kind {
                b"mvex" => {}
                b"mvhd" => put_header(out, &atom, 4, longest),
                b"trak" => {
                    // FFmpeg leaves tracks without samples out, too
                    if let Some((header, track)) = left.next().filter(|(_, t)| t.samples > 0) {
                        put(out, b"trak", |out| put_track(out, atom.body, header, track));
                    }
                }
                _ => out.extend(atom.whole),
            }
        }
    });
    out
}

/// A header that begins with the times of creation and change, then has `between` bytes and then a duration, which
/// is set. Times and duration are 4 or 8 bytes each, as its version says.
fn put_header(out: &mut Vec<u8>, atom: &Atom<'_>, between: usize, duration: u64) {
    let body = atom.body;
    let width = if body.first() == Some(&1) { 8 } else { 4 };
    let at = 4 + 2 * width + between;
    let Some(tail) = body.get(at + width..) else {
        out.extend(atom.whole);
        return;
    };
    put(out, atom.kind, |out| {
        match u32::try_from(duration) {
            Ok(short) if width == 4 => {
                out.extend(&body[..at]);
                put_u32(out, short);
            }
            _ => {
                out.push(1);
                out.extend(&body[1..4]);
                for time in body[4..4 + 2 * width].chunks(width) {
                    out.extend(&[0; 8][width..]);
                    out.extend(time);
                }
                out.extend(&body[4 + 2 * width..at]);
                put_u64(out, duration);
            }
        }
        out.extend(tail);
    });
}

fn put_track(out: &mut Vec<u8>, body: &[u8], header: &Header, track: &Track) {
    let edits = track.edits(header);
    for atom in all(body) {
        match atom.kind {
            b"tkhd" => {
                put_header(out, &atom, 8, track.film_end(header));
                put(out, b"edts", |out| put_edits(out, &edits));
            }
            b"edts" => {}
            b"mdia" | b"minf" => put(out, atom.kind, |out| put_media(out, atom.body, track)),
            _ => out.extend(atom.whole),
        }
    }
}

fn put_media(out: &mut Vec<u8>, body: &[u8], track: &Track) {
    for atom in all(body) {
        match atom.kind {
            b"mdhd" => {
                let length = track.durations.iter().map(|(n, d)| u64::from(*n) * u64::from(*d)).sum();
                put_header(out, &atom, 4, length);
            }
            b"minf" => put(out, b"minf", |out| put_media(out, atom.body, track)),
            b"stbl" => put(out, b"stbl", |out| put_tables(out, atom.body, track)),
            _ => out.extend(atom.whole),
        }
    }
}

fn put_edits(out: &mut Vec<u8>, edits: &[(u64, i64)]) {
    let long = edits.iter().any(|(d, t)| u32::try_from(*d).is_err() || i32::try_from(*t).is_err());
    put_full(out, b"elst", u8::from(long), |out| {
        put_u32(out, edits.len() as u32);
        for (duration, time) in edits {
            if long {
                put_u64(out, *duration);
                put_u64(out, *time as u64);
            } else {
                put_u32(out, *duration as u32);
                put_u32(out, *time as u32);
            }
            put_u32(out, 0x1_0000); // at normal speed
        }
    });
}

fn put_tables(out: &mut Vec<u8>, body: &[u8], track: &Track) {
    let mut codec = [0; 4];
    if let Some(description) = find(body, b"stsd") {
        out.extend(all(body).find(|a| a.kind == b"stsd").map_or(&[][..], |a| a.whole));
        codec.copy_from_slice(description.get(12..16).unwrap_or(&[0; 4]));
    }
    put_full(out, b"stts", 0, |out| put_pairs(out, &track.durations, |d| *d));
    if !track.all_keys() {
        put_full(out, b"stss", 0, |out| put_list(out, &track.keys));
    }
    if !track.dependencies.is_empty() {
        put_full(out, b"sdtp", 0, |out| out.extend(&track.dependencies));
    }
    if track.shifts.iter().any(|(_, shift)| *shift != 0) {
        let version = u8::from(track.shifts.iter().any(|(_, shift)| *shift < 0));
        put_full(out, b"ctts", version, |out| put_pairs(out, &track.shifts, |s| *s as u32));
    }
    put_full(out, b"stsc", 0, |out| {
        let mut entries: Vec<[u32; 3]> = Vec::new();
        for (n, (_, count)) in track.chunks.iter().enumerate() {
            if entries.last().is_none_or(|last| last[1] != *count) {
                entries.push([n as u32 + 1, *count, 1]);
            }
        }
        put_u32(out, entries.len() as u32);
        entries.iter().flatten().for_each(|v| put_u32(out, *v));
    });
    put_full(out, b"stsz", 0, |out| match track.one_size() {
        Some(size) => {
            put_u32(out, size);
            put_u32(out, track.samples as u32);
        }
        None => {
            put_u32(out, 0);
            put_list(out, &track.sizes);
        }
    });
    let far = track.chunks.last().is_some_and(|(at, _)| u32::try_from(*at).is_err());
    put_full(out, if far { b"co64" } else { b"stco" }, 0, |out| {
        put_u32(out, track.chunks.len() as u32);
        for (at, _) in &track.chunks {
            if far { put_u64(out, *at) } else { put_u32(out, *at as u32) }
        }
    });
    match &codec {
        b"mp4a" => put_preroll(out, track, 0, -1),
        b"Opus" => {
            let packet = track.durations.first().map_or(0, |(_, d)| *d).max(1);
            let packets = OPUS_PREROLL.div_ceil(packet);
            put_preroll(out, track, u64::from(packets), -(packets as i16));
        }
        _ => {}
    }
}

/// Samples that a decoder of Opus must have heard before what it gives is right: 80 ms.
const OPUS_PREROLL: u32 = 3840;

/// Says how many packets before the wanted one a decoder must be given; the first `without` have not that many.
fn put_preroll(out: &mut Vec<u8>, track: &Track, without: u64, distance: i16) {
    if track.samples <= without {
        return;
    }
    put_full(out, b"sgpd", 1, |out| {
        out.extend(b"roll");
        put_u32(out, 2);
        put_u32(out, 1);
        out.extend(distance.to_be_bytes());
    });
    put_full(out, b"sbgp", 0, |out| {
        out.extend(b"roll");
        put_u32(out, 1 + u32::from(without > 0));
        if without > 0 {
            put_u32(out, without as u32);
            put_u32(out, 0);
        }
        put_u32(out, (track.samples - without) as u32);
        put_u32(out, 1);
    });
}

fn put_list(out: &mut Vec<u8>, values: &[u32]) {
    put_u32(out, values.len() as u32);
    values.iter().for_each(|v| put_u32(out, *v));
}

fn put_pairs<T>(out: &mut Vec<u8>, pairs: &[(u32, T)], value: impl Fn(&T) -> u32) {
    put_u32(out, pairs.len() as u32);
    for (count, v) in pairs {
        put_u32(out, *count);
        put_u32(out, value(v));
    }
}

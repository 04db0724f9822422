// SPDX-License-Identifier: GPL-2.0-or-later
//! The boxes an MP4 is made of, read and written.

/// A box: its four letters and what is in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Atom<'a> {
    pub(super) kind: &'a [u8],
    /// With its header.
    pub(super) whole: &'a [u8],
    pub(super) body: &'a [u8],
}

/// The first box of `bytes` and what follows it; None if it is not whole.
pub(super) fn split(bytes: &[u8]) -> Option<(Atom<'_>, &[u8])> {
    let kind = bytes.get(4..8)?;
    let (header, size) = match u32_at(bytes, 0)? {
        0 => (8, bytes.len()),
        1 => (16, usize::try_from(u64_at(bytes, 8)?).ok()?),
        size => (8, size as usize),
    };
    let whole = bytes.get(..size)?;
    Some((Atom { kind, whole, body: whole.get(header..)? }, &bytes[size..]))
}

/// The boxes in `bytes`, as far as they are whole.
pub(super) fn all(mut bytes: &[u8]) -> impl Iterator<Item = Atom<'_>> {
    std::iter::from_fn(move || {
        let (atom, rest) = split(bytes)?;
        bytes = rest;
        Some(atom)
    })
}

/// The body of the first box of that kind.
pub(super) fn find<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    all(bytes).find(|a| a.kind == kind).map(|a| a.body)
}

/// The body of the box at the end of a path of kinds.
pub(super) fn at_path<'a>(bytes: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter().try_fold(bytes, |bytes, kind| find(bytes, kind))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

/// Appends a box whose body `fill` writes.
pub(super) fn put(out: &mut Vec<u8>, kind: &[u8], fill: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([0; 4]);
    out.extend(kind);
    fill(out);
    let size = (out.len() - start) as u64;
    match u32::try_from(size) {
        Ok(size) => out[start..start + 4].copy_from_slice(&size.to_be_bytes()),
        // never in practice: a table of more than 4 GB
        Err(_) => {
            let large = size + 8;
            out[start..start + 4].copy_from_slice(&1u32.to_be_bytes());
            out.splice(start + 8..start + 8, large.to_be_bytes());
        }
    }
}

/// Appends a box with a version and flags.
pub(super) fn put_full(out: &mut Vec<u8>, kind: &[u8], version: u8, fill: impl FnOnce(&mut Vec<u8>)) {
    put(out, kind, |out| {
        out.extend([version, 0, 0, 0]);
        fill(out);
    });
}

pub(super) fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend(value.to_be_bytes());
}

pub(super) fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend(value.to_be_bytes());
}

# SPDX-License-Identifier: GPL-2.0-or-later
"""What players, recorders and cameras did, in numbers, and what windows there are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IPCTargetStatistics:
    """Counts of an :class:`IPCTarget` since it was made.

    Attributes:
        frames: pictures shared.
        in_place: those of them that were rendered in shared memory; the others were copied into it.
        dropped: pictures that found no memory, because this program itself holds all of it.
        readers: readers now.
    """

    frames: int
    in_place: int
    dropped: int
    readers: int


@dataclass(frozen=True, slots=True)
class IPCSourceStatistics:
    """Counts of an :class:`IPCSource` since it was made.

    Attributes:
        frames: pictures taken.
        copied: those of them that are copies, because too many others are held.
        lost: pictures that were overwritten before they could be taken.
        writers: writers found so far.
    """

    frames: int
    copied: int
    lost: int
    writers: int


@dataclass(frozen=True, slots=True)
class VirtualCameraStatistics:
    """Counts of a :class:`VirtualCamera` since it was opened.

    Attributes:
        frames: pictures that went out.
        repeated: times that the last one went out again because no new one had come.
        dropped: pictures that did not go out: a newer one came first, or there was no way out at the time.
        missed: periods that nothing went out in because this program did not come to it.
    """

    frames: int
    repeated: int
    dropped: int
    missed: int


@dataclass(frozen=True, slots=True)
class PlayerStatistics:
    """Counts of a player since it was opened, and how full its queues are.

    Attributes:
        decoded: pictures decoded.
        published: frames given to its targets and to those who read from it.
        dropped_late: pictures thrown away because their time was over before they were decoded.
        damaged: packets that were damaged and skipped.
        late_samples: samples that were asked for and not there in time.
        stalls: times that data ran out for more than a second.
        laps: times the media began again.
        queued_bytes: bytes of packets that wait for the decoders.
        queued_packets: packets that wait for the decoders.
    """

    decoded: int
    published: int
    dropped_late: int
    damaged: int
    late_samples: int
    stalls: int
    laps: int
    queued_bytes: int
    queued_packets: int


@dataclass(frozen=True, slots=True)
class TrackStatistics:
    """Counts of a sound track of a recording, in samples for each side.

    Attributes:
        name: what is heard on it.
        encoder: FFmpeg's name of its encoder.
        samples: samples encoded.
        silent: those of them that are silence because nothing came for them.
    """

    name: str
    encoder: str
    samples: int
    silent: int


@dataclass(frozen=True, slots=True)
class RecorderStatistics:
    """Exact counts of a recording. ``frames + repeated`` is the length of the file once it has stopped.

    Attributes:
        frames: frames encoded that came.
        repeated: places at which the frame before is shown again, since theirs was missing or dropped.
        held: those of them that were not encoded again: the frame before lasts longer.
        dropped: frames dropped because the encoder was behind.
        surplus: frames whose place had gone by already.
        unwritten: encoded packets that were left out because the disk was too slow.
        waiting: frames that wait for the encoder.
        duration: the length of the file so far in seconds.
        encoding: seconds spent encoding pictures, waiting for the disk included.
        tracks: the sound, one entry a track.
    """

    frames: int
    repeated: int
    held: int
    dropped: int
    surplus: int
    unwritten: int
    waiting: int
    duration: float
    encoding: float
    tracks: tuple[TrackStatistics, ...]


@dataclass(frozen=True, slots=True)
class RecordingReport:
    """What went into a file.

    Attributes:
        frames: frames encoded that came.
        repeated: places at which the frame before is shown again.
        dropped: frames dropped because the encoder was behind.
        duration: the length of the file in seconds.
        bytes: the size of the file; 0 if nothing was recorded, and then there is no file.
        format: the container, by FFmpeg's name.
        video_encoder: FFmpeg's name of the encoder of the pictures, or None without pictures.
        warning: what one should know of the file, which plays nevertheless, or None.
        statistics: all counts.
    """

    frames: int
    repeated: int
    dropped: int
    duration: float
    bytes: int
    format: str
    video_encoder: str | None
    warning: str | None
    statistics: RecorderStatistics


@dataclass(frozen=True, slots=True)
class WindowInfo:
    """A window of the desktop.

    Attributes:
        title: what stands over it.
        application: the class of its application; empty if it has none.
        pid: its process, or None if the application does not say.
        size: (width, height) in pixels; (0, 0) for the entry "Choose a window...".
        id: the display's number for it; 0 for the entry "Choose a window...".
    """

    title: str
    application: str
    pid: int | None
    size: tuple[int, int]
    id: int


@dataclass(frozen=True, slots=True)
class Component:
    """One part of somebody else's that is inside LiveKit, as :func:`licenses` lists them.

    Attributes:
        name: its name.
        version: its version.
        kind: "bundled" (a library that comes along), "system" (one of this machine's), "font" or "crate".
        license: its licence, as an SPDX expression.
        source: where its source is.
    """

    name: str
    version: str
    kind: str
    license: str
    source: str


@dataclass(frozen=True, slots=True, repr=False)
class Licenses:
    """What is inside LiveKit; as text, for people.

    Attributes:
        version: of LiveKit.
        license: of LiveKit's own source.
        conveyed: the licence of this build with all that is inside.
        source: where LiveKit's own source is.
        components: the parts of others.
        text: all of it for people.
    """

    version: str
    license: str
    conveyed: str
    source: str
    components: list[Component]
    text: str

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of LiveKit on this machine, as :func:`doctor` found it.

    Attributes:
        topic: what it is about ("sound").
        health: "works", "limited" (not all of it) or "missing" (until something is done).
        text: what was found.
        mend: what to do about it, or None if it works.
    """

    topic: str
    health: str
    text: str
    mend: str | None


@dataclass(frozen=True, slots=True, repr=False)
class Diagnosis:
    """What of LiveKit works on this machine; as text, a line for each part and what mends it.

    Attributes:
        version: of LiveKit.
        machine: the operating system and the processor.
        findings: the parts.
        text: all of it for people.
    """

    version: str
    machine: str
    findings: list[Finding]
    text: str

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text

# SPDX-License-Identifier: GPL-2.0-or-later
"""Sound devices and cameras as they are listed, and what they did in numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AudioDevice:
    """A sound device. It can be given wherever a device is named.

    Attributes:
        id: what the system calls it: the same after a restart.
        name: what people call it.
        channels: its channels; sound is stereo here, the sound server makes it so.
        rate: its samples a second; sound is at 48 kHz here, the sound server makes it so.
        is_monitor: whether it hears what a speaker plays.
        is_default: whether it is the one the user has chosen for everything.
    """

    id: str
    name: str
    channels: int
    rate: int
    is_monitor: bool
    is_default: bool


@dataclass(frozen=True, slots=True)
class DeviceStatistics:
    """Counts of a device in use.

    Attributes:
        late_samples: samples that a speaker wanted and that were not there in time.
        underruns: times that the sound server had nothing to play for a moment.
        jumps: times that sound was cut or stretched because the device had lost more than could be caught up with.
        drift_ppm: how far its clock is from ours, in millionths; positive if it is slow.
    """

    late_samples: int
    underruns: int
    jumps: int
    drift_ppm: float


@dataclass(frozen=True, slots=True)
class CameraMode:
    """A way in which a camera gives its pictures.

    Attributes:
        size: (width, height) in pixels.
        fps: frames a second.
        format: how they come: "nv12", "yuv420p", "yuyv422", "bgra", "rgba", "bgr24", "rgb24" or "mjpeg".
    """

    size: tuple[int, int]
    fps: float
    format: str


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """A camera. It can be given wherever a camera is named.

    Attributes:
        id: what it is known by: the same after a restart, and for a camera with a serial number at every plug.
        name: what people call it.
        address: where the system has it now: "/dev/video0".
        backend: what leads to it: "V4L2" or "PipeWire".
        modes: the ways in which it gives pictures, the largest and fastest first; empty if it may not be opened.
    """

    id: str
    name: str
    address: str
    backend: str
    modes: tuple[CameraMode, ...]


@dataclass(frozen=True, slots=True)
class CameraStatistics:
    """Counts of a camera since it was opened.

    Attributes:
        frames: pictures that came.
        lost: pictures that the system lost before they could be read.
        damaged: pictures that came damaged, and are not shown.
        stalls: times that it stopped giving pictures.
        reconnects: times that it was opened again.
    """

    frames: int
    lost: int
    damaged: int
    stalls: int
    reconnects: int

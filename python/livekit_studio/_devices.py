# SPDX-License-Identifier: GPL-2.0-or-later
"""Sound devices as they are listed, and what they did in numbers."""

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

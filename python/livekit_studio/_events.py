# SPDX-License-Identifier: GPL-2.0-or-later
"""Events: what happened to a source, a target, a run or a recording."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: a change of state.

    Attributes:
        kind: what it is about: "source_state", "target_state", "run_state", "recorder_state" or "device_state".
        time: when, in seconds on the live clock (``time.monotonic()``).
        source: what it happened to, by the name messages use.
        old: the state before, in a word; empty at first.
        new: the state now, in a word.
        reason: why, where there is a reason.
    """

    kind: str
    time: float
    source: str
    old: str
    new: str
    reason: str | None = None

# SPDX-License-Identifier: GPL-2.0-or-later
"""Events: what happened to a source, a target, a run or a recording."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Self

from . import _native


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: a change of state.

    Attributes:
        kind: what it is about: "source_state", "target_state", "run_state" or "recorder_state".
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


class AsyncEvents:
    """The events of an object in a running event loop. Nothing is polled: the service thread wakes the loop."""

    def __init__(self, stream: _native._EventStream) -> None:
        self._stream = stream
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
        stream._on_ready(self._ring)

    def _ring(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed
            self._loop.call_soon_threadsafe(self._ready.set)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while True:
            self._ready.clear()
            try:
                event = self._stream._take()
            except StopIteration:
                raise StopAsyncIteration from None
            if event is not None:
                return event
            await self._ready.wait()

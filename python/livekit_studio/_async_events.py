# SPDX-License-Identifier: GPL-2.0-or-later
"""Events in an event loop. Apart from the others because asyncio takes its time to import."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self

from . import _native
from ._events import Event


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

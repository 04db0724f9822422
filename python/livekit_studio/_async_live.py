# SPDX-License-Identifier: GPL-2.0-or-later
"""Live runs in an event loop. Apart from the others because asyncio takes its time to import."""

from __future__ import annotations

import asyncio
from typing import Self

from . import _native

_LOOK = 0.2


async def wait(scene: _native.Compositor) -> None:
    """Waits until the live run is over, if one is going on."""
    with scene.events() as events:
        if not scene.is_running():
            return
        async for _ in events:
            if not scene.is_running():
                return


class AsyncFrames:
    """The frames of a live run in a running event loop; a thread of the loop's executor waits for them."""

    def __init__(self, frames: _native._LiveFrames) -> None:
        self._frames = frames
        self._loop = asyncio.get_running_loop()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> _native.Frame:
        while True:
            frame = await self._loop.run_in_executor(None, self._frames._next, _LOOK)
            if frame is not None:
                return frame
            if self._frames._over():
                self._frames.close()
                raise StopAsyncIteration

    async def aclose(self) -> None:
        """Ends the iteration."""
        self._frames.close()

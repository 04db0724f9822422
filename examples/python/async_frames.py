#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames, events and edits of a live scene in one event loop: async_frames.py LAST.png"""

import asyncio
import sys

import LiveKit as lk


async def look(scene: lk.Compositor, out: str) -> int:
    """Takes the frames as they are made, and keeps the last."""
    frames: list[lk.Frame] = []
    async for frame in scene.frames("rgb24", seconds=1.5):  # the first one starts the scene
        frames.append(frame)
    frames[-1].save(out)
    return len(frames)


async def listen(scene: lk.Compositor) -> None:
    """Says what happens, for as long as it does."""
    async for event in scene.events():
        print(f"{event.source}: {event.new}")


async def move(layer: lk.Layer) -> None:
    """Changes the scene while it runs."""
    for n in range(200):
        layer.rotation = n
        await asyncio.sleep(0.02)


async def main(out: str) -> None:
    with lk.Compositor(640, 360, fps=30, background="#203040") as scene:
        layer = scene.add(lk.Text("asyncio", font_size=72), anchor="center")
        others = [asyncio.create_task(listen(scene)), asyncio.create_task(move(layer))]
        print(await look(scene, out), "frames")
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


asyncio.run(main(sys.argv[1]))

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Plays a clip four times as fast and renders beside it, without blocking the loop: async_player.py CLIP OUT.mp4"""

import asyncio
import sys

import LiveKit as lk


async def played(clip: str) -> lk.PlayerStatistics:
    """Plays it to its end."""
    with lk.Player(clip, rate=4.0) as player:
        events = player.events()
        player.start()
        async for event in events:
            print(f"{event.source}: {event.old} -> {event.new}")
            if event.new in ("ended", "failed"):
                break
        return player.statistics()


def rendered(clip: str, out: str) -> lk.Statistics:
    """What has no form that can be awaited goes to a thread."""
    scene = lk.Compositor(320, 180, fps=30)
    scene.add(clip, fit="contain")
    return scene.render(out, seconds=1)


async def main(clip: str, out: str) -> None:
    statistics, done = await asyncio.gather(played(clip), asyncio.to_thread(rendered, clip, out))
    print(f"{statistics.published} frames shown, {done.frames} frames rendered")


asyncio.run(main(*sys.argv[1:]))

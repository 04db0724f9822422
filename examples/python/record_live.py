#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A clip with a clock over it, live, recorded with its sound: record_live.py CLIP OUT.mp4 [SECONDS]

Stop it at any time with Ctrl-C, or even kill it: the file plays.
"""

import sys
import time

import LiveKit as lk

clip, out, *rest = sys.argv[1:]
seconds = float(rest[0]) if rest else 5.0

with lk.Compositor(1280, 720, fps=30) as scene:
    scene.add(clip, fit="cover", loop=True)
    clock = lk.Text(lambda t: time.strftime("%H:%M:%S"), font_size=48, background="#000000a0", padding=12)
    scene.add(clock, anchor="top-right", margin=20)
    scene.on("source_state", lambda event: print(f"{event.source}: {event.new}"))
    with lk.Recorder(out, source=scene):
        statistics = scene.run(seconds)
print(
    f"{out}: {statistics.ticks} frames, {statistics.missed} missed, lateness {statistics.lateness[2] * 1e3:.1f} ms"
)

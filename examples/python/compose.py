#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A clip as picture-in-picture over a photo, with the clip's sound: compose.py PICTURE CLIP OUT.mp4"""

import sys

import LiveKit as lk

picture, clip, out = sys.argv[1:]
scene = lk.Compositor(1280, 720, fps=30)  # no window, no display needed
scene.add(picture, fit="cover")
scene.add(clip, at=(820, 440), size=(420, None), opacity=0.9)
statistics = scene.render(out, seconds=2, progress=True)
print(f"{out}: {statistics.frames} frames in {statistics.elapsed:.1f} s")

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A title that slides in over a clip and fades out, exact to the frame: animate.py CLIP OUT.mp4"""

import sys

import LiveKit as lk


def eased(t: float) -> float:
    """From 0 to 1, slow at both ends."""
    t = min(max(t, 0.0), 1.0)
    return t * t * (3 - 2 * t)


clip, out = sys.argv[1:]
scene = lk.Compositor(640, 360, fps=30)
scene.add(clip, fit="cover")
title = scene.add(lk.Text("Chapter one", font_size=56, background="#000a", padding=20), at=(0, 250))


def animate(t: float) -> None:
    """Called before every frame; what it changes takes effect with that frame."""
    title.at = (-400 + 440 * eased(t), 250)
    title.opacity = 1 - eased(t - 2)


print(scene.render(out, seconds=3, each=animate))

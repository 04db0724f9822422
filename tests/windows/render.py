# SPDX-License-Identifier: GPL-2.0-or-later
"""render.py OUT.npz: a composition of everything that is computed, as frames; the same program on every system."""

from __future__ import annotations

import sys

import LiveKit as lk
import numpy as np

FRAMES = 12


def moving(t: float) -> np.ndarray:
    """A gradient that moves, with alpha."""
    y, x = np.mgrid[0:90, 0:160]
    return np.stack([x + t * 200, y * 2, 255 - x, 128 + 60 * np.sin(x / 9 + t * 5)], axis=2).astype(np.uint8)


def frames(kind: str) -> np.ndarray:
    with lk.Compositor(320, 180, fps=30) as scene:
        scene.add(lk.TestPattern(320, 180, fps=30))
        scene.add("color:#2060c080", at=(20, 20), size=(100, 60))
        layer = scene.add(lk.FunctionSource(moving, format="rgba"), at=(60, 40), size=(200, 110), opacity=0.8)
        layer.rotation = 17.0
        scene.add(lk.Text("Windows", font_size=28, font="DejaVu Sans"), anchor="bottom", margin=6)
        made = scene.frames(kind, realtime=False, seconds=FRAMES / 30)
        return np.stack([frame.to_ndarray(kind).copy() for frame in made])


np.savez(sys.argv[1], rgb=frames("rgb24"), yuv=frames("yuv420p"))

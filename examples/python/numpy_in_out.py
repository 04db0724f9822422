#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Arrays go in, arrays come out: a moving gradient drawn by NumPy under a translucent box, read back frame by frame."""

import LiveKit as lk
import numpy as np
from numpy.typing import NDArray


def gradient(t: float) -> NDArray[np.uint8]:
    """RGB, height x width x 3: called once for each frame with its time in seconds."""
    y, x = np.mgrid[0:180, 0:320]
    return np.stack([x + 120 * t, y + 60 * t, x + y], axis=2).astype(np.uint8)


scene = lk.Compositor(320, 180, fps=30)
scene.add(lk.FunctionSource(gradient, format="rgb24"))
box = np.full((60, 120, 4), (255, 255, 255, 128), np.uint8)
scene.add(lk.open(box, format="rgba"), anchor="bottom-right", margin=10)
for frame in scene.frames("rgb24", realtime=False, seconds=0.5):
    array = np.asarray(frame)  # a view of the frame's memory, nothing is copied
    print(f"{frame.timestamp:.3f} s: {array.shape}, mean colour {array.mean(axis=(0, 1)).round(1)}")

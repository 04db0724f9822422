#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a clip holds, and how bright it is at each second: read_frames.py CLIP"""

import sys

import LiveKit as lk
import numpy as np

info = lk.MediaInfo(sys.argv[1])
seconds = info.duration() / 1e6
print(f"{info.video_size()[0]}x{info.video_size()[1]}, {info.video_fps():.2f} fps, {seconds:.1f} s")
player = lk.LazyPlayer(sys.argv[1])
for second in range(int(seconds)):
    frame = player.frame(second, format="rgb24")
    if frame is not None:
        level = np.asarray(frame).mean() / 255
        print(f"{second:4d} s  {'#' * round(50 * level)} {level:.2f}")

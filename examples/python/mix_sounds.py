#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Two sounds in one file, the first quieter, the second half a second later: mix_sounds.py FIRST SECOND OUT.wav"""

import sys

import LiveKit as lk

first, second, out = sys.argv[1:]
scene = lk.Compositor(16, 16)  # a sound file has no pictures, so the canvas does not matter
scene.audio.add(first, gain=-12)  # dB
scene.audio.add(second, sync_offset=0.5)
statistics = scene.render(out)  # until the longer one has ended
print(f"{out}: {statistics.samples / 48000:.2f} s")

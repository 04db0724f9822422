#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Twelve pictures from all over a clip on one sheet: contact_sheet.py CLIP SHEET.png"""

import sys

import LiveKit as lk

clip, sheet = sys.argv[1:]
player = lk.LazyPlayer(clip)
seconds = player.get_duration() / 1e6
scene = lk.Compositor(4 * 240 + 5 * 8, 3 * 135 + 4 * 8, background="#202428")
for i in range(12):
    frame = player.frame(seconds * i / 12)  # exact: the very frame shown at that time
    if frame is not None:
        scene.add(frame, at=(8 + i % 4 * 248, 8 + i // 4 * 143), size=(240, 135), fit="contain")
scene.screenshot(sheet)
print(f"{sheet}: {len(scene.layers)} pictures of {clip}")

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A player, a port and a recorder without a scene, as programs of 2020 have them: player_2020.py CLIP OUT.mp4"""

import sys
import time

import LiveKit as lk

clip, out = sys.argv[1:]
info = lk.MediaInfo(clip)
player, port = lk.Player(clip), lk.VideoPort()
player.add_target(port)
recorder = lk.Recorder(out, True, *info.video_size())
recorder.set_source(port)
recorder.start()
player.start()
while not player.is_eof_reached() and player.get_position() < 3_000_000:  # microseconds
    time.sleep(0.01)
player.stop()
recorder.stop()
print(f"{out}: {lk.MediaInfo(out).duration() / 1e6:.1f} s")

# SPDX-License-Identifier: GPL-2.0-or-later
"""Player => VideoPort => Viewer, as in 2020: plays a clip until its window is closed.

    python view_player.py CLIP

A display is needed.
"""

import sys

import LiveKit as lk

player = lk.Player(sys.argv[1])
port = lk.VideoPort()
player.add_target(port)
viewer = lk.Viewer(640, 480, "Player => VideoPort => Viewer")
viewer.set_source(port)
player.start()
while viewer.draw():
    pass

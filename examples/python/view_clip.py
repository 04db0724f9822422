# SPDX-License-Identifier: GPL-2.0-or-later
"""LazyPlayer => Viewer, as in 2020: shows a clip, decoded as it is drawn, until its window is closed.

    python view_clip.py CLIP

A display is needed.
"""

import sys

import LiveKit as lk

player = lk.LazyPlayer(sys.argv[1])
player.start()
viewer = lk.Viewer(640, 480, "LazyPlayer => Viewer")
viewer.set_source(player)
while viewer.draw():
    pass

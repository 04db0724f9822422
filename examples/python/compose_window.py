# SPDX-License-Identifier: GPL-2.0-or-later
"""WindowCapture => Compositor with a window of its own, as in 2020: a window over a picture.

    python compose_window.py TITLE PICTURE

A display is needed; close the window to end.
"""

import sys

import LiveKit as lk

compositor = lk.Compositor(1280, 720, 640, 400, "WindowCapture => Compositor")
compositor.set_source(0, lk.ImageFile(sys.argv[2]))
compositor.set_source(1, lk.WindowCapture(title=sys.argv[1]), (320, 180), (960, 540))
compositor.set_margin(20)
while compositor.draw():
    pass

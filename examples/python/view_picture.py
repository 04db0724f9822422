# SPDX-License-Identifier: GPL-2.0-or-later
"""ImageFile => Viewer, as in 2020: shows a picture until its window is closed.

    python view_picture.py PICTURE

A display is needed.
"""

import sys

import LiveKit as lk

viewer = lk.Viewer(640, 480, "ImageFile => Viewer")
viewer.set_source(lk.ImageFile(sys.argv[1]))
while viewer.draw():
    pass

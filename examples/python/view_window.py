# SPDX-License-Identifier: GPL-2.0-or-later
"""WindowCapture => Viewer, as in 2020: shows another window, whole also where it is covered.

    python view_window.py WINDOW

WINDOW is a number of the list that is printed. A display is needed.
"""

import sys

import LiveKit as lk

for n, title in enumerate(lk.WindowList().to_pylist()):
    print(f"{n}: {title}")
viewer = lk.Viewer(640, 480, "WindowCapture => Viewer")
viewer.set_source(lk.WindowCapture(int(sys.argv[1])))
while viewer.draw():
    pass

# SPDX-License-Identifier: GPL-2.0-or-later
"""WindowCapture => Recorder, as in 2020: records a window for a while.

    python record_window.py TITLE OUT.mp4 SECONDS

A display is needed.
"""

import sys
import time

import LiveKit as lk

window = lk.WindowCapture(title=sys.argv[1])
width, height = window.size()
recorder = lk.Recorder(sys.argv[2], True, width, height)
recorder.set_source(window)
recorder.start()
time.sleep(float(sys.argv[3]))
recorder.stop()

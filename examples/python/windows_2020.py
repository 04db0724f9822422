# SPDX-License-Identifier: GPL-2.0-or-later
"""WindowCapture + Player + ImageFile + array => Compositor with a window => VideoPort => Recorder, as in 2020.

    python windows_2020.py WINDOW PICTURE CLIP OUT.mp4 SECONDS

WINDOW is a number of the list that is printed. A display is needed.
"""

import sys
import time

import LiveKit as lk
import numpy as np

for n, title in enumerate(lk.WindowList().to_pylist()):
    print(f"{n}: {title}")
index, picture, clip, out = int(sys.argv[1]), *sys.argv[2:5]
end = time.monotonic() + float(sys.argv[5])

player = lk.Player(clip)
player_port = lk.VideoPort()
player.add_target(player_port)
player.start()

array_port = lk.VideoPort()
array_port.push(np.full((60, 80, 3), (0, 128, 255), np.uint8))  # BGR

compositor = lk.Compositor(1280, 720, 960, 540, "everything")
compositor.set_source(0, lk.ImageFile(picture))
compositor.set_source(1, player_port, (40, 40), (680, 400))
compositor.set_source(2, lk.WindowCapture(index), (700, 300), (1240, 680))
compositor.set_source(3, array_port, (40, 620))
compositor.set_margin(10)

port = lk.VideoPort()
compositor.add_target(port)
recorder = lk.Recorder(out, True, 1280, 720)
recorder.set_source(port)
recorder.start()

while compositor.draw() and time.monotonic() < end:
    pass

recorder.stop()

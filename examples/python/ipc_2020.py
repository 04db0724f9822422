# SPDX-License-Identifier: GPL-2.0-or-later
"""Player => IPCTarget in one process, IPCSource => Viewer in another, as in 2020.

python ipc_2020.py read               in one terminal
python ipc_2020.py write clip.mp4     in another; which one is first does not matter
"""

import sys
import time

import LiveKit as lk

if sys.argv[1] == "write":
    player = lk.Player(sys.argv[2], False)
    width, height = player.video_size()
    target = lk.IPCTarget("ipc_2020", width, height, False)
    player.add_target(target)
    player.start()
    while not player.is_eof_reached():
        time.sleep(0.1)
else:
    source = lk.IPCSource("ipc_2020")
    viewer = lk.Viewer(640, 480, "IPCSource => Viewer")
    viewer.set_source(source)
    while viewer.draw():
        pass

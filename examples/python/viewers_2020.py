# SPDX-License-Identifier: GPL-2.0-or-later
"""ImageFile => Viewer, LazyPlayer => Viewer, Player => VideoPort => Viewer, as in 2020.

    python viewers_2020.py PICTURE CLIP SECONDS

Close the windows, or wait for SECONDS. A display is needed.
"""

import sys
import time

import LiveKit as lk

picture, clip, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])

image_viewer = lk.Viewer(640, 480, "ImageFile => Viewer")
image_viewer.set_source(lk.ImageFile(picture))

lazy_player = lk.LazyPlayer(clip)
lazy_player.start()
lazy_viewer = lk.Viewer(640, 480, "LazyPlayer => Viewer")
lazy_viewer.set_source(lazy_player)

player = lk.Player(clip)
port = lk.VideoPort()
player.add_target(port)
player.start()
player_viewer = lk.Viewer(640, 480, "Player => VideoPort => Viewer")
player_viewer.set_source(port)

viewers = [image_viewer, lazy_viewer, player_viewer]
end = time.monotonic() + seconds
while any(viewer.draw() for viewer in viewers) and time.monotonic() < end:
    pass
print(f"{sum(not viewer.closed for viewer in viewers)} windows are still open")

# SPDX-License-Identifier: GPL-2.0-or-later
"""The cameras there are, and a picture of each.

python camera.py
"""

import LiveKit as lk

cameras = lk.cameras()
print(f"{len(cameras)} cameras")
for number, info in enumerate(cameras):
    best = [f"{m.size[0]}x{m.size[1]} at {m.fps:g}, {m.format}" for m in info.modes[:3]]
    print(f"{number}: {info.name} ({info.id}) at {info.address}: {'; '.join(best)}")
    with lk.Camera(info) as camera:
        frame = camera.frame(timeout=10)
        frame.save(f"camera-{number}.png")
        print(f"   {camera.mode}, mean {frame.to_ndarray('rgb24').mean():.0f}")

# SPDX-License-Identifier: GPL-2.0-or-later
"""Camera => VideoPort => Viewer, Recorder and Compositor, and Camera => IPCTarget, as in 2020.

    python cameras_2020.py CAMERA.mp4 ALL.mp4 SECONDS [WIDTH HEIGHT]

A camera and a display are needed. WIDTH and HEIGHT are a size that the camera has.
"""

import sys
import time

import LiveKit as lk

for n, name in enumerate(lk.CameraList().to_pylist()):
    print(f"{n}: {name}")
end = time.monotonic() + float(sys.argv[3])

size = (int(sys.argv[4]), int(sys.argv[5])) if len(sys.argv) > 5 else None
camera = lk.Camera(0, size=size)
width, height = camera.size()
port = lk.VideoPort()
camera.add_target(port)

viewer = lk.Viewer(640, 360, "Camera => VideoPort => Viewer")
viewer.set_source(port)

recorder = lk.Recorder(sys.argv[1], True, width, height)
recorder.set_source(port)
recorder.start()

compositor = lk.Compositor(width, height, 640, 360, "Camera => VideoPort => Compositor")
compositor.set_source(0, port)
compositor.set_source(1, port, (width // 2, height // 2), (width - 10, height - 10))
recorded = lk.VideoPort()
compositor.add_target(recorded)
all_recorder = lk.Recorder(sys.argv[2], True, width, height)
all_recorder.set_source(recorded)
all_recorder.start()

shared = lk.IPCTarget("camera", width, height, False)  # other programs read it: lk.IPCSource("camera")
camera.add_target(shared)

while compositor.draw() and viewer.draw() and time.monotonic() < end:
    pass

recorder.stop()
all_recorder.stop()
print(camera.statistics())

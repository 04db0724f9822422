# SPDX-License-Identifier: GPL-2.0-or-later
"""A scene as a camera that other programs can choose: on v4l2loopback if there is a device, else on PipeWire."""

import sys

import LiveKit as lk

seconds = float(sys.argv[1]) if len(sys.argv) > 1 else None

with lk.Compositor(1280, 720, fps=30) as scene, lk.VirtualCamera(1280, 720, 30, name="Studio") as camera:
    scene.add(lk.TestPattern(1280, 720))
    scene.add(lk.Text("on air", font_size=60), anchor="bottom-right", margin=40)
    scene.add_target(camera)
    print(
        f"choose the camera {camera.device!r} ({camera.backend}) in any program; Ctrl-C ends it", flush=True
    )
    scene.run(seconds=seconds)
    print(camera.statistics())

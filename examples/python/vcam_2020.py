# SPDX-License-Identifier: GPL-2.0-or-later
"""As in 2020: what is shared as "LiveKitVCam" shows up as a camera, once `livekit-studio vcam register` was run."""

import sys

import LiveKit as lk

seconds = float(sys.argv[1]) if len(sys.argv) > 1 else None

comp = lk.Compositor(1280, 720)
comp.add(lk.TestPattern(1280, 720))
target = lk.IPCTarget("LiveKitVCam", 1280, 720, False)
comp.add_target(target)
comp.run(seconds=seconds)
print(target.statistics())

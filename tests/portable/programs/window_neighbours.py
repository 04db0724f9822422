# SPDX-License-Identifier: GPL-2.0-or-later
"""opencv-python with its window library beside our windows, in one process, imported in both orders: it shows a
picture, we capture its window and show that in one of ours, and see both again in a capture of the screen."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
import importlib, sys, time
for name in sys.argv[1:]:
    importlib.import_module(name)
import cv2, LiveKit as lk, numpy as np

theirs = np.full((180, 320, 3), (40, 90, 200), np.uint8)
cv2.namedWindow("theirs", cv2.WINDOW_AUTOSIZE)
cv2.moveWindow("theirs", 20, 20)

def near(array, colour):
    # in whole pictures of OpenCV's
    return int((np.abs(array.astype(int) - colour).max(axis=2) < 4).sum()) / (320 * 180)

def until(true, what):
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, what
        cv2.imshow("theirs", theirs)
        cv2.waitKey(20)

until(lambda: any(w.title == "theirs" for w in lk.windows()), "OpenCV's window is not there")
capture = lk.WindowCapture(title="theirs")
def captured():
    picture = capture.frame(format="bgr24").array
    return near(picture, (40, 90, 200)) > 0.9
until(captured, "we do not see OpenCV's picture")
scene = lk.Compositor(640, 360)
scene.add(capture, at=(160, 90), offline="latest")
viewer = lk.Viewer(640, 360, "ours")
viewer.set_source(capture)
until(lambda: viewer.draw() and any(w.title == "ours" for w in lk.windows()), "our window is not there")
screen = lk.ScreenCapture()
def seen():
    viewer.draw()
    return near(screen.frame(format="bgr24").array, (40, 90, 200)) > 1.5
until(seen, "our window does not show OpenCV's picture")
viewer.close()
cv2.destroyAllWindows()
print("ok", cv2.__version__)
"""

with subprocess.Popen(
    ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x720x24", "-noreset"],
    stdout=subprocess.PIPE,
    stderr=subprocess.DEVNULL,
) as server:
    assert server.stdout is not None
    environment = os.environ | {"DISPLAY": f":{server.stdout.readline().decode().strip()}"}
    try:
        for order in (("LiveKit", "cv2"), ("cv2", "LiveKit")):
            done = subprocess.run(
                [sys.executable, "-P", "-c", PROGRAM, *order],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=300,
            )
            if done.returncode != 0:
                sys.exit(f"{' '.join(order)}: status {done.returncode}\n{done.stderr[-2000:]}")
            print(f"  {' before '.join(order)}: {done.stdout.strip()}")
    finally:
        server.kill()

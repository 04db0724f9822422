# SPDX-License-Identifier: GPL-2.0-or-later
"""PyAV, OpenCV and PyPI's `livekit` in one process with LiveKit, imported in every order: neighbours.py CLIP

Each brings libraries of its own, three of them FFmpeg; each must go on using its own.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from itertools import permutations

# PyPI's livekit aborts now and then when a program ends (7 and 13 of 150 with nothing else imported, on Python 3.13
# and 3.11): a worker thread of its own calls into an interpreter that is gone. By then everything has been looked
# at; it is counted.
THEIRS = re.compile(
    r"thread 'tokio-rt-worker' \(\d+\) panicked at .*\npanic in a function that cannot unwind"
)
NAMES = ("LiveKit", "av", "cv2", "livekit.rtc")
PROGRAM = """
import importlib, sys
clip, *order = sys.argv[1:]
for name in order:
    importlib.import_module(name)
import av, cv2, livekit, LiveKit as lk, numpy as np
from livekit import rtc

assert lk.__name__ == "livekit_studio" and hasattr(rtc, "Room") and not hasattr(livekit, "Compositor")

def theirs_av():
    with av.open(clip) as container:
        return next(container.decode(video=0)).to_ndarray(format="bgr24")

def theirs_cv():
    capture = cv2.VideoCapture(clip, cv2.CAP_FFMPEG)
    ok, picture = capture.read()
    assert ok, "OpenCV reads nothing"
    return picture

def ours():
    return lk.LazyPlayer(clip).frame(0.0).to_ndarray("bgr24")

# twice, and in turns: whoever is first must not be the only one who works
for _ in range(2):
    pictures = [read() for read in (theirs_av, theirs_cv, ours)]
    for picture in pictures[:2]:
        assert picture.shape == pictures[2].shape
        off = np.abs(picture.astype(int) - pictures[2].astype(int))
        assert off.mean() < 4, f"pictures differ by {off.mean():.1f}"

# PyAV encodes while we do
scene = lk.Compositor(320, 180, fps=30)
scene.add(clip, fit="cover")
with av.open("/tmp/theirs.mp4", "w") as out:
    stream = out.add_stream("libx264", rate=30)
    stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
    for frame in scene.frames("rgb24", realtime=False, seconds=1):
        out.mux(stream.encode(av.VideoFrame.from_ndarray(frame.array, format="rgb24")))
    out.mux(stream.encode(None))
scene.render("/tmp/ours.mp4", frames=30)
for path in ("/tmp/theirs.mp4", "/tmp/ours.mp4"):
    with av.open(path) as container:
        assert sum(1 for _ in container.decode(video=0)) == 30, path

# PyPI's livekit speaks to its own library
frame = rtc.VideoFrame(64, 48, rtc.VideoBufferType.RGBA, bytearray(64 * 48 * 4))
assert frame.convert(rtc.VideoBufferType.I420).width == 64

owners = {}
with open("/proc/self/maps") as maps:
    for line in maps:
        if "libavcodec" in line:
            *_, folder, name = line.split()[-1].split("/")
            owners[folder] = name
assert len(owners) == 3, owners
print(len(owners), "FFmpegs:", "; ".join(f"{name} in {folder}" for folder, name in sorted(owners.items())), flush=True)
"""

failed = []
said = ""
aborted = 0
orders = list(permutations(NAMES))
for order in orders:
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, sys.argv[1], *order],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode == -signal.SIGABRT and done.stdout and THEIRS.search(done.stderr):
        aborted += 1
    elif done.returncode != 0:
        failed.append(f"{' '.join(order)}: status {done.returncode}\n{done.stderr[-1500:]}")
    said = done.stdout.strip() or said
print(f"  {len(orders) - len(failed)} of {len(orders)} orders of {', '.join(NAMES)}; {said}")
if aborted:
    print(f"  PyPI's livekit aborted {aborted} of these programs at their end")
if failed:
    sys.exit("\n".join(failed))

# SPDX-License-Identifier: GPL-2.0-or-later
"""On a machine without a library for devices, displays or media: importing works, files are composed, and every class
that needs one of them raises a typed error that says what to install."""

from __future__ import annotations

import ctypes.util
import os
import re
import sys
from collections.abc import Callable

import LiveKit as lk

for name in (
    "avcodec",
    "pipewire-0.3",
    "asound",
    "X11",
    "xcb",
    "wayland-client",
    "vulkan",
    "GL",
    "pulse",
    "fontconfig",
):
    assert ctypes.util.find_library(name) is None, f"lib{name} is there: this proves nothing"
    assert not [f for f in os.listdir("/usr/lib/x86_64-linux-gnu") if f.startswith(f"lib{name}.so")], name

PICTURE = lk.Color("red")
NEEDS: dict[str, Callable[[], object]] = {
    "microphones": lk.microphones,
    "speakers": lk.speakers,
    "Microphone": lk.Microphone,
    "Speaker": lk.Speaker,
    "AudioInputDeviceList": lk.AudioInputDeviceList,
    "AudioOutputDeviceList": lk.AudioOutputDeviceList,
    "AudioDeviceWatch": lk.AudioDeviceWatch,
    "AudioRepeater": lambda: lk.AudioRepeater(0, 0),
    "VirtualMicrophone": lambda: lk.VirtualMicrophone("a"),
    "VirtualSpeaker": lambda: lk.VirtualSpeaker("a"),
    "VirtualCamera": lambda: lk.VirtualCamera(640, 360, 30),
    "Camera": lambda: lk.Camera(0),
    "camera:": lambda: lk.open("camera:any"),
    "Viewer": lambda: lk.Viewer(320, 180, "a"),
    "windows": lk.windows,
    "WindowList": lk.WindowList,
    "WindowCapture": lambda: lk.WindowCapture(title="a"),
    "ScreenCapture": lk.ScreenCapture,
    "screen": lambda: lk.open("screen"),
    "Compositor with a window": lambda: lk.Compositor(320, 180, 320, 180, "a").draw(),
}
# of these a machine may have none without lacking anything: an empty list is the right answer
MAY_BE_EMPTY = {
    "AudioInputDeviceList",
    "AudioOutputDeviceList",
    "WindowList",
    "microphones",
    "speakers",
    "windows",
    "AudioDeviceWatch",
}
INSTALL = re.compile(r"\binstall|\bapt\b|\bpackage|libpipewire|libasound|modprobe|plug ")

wrong = []
for name, use in NEEDS.items():
    try:
        found = use()
    except lk.LiveKitError as error:
        hint = error.hint or ""
        print(f"  {name}: {type(error).__name__}: {error}\n      -> {hint}")
        if not INSTALL.search(f"{error} {hint}"):
            wrong.append(f"{name}: its error names nothing to install: {error!r} ({hint})")
    except BaseException as error:
        wrong.append(f"{name}: {error!r} is not a LiveKitError")
    else:
        print(f"  {name}: {found!r}")
        if name not in MAY_BE_EMPTY:
            wrong.append(f"{name}: no error, although nothing it needs is there")

# what needs none of them works
scene = lk.Compositor(320, 180, fps=30)
scene.add(lk.Text("works", font_size=40), anchor="center")
assert scene.render("/tmp/works.mp4", frames=30).frames == 30
for path in ("/tmp/works.webm", "/tmp/works.mkv", "/tmp/works.gif"):
    scene.render(path, frames=10)
    assert lk.MediaInfo(path).has_video()
# a library of the system's own would be one that this machine does not lack by accident
with open("/proc/self/maps", encoding="ascii") as maps:
    loaded = sorted({line.split()[-1] for line in maps if ".so" in line})
print("  loaded: " + ", ".join(os.path.basename(path) for path in loaded))
assert not [path for path in loaded if "libav" in path and "livekit_studio.libs" not in path], loaded
if wrong:
    sys.exit("\n".join(wrong))

# SPDX-License-Identifier: GPL-2.0-or-later
"""On a machine without a library for devices, displays or media: importing works, files are composed, and of every
public name it is known whether it works there or raises a typed error that says what to install."""

from __future__ import annotations

import contextlib
import ctypes.util
import dataclasses
import os
import re
import sys
import warnings
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
    "view": lambda: lk.view(lk.Color("red"), seconds=1),
    "play": lambda: lk.play("/tmp/works.mp4", seconds=1),
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


def record() -> None:
    with lk.Compositor(320, 180, fps=30) as scene, lk.Recorder("/tmp/recorded.mp4", source=scene):
        scene.run(frames=6)
    assert lk.MediaInfo("/tmp/recorded.mp4").has_video()


def own_target() -> None:
    class Mine(lk.VideoTarget):
        def push(self, array: object, is_flipped: bool = False) -> None:
            got.append(array)

    got: list[object] = []
    lk.Compositor(64, 48).render(Mine(), frames=2)
    assert len(got) == 2


def function() -> None:
    red = lk.Color("red", size=(64, 48)).frame(format="rgb24")
    assert lk.FunctionSource(lambda t: red).frame().size == (64, 48)


def share() -> None:
    with lk.IPCTarget("nothing", 64, 48) as target, lk.IPCSource("nothing") as source:
        lk.Compositor(64, 48).render(target, frames=1)
        assert source.frame().size == (64, 48)


# what needs none of them works
scene = lk.Compositor(320, 180, fps=30)
scene.add(lk.Text("works", font_size=40), anchor="center")
scene.add(lk.TestPattern(64, 48), at=(0, 0))
assert scene.render("/tmp/works.mp4", frames=30).frames == 30
for path in ("/tmp/works.webm", "/tmp/works.mkv", "/tmp/works.gif"):
    scene.render(path, frames=10)
    assert lk.MediaInfo(path).has_video()
scene.screenshot("/tmp/works.png")
WORKS: dict[str, Callable[[], object]] = {
    "AudioMixer": lambda: lk.AudioMixer().close(),
    "AudioPort": lk.AudioPort,
    "CameraList": lk.CameraList,
    "CameraWatch": lambda: lk.CameraWatch().close(),
    "Color": lambda: lk.Color("red").frame(),
    "Compositor": scene.frame,
    "Copier": lambda: lk.Copier("/tmp/works.mp4", "/tmp/copied.mkv").wait(),
    "FunctionSource": function,
    "IPCSource": share,
    "IPCTarget": share,
    "ImageFile": lambda: lk.ImageFile("/tmp/works.png").frame(),
    "LazyPlayer": lambda: lk.LazyPlayer("/tmp/works.mp4").frame(0.5),
    "MediaInfo": lambda: lk.MediaInfo("/tmp/works.mp4"),
    "NullTarget": lambda: scene.render(lk.NullTarget(), frames=2),
    "Player": lambda: lk.Player("/tmp/works.mp4").close(),
    "Recorder": record,
    "StillSource": lambda: lk.StillSource(scene.frame()),
    "TestPattern": lambda: lk.TestPattern(64, 48).frame(3),
    "Text": lambda: lk.Text("a").frame(),
    "VideoPort": lambda: lk.VideoPort().set_source("/tmp/works.mp4"),
    "cameras": lk.cameras,
    "doctor": lk.doctor,
    "licenses": lk.licenses,
    "open": lambda: lk.open("/tmp/works.mp4").frame(),
    "render": lambda: lk.render(scene, "/tmp/works.mp4", frames=2),
    "set_frame_memory": lambda: lk.set_frame_memory(1024),
    "set_threads": lambda: lk.set_threads(2),
}
# these two give arrays; NumPy wants the system's C++ library, which the slimmest machines lack
ARRAYS = {"VideoTarget": own_target, "read_audio": lambda: lk.read_audio("/tmp/works.mkv").shape}
with contextlib.suppress(ImportError):
    import numpy  # noqa: F401

    WORKS |= ARRAYS

wrong = []
for name, use in WORKS.items():
    try:
        use()
    except BaseException as error:
        wrong.append(f"{name}: needs none of what is missing, and fails all the same: {error!r}")


def is_made_by_others(thing: object) -> bool:
    """Errors, what is only told, and what only methods of others give."""
    if not isinstance(thing, type):
        return False
    if issubclass(thing, Exception) or dataclasses.is_dataclass(thing):
        return True
    try:
        thing()
    except TypeError as error:
        return "No constructor" in str(error) or "cannot create" in str(error)
    except lk.LiveKitError:
        pass
    return False


for name in sorted(set(lk.__all__) - set(NEEDS) - set(WORKS) - set(ARRAYS) - {"__version__"}):
    if not is_made_by_others(getattr(lk, name)):
        wrong.append(f"{name}: nobody says whether it works here")
print(f"  {len(WORKS)} names work, {len(NEEDS)} say what they need")
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

# a compositor with a window goes on without it, and warns in the same words
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    lk.Compositor(320, 180, 320, 180, "a").draw()
if not any(INSTALL.search(str(warning.message)) for warning in warned):
    wrong.append(f"Compositor with a window: no warning names what to install: {warned}")

# a library of the system's own would be one that this machine does not lack by accident
with open("/proc/self/maps", encoding="ascii") as maps:
    loaded = sorted({line.split()[-1] for line in maps if ".so" in line})
print("  loaded: " + ", ".join(os.path.basename(path) for path in loaded))
assert not [path for path in loaded if "libav" in path and "livekit_studio.libs" not in path], loaded
if wrong:
    sys.exit("\n".join(wrong))

# SPDX-License-Identifier: GPL-2.0-or-later
"""What is particular to Windows: sharing between processes at speed, and the camera that other programs load."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import LiveKit as lk
import numpy as np
import pytest

if sys.platform != "win32":
    pytest.skip("these are tests of Windows", allow_module_level=True)

PATIENCE = 60.0
WIDTH, HEIGHT = 320, 180

# A writer whose picture n is all n: a torn one would be of two.
WRITE = """
    import sys, time
    import LiveKit as lk, numpy as np
    name, width, height, fps, count = sys.argv[1], *map(int, sys.argv[2:6])
    target = lk.IPCTarget(name, width, height, False)
    print("shared", flush=True)
    sys.stdin.readline()
    start = time.perf_counter()
    for n in range(count):
        target.push(np.full((height, width, 3), n % 251, np.uint8))
        left = start + (n + 1) / fps - time.perf_counter()
        if left > 0:
            time.sleep(left)
    print("done", flush=True)
    sys.stdin.readline()
"""


class Writer:
    """A process that shares pictures, killed at the end."""

    def __init__(self, *arguments: object) -> None:
        command = [sys.executable, "-c", dedent(WRITE), *map(str, arguments)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
        self.expect("shared")

    def expect(self, word: str) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == word

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)


def test_two_processes_share_720p60_and_no_picture_is_torn() -> None:
    source = lk.IPCSource("fast")
    with Writer("fast", 1280, 720, 60, 300) as writer:
        writer.go_on()
        seen = []
        for frame in source.frames(timeout=PATIENCE):
            array = frame.array
            value = int(array[0, 0, 0])
            assert (array == value).all(), "a torn picture"
            seen.append(value)
            if value >= 240 or len(seen) >= 280:
                break
    steps = np.diff(seen)
    assert (steps > 0).all(), "in order, each once"
    assert len(seen) > 60
    statistics = source.statistics()
    print(f"{len(seen)} pictures seen, {statistics.lost} lost, {statistics.copied} copied")


def test_killed_writers_are_survived() -> None:
    source = lk.IPCSource("mortal")
    for attempt in range(5):
        with Writer("mortal", 64, 48, 60, 10**6) as writer:
            writer.go_on()
            before = source.statistics().frames
            end = time.monotonic() + PATIENCE
            while source.statistics().frames < before + 5:
                assert time.monotonic() < end, f"no picture of writer {attempt}"
                time.sleep(0.01)
            with pytest.raises(lk.BusyError):
                lk.IPCTarget("mortal", 64, 48)
        end = time.monotonic() + PATIENCE
        while source.state != "reconnecting":
            assert time.monotonic() < end, source.state
            time.sleep(0.01)
        assert source.frame().size == (64, 48), "the last picture stays"
    assert source.statistics().writers == 5
    with lk.IPCTarget("mortal", 64, 48) as target:
        assert target.size() == (64, 48)


# ---- The camera -----------------------------------------------------------------------------------------------


def vcam(*arguments: str) -> str:
    command = [sys.executable, "-P", "-m", "livekit_studio", "vcam", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def other_program(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """ffmpeg.exe of somebody else's."""
    command = ["ffmpeg", "-hide_banner", "-loglevel", "info", "-nostdin", *arguments]
    return subprocess.run(command, capture_output=True, timeout=120, check=False)


@pytest.fixture
def registered() -> Iterator[None]:
    if shutil.which("ffmpeg") is None:
        pytest.skip("needs an ffmpeg.exe, which is not on the path")
    vcam("register", "--size", f"{WIDTH}x{HEIGHT}", "--fps", "30")
    yield
    vcam("unregister")


def listed() -> bool:
    told = other_program("-f", "dshow", "-list_devices", "true", "-i", "dummy").stderr.decode(
        errors="replace"
    )
    return re.search(r'"LiveKit" \(video\)', told) is not None


def captured(frames: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Luma of what ffmpeg.exe gets of the camera; every picture as it comes."""
    done = other_program(
        *("-f", "dshow", "-rtbufsize", "200M", "-i", "video=LiveKit", "-frames:v", str(frames)),
        *("-c:v", "copy", "-f", "rawvideo", "-"),
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-3000:]
    pictures = np.frombuffer(done.stdout, np.uint8)
    assert len(pictures) % (width * height * 2) == 0
    return pictures.reshape(-1, height, width, 2)[..., 0]


def test_the_camera_is_listed_while_it_is_registered(registered: None) -> None:
    assert listed()
    assert "LiveKitVCam" in vcam("status")
    vcam("unregister")
    assert not listed()
    assert "not registered" in vcam("status")


def test_another_program_sees_300_pictures_whole_and_in_order(registered: None) -> None:
    with Writer("LiveKitVCam", WIDTH, HEIGHT, 30, 10**6) as writer:
        writer.go_on()
        lumas = captured(300)
    assert len(lumas) == 300
    values = [int(luma[0, 0]) for luma in lumas]
    assert all((luma == luma[0, 0]).all() for luma in lumas[5:]), "a torn picture"
    # a gray of n has the luma 16 + n * 219 / 255, so that neighbours may have the same
    steps = np.diff(values[5:])
    assert ((steps >= 0) & (steps <= 4) | (steps < -150)).all(), values
    assert len(set(values)) > 150


def test_standby_and_writers_that_come_and_go(registered: None) -> None:
    standby = captured(5)
    assert (standby[-1] > 100).any(), "the standby picture says something"
    assert (standby[-1][:20] == standby[-1][0, 0]).all(), "on black"
    with Writer("LiveKitVCam", WIDTH, HEIGHT, 30, 10**6) as writer:
        writer.go_on()
        assert (captured(40)[-1] != 16).any()
    again = captured(5)
    assert np.array_equal(again[-1], standby[-1])


def test_the_registry_says_what_the_camera_is(registered: None) -> None:
    import winreg

    path = r"Software\LiveKitVCam\Video"
    with winreg.CreateKey(winreg.HKEY_CURRENT_USER, path) as key:
        winreg.SetValueEx(key, "mapping_name", 0, winreg.REG_SZ, "another")
        winreg.SetValueEx(key, "width", 0, winreg.REG_DWORD, 160)
        winreg.SetValueEx(key, "height", 0, winreg.REG_DWORD, 120)
    with Writer("another", 160, 120, 30, 10**6) as writer:
        writer.go_on()
        lumas = captured(30, 160, 120)
    assert (lumas[-1] == lumas[-1][0, 0]).all()
    assert len({int(luma[0, 0]) for luma in lumas}) > 10


def test_regsvr32_registers_it_too(registered: None) -> None:
    library = Path(lk.__file__).parent / "livekit_studio" / "livekit_vcam.dll"
    vcam("unregister")
    regsvr = os.path.join(os.environ["SYSTEMROOT"], "system32", "regsvr32.exe")
    subprocess.run([regsvr, "/s", str(library)], check=True, timeout=PATIENCE)
    assert listed()
    subprocess.run([regsvr, "/s", "/u", str(library)], check=True, timeout=PATIENCE)
    assert not listed()


# ---- The desktop ----------------------------------------------------------------------------------------------


def test_a_window_shows_what_it_is_given_and_is_captured() -> None:
    picture = np.zeros((120, 160, 3), np.uint8)
    picture[:60, :80] = (255, 0, 0)
    picture[60:, 80:] = (0, 255, 0)
    viewer = lk.Viewer(160, 120)
    port = lk.VideoPort()
    viewer.set_source(port)
    port.push(picture)
    try:
        assert viewer.draw()
        with lk.WindowCapture(pid=os.getpid()) as capture:
            end = time.monotonic() + PATIENCE
            while True:
                viewer.draw()
                seen = capture.frame(timeout=PATIENCE).to_ndarray("bgr24")
                if seen.shape == picture.shape and np.array_equal(seen, picture):
                    break
                assert time.monotonic() < end, "it never shows the picture"
    finally:
        viewer.close()
    assert not viewer.draw()

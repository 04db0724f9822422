# SPDX-License-Identifier: GPL-2.0-or-later
"""What is particular to Windows: sharing between processes at speed, and the camera that other programs load."""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from textwrap import dedent

import LiveKit as lk
import media
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


def capture_of(frames: int) -> list[str]:
    return [
        *("-f", "dshow", "-rtbufsize", "200M", "-i", "video=LiveKit", "-frames:v", str(frames)),
        *("-c:v", "copy", "-f", "rawvideo", "-"),
    ]


def captured(frames: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Luma of what ffmpeg.exe gets of the camera; every picture as it comes."""
    done = other_program(*capture_of(frames))
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-3000:]
    return lumas_of(done.stdout, width, height)


def lumas_of(data: bytes, width: int, height: int) -> np.ndarray:
    pictures = np.frombuffer(data, np.uint8)
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


def test_several_programs_see_the_same(registered: None) -> None:
    """Two of somebody else's and one of ours at a time, each with pictures whole and in order."""
    with Writer("LiveKitVCam", WIDTH, HEIGHT, 30, 10**6) as writer:
        writer.go_on()
        with ThreadPoolExecutor(3) as readers, lk.Camera("LiveKit", format="yuyv422") as camera:
            others = [readers.submit(other_program, *capture_of(90)) for _ in range(2)]
            ours = [int(frame.array[0, 0, 0]) for frame in islice(camera.frames(timeout=PATIENCE), 90)]
            done = [other.result(PATIENCE) for other in others]
    for other in done:
        assert other.returncode == 0, other.stderr.decode(errors="replace")[-3000:]
        lumas = lumas_of(other.stdout, WIDTH, HEIGHT)[5:]
        assert len(lumas) == 85
        assert all((luma == luma[0, 0]).all() for luma in lumas), "a torn picture"
        in_order([int(luma[0, 0]) for luma in lumas])
    in_order(ours[5:])


def in_order(values: list[int]) -> None:
    steps = np.diff(values)
    # the last picture is shown again where one is late, and one is left out where two come at a time
    assert ((steps >= 0) & (steps <= 8) | (steps < -150)).all(), values
    assert len(set(values)) > 40, values


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


def test_the_camera_is_a_source_here(registered: None) -> None:
    (info,) = [camera for camera in lk.cameras() if camera.name == "LiveKit"]
    assert info.backend == "DirectShow"
    assert {mode.format for mode in info.modes} == {"yuyv422", "bgr24"}
    for name in ("yuyv422", "bgr24"):
        with (
            Writer("LiveKitVCam", WIDTH, HEIGHT, 30, 10**6) as writer,
            lk.Camera("LiveKit", format=name) as camera,
        ):
            assert camera.size() == (WIDTH, HEIGHT)
            writer.go_on()
            seen = []
            for frame in camera.frames(timeout=PATIENCE):
                array = frame.to_ndarray("bgr24")
                if np.ptp(array) <= 2:
                    seen.append(int(array[0, 0, 0]))
                if len(seen) == 30:
                    break
        steps = np.diff(seen)
        assert ((steps >= -1) & (steps <= 8) | (steps < -150)).all(), seen
        assert len(set(seen)) > 10


def test_what_has_the_first_row_last_is_upright(registered: None) -> None:
    with (
        lk.IPCTarget("LiveKitVCam", WIDTH, HEIGHT, False) as target,
        lk.Camera("LiveKit", format="bgr24") as camera,
    ):
        picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        picture[: HEIGHT // 2] = (10, 200, 90)
        target.push(picture)
        end = time.monotonic() + PATIENCE
        for frame in camera.frames(timeout=PATIENCE):
            if np.array_equal(frame.to_ndarray("bgr24"), picture):
                break
            assert time.monotonic() < end, "it never comes"


def test_regsvr32_registers_it_too(registered: None) -> None:
    library = Path(lk.__file__).with_name("livekit_vcam.dll")
    vcam("unregister")
    regsvr = os.path.join(os.environ["SYSTEMROOT"], "system32", "regsvr32.exe")
    subprocess.run([regsvr, "/s", str(library)], check=True, timeout=PATIENCE)
    assert listed()
    subprocess.run([regsvr, "/s", "/u", str(library)], check=True, timeout=PATIENCE)
    assert not listed()


# ---- The desktop ----------------------------------------------------------------------------------------------


GRAPHICS = "Windows.Graphics.Capture"
PICTURE = np.zeros((120, 160, 3), np.uint8)
PICTURE[:60, :80] = (255, 0, 0)
PICTURE[60:, 80:] = (0, 255, 0)


@pytest.fixture
def viewer() -> Iterator[lk.Viewer]:
    """A window that shows PICTURE."""
    window, port = lk.Viewer(160, 120), lk.VideoPort()
    window.set_source(port)
    port.push(PICTURE)
    assert window.draw()
    yield window
    window.close()
    assert not window.draw()


def by_the_system() -> str:
    """How the command line says that screens are seen."""
    command = [sys.executable, "-P", "-m", "livekit_studio", "doctor"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False).stdout
    (way,) = re.findall(r"by (GDI|Windows\.Graphics\.Capture)", told)
    return str(way)


@pytest.mark.parametrize("display", [None, "gdi", "wgc"])
def test_a_window_shows_what_it_is_given_and_is_captured(viewer: lk.Viewer, display: str | None) -> None:
    if display == "wgc" and by_the_system() != GRAPHICS:
        with pytest.raises(lk.DisplayError, match=GRAPHICS) as missing:
            lk.WindowCapture(pid=os.getpid(), display=display)
        assert 'display="gdi"' in str(missing.value.hint)
        return
    with lk.WindowCapture(pid=os.getpid(), display=display) as capture:
        end = time.monotonic() + PATIENCE
        while True:
            viewer.draw()
            seen = capture.frame().to_ndarray("bgr24")
            if seen.shape == PICTURE.shape and np.array_equal(seen, PICTURE):
                break
            assert time.monotonic() < end, "it never shows the picture"


def test_windows_has_one_desktop_and_ways_to_see_it() -> None:
    assert lk.windows(display="gdi") == lk.windows()
    for open_it in (lambda name: lk.ScreenCapture(display=name), lambda name: lk.windows(display=name)):
        with pytest.raises(lk.DisplayError, match="one desktop") as error:
            open_it(":0")
        assert '"wgc"' in str(error.value.hint)


def test_a_window_that_was_iconified_is_seen_again(viewer: lk.Viewer) -> None:
    import ctypes

    def wait(capture: lk.WindowCapture, state: str) -> None:
        end = time.monotonic() + PATIENCE
        while capture.state != state:
            viewer.draw()
            assert time.monotonic() < end, f"{capture.state}, never {state}"
            time.sleep(0.02)

    minimize, restore = 6, 9
    show = ctypes.WinDLL("user32").ShowWindow
    with lk.WindowCapture(pid=os.getpid()) as capture:
        wait(capture, "live")
        window = capture.window
        assert window is not None
        show(window.id, minimize)
        wait(capture, "stalled")
        frames = capture.frames
        show(window.id, restore)
        wait(capture, "live")
        assert capture.frames > frames
        end = time.monotonic() + PATIENCE
        while not np.array_equal(capture.frame().to_ndarray("bgr24"), PICTURE):
            viewer.draw()
            assert time.monotonic() < end, "it never shows what it showed before"


@pytest.mark.parametrize("display", [None, "gdi"])
def test_the_screen_shows_a_window_too(display: str | None) -> None:
    viewer = lk.Viewer(160, 120)
    port = lk.VideoPort()
    viewer.set_source(port)
    port.push(np.full((120, 160, 3), (200, 30, 220), np.uint8))
    try:
        with lk.ScreenCapture(display) as capture:
            end = time.monotonic() + PATIENCE
            while True:
                viewer.draw()
                seen = capture.frame().to_ndarray("bgr24")
                if (seen == (200, 30, 220)).all(axis=2).sum() == 120 * 160:
                    break
                assert time.monotonic() < end, "it is never on the screen"
        left, top = np.argwhere((seen == (200, 30, 220)).all(axis=2))[0][::-1]
        part = (int(left) - 1, int(top), 20, 10)
        with lk.ScreenCapture(display, part) as capture:
            while not (capture.frame().to_ndarray("bgr24")[:, 1:] == (200, 30, 220)).all():
                viewer.draw()
                assert time.monotonic() < end, "its corner is never seen"
            assert capture.size() == (20, 10)
        with pytest.raises(lk.ParameterError, match="outside the screen"):
            lk.ScreenCapture(display, (0, 0, 10_000, 10))
    finally:
        viewer.close()


def example(name: str, *arguments: object) -> subprocess.Popen[str]:
    path = Path(__file__).parents[2] / "examples" / "python" / name
    command = [sys.executable, "-P", str(path), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)


def test_the_programs_of_2020_share_a_film(numbered: Path) -> None:
    reader = example("ipc_2020.py", "read")
    try:
        end = time.monotonic() + PATIENCE
        while "IPCSource => Viewer" not in [window.title for window in lk.windows()]:
            assert time.monotonic() < end, "no window is opened"
            time.sleep(0.1)
        with lk.WindowCapture(title="IPCSource => Viewer") as capture:
            assert example("ipc_2020.py", "write", numbered).wait(PATIENCE) == 0
            end = time.monotonic() + PATIENCE
            while capture.frame().to_ndarray("bgr24").max() < 200:
                assert time.monotonic() < end, "the film is never shown"
                time.sleep(0.05)
    finally:
        reader.kill()
        reader.wait(PATIENCE)


def test_the_program_of_2020_is_a_camera(registered: None) -> None:
    vcam("register", "--size", "1280x720", "--fps", "30")
    with lk.IPCSource("LiveKitVCam") as source, example("vcam_2020.py", 60) as writer:
        assert source.frame(timeout=PATIENCE).size == (1280, 720)
        lumas = captured(30, 1280, 720)
        moves = not np.array_equal(lumas[-1], lumas[-10])
        assert moves, "the pattern stands still"
        assert lumas[-1].std() > 30
        writer.kill()


# ---- Sound ----------------------------------------------------------------------------------------------------


def heard(level: float) -> None:
    """Waits until the microphone hears that, in dBFS as sines have it."""
    with lk.AudioMixer() as mixer, lk.Microphone() as microphone:
        ear = mixer.add(microphone)
        end = time.monotonic() + PATIENCE
        while abs(ear.rms[0] + 10 * math.log10(2) - level) > 0.5:
            assert time.monotonic() < end, f"{ear.rms} is heard"
            time.sleep(0.1)


@pytest.fixture
def sound() -> None:
    if not lk.speakers() or "LIVEKIT_TEST_MICROPHONE" not in os.environ:
        pytest.skip("there are no sound devices: this needs PulseAudio, which is not running")


def test_devices_are_listed(sound: None) -> None:
    for devices in (lk.speakers(), lk.microphones()):
        assert [device.is_default for device in devices].count(True) == 1
        assert devices[0].is_default
        assert all(device.rate > 0 and device.name for device in devices)


def test_the_microphone_hears_what_is_there(sound: None) -> None:
    heard(float(os.environ["LIVEKIT_TEST_MICROPHONE"]))


def test_a_tone_is_played(sound: None, tmp_path: Path) -> None:
    """Whoever runs the tests listens to the speaker and measures what comes: 1 kHz at -20 dBFS."""
    tone = media.write_sound(tmp_path / "tone.wav", np.repeat(media.tone(4, 1000, 0.1)[:, :1], 2, axis=1))
    # the player is heard by itself too, unless that goes to a channel
    with lk.Player(tone, True, True, -7) as player, lk.Speaker(source=player) as speaker:
        player.start()
        end = time.monotonic() + PATIENCE
        while not player.is_eof_reached():
            assert time.monotonic() < end
            time.sleep(0.1)
        assert speaker.state == "live"
        assert speaker.statistics().underruns < 20

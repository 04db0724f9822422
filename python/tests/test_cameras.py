# SPDX-License-Identifier: GPL-2.0-or-later
"""Cameras: what is said where there is none, and everything else on the first one there is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import LiveKit as lk
import media
import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples" / "python"
PROGRAM = str(Path(sys.executable).with_name("livekit-studio"))
SMALL = 320  # columns; cameras of tests may be drawn by an emulated processor
PATIENCE = 60.0


@pytest.fixture
def info() -> lk.CameraInfo:
    found = [camera for camera in lk.cameras() if camera.modes]
    if not found:
        pytest.skip("there is no camera")
    return found[0]


def small(info: lk.CameraInfo) -> tuple[int, int]:
    modes = [mode for mode in info.modes if mode.size[0] <= SMALL] or [info.modes[-1]]
    return modes[0].size


@pytest.fixture
def camera(info: lk.CameraInfo) -> Iterator[lk.Camera]:
    with lk.Camera(info, size=small(info)) as camera:
        yield camera


def test_lists_agree() -> None:
    cameras, names = lk.cameras(), lk.CameraList()
    assert names.to_pylist() == [camera.name for camera in cameras]
    assert names.size() == len(names) == len(cameras)
    for number, camera in enumerate(cameras):
        assert names.get(number) == camera.name
        assert camera.id
        for mode in camera.modes:
            assert mode.fps > 0
            assert min(mode.size) > 0
    for number in (-1, len(cameras)):
        with pytest.raises(IndexError):
            names.get(number)


@pytest.mark.parametrize("name", ["nobody's camera", "/dev/video987", "/dev/null", 987, -1])
def test_a_camera_that_is_not_there(name: str | int) -> None:
    with pytest.raises(lk.DeviceNotFoundError) as caught:
        lk.Camera(name)
    assert isinstance(caught.value, LookupError)
    assert caught.value.hint
    if name == "/dev/null":
        assert "is no camera" in str(caught.value)


def test_wishes_that_make_no_sense() -> None:
    with pytest.raises(lk.FormatError) as caught:
        lk.Camera(format="h264")
    assert "mjpeg" in (caught.value.hint or "")
    with pytest.raises(lk.FormatError):
        lk.Camera(size=(0, 480))
    with pytest.raises(lk.ParameterError):
        lk.Camera(fps=-5)


def test_names_stand_for_cameras() -> None:
    scene = lk.Compositor(64, 64)
    for wrong in ("camera:nobody's camera", "camera:/dev/null"):
        with pytest.raises(lk.DeviceNotFoundError):
            lk.open(wrong)
        with pytest.raises(lk.DeviceNotFoundError):
            scene.add(wrong)
    with pytest.raises(lk.MediaError):
        scene.audio.add("camera:nobody's camera")
    assert not scene.layers


def test_where_there_is_none() -> None:
    if lk.cameras():
        pytest.skip("there is a camera")
    with pytest.raises(lk.DeviceNotFoundError, match="there is no camera on this machine") as caught:
        lk.Camera()
    assert "plug one in" in (caught.value.hint or "")


def test_the_command_line_lists_them() -> None:
    done = subprocess.run(
        [PROGRAM, "devices", "--json"], capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    told = json.loads(done.stdout)
    assert [camera["id"] for camera in told["cameras"]] == [camera.id for camera in lk.cameras()]
    for camera, known in zip(told["cameras"], lk.cameras(), strict=True):
        assert len(camera["modes"]) == len(known.modes)
    done = subprocess.run([PROGRAM, "devices"], capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert done.stdout.startswith("cameras\n")


def test_a_watch_ends() -> None:
    with lk.CameraWatch() as watch:
        events = watch.events()
        threading.Timer(0.2, watch.close).start()
        assert all(event.kind == "device_state" for event in events)


def test_frames_are_fresh(camera: lk.Camera, info: lk.CameraInfo) -> None:
    assert camera.info == info
    assert camera.name == info.name
    assert camera.size() == camera.mode.size
    times = [camera.frame(timeout=PATIENCE).timestamp for _ in range(5)]
    assert times == sorted(set(times))
    assert time.monotonic() - times[-1] < 2
    assert camera.state == "live"
    frames = camera.frames(timeout=PATIENCE)
    given = [next(frames) for _ in range(5)]
    assert [frame.timestamp for frame in given] == sorted({frame.timestamp for frame in given})
    assert given[0].size == camera.size()
    assert given[0].to_ndarray("bgr24").std() > 5, "an empty picture"
    pixels, microseconds, flipped = camera.pull()
    assert pixels is not None
    assert pixels.shape == (*reversed(camera.size()), 3)
    assert abs(time.monotonic() - microseconds / 1e6) < 2
    assert not flipped
    statistics = camera.statistics()
    assert statistics.frames >= 10
    assert statistics.reconnects == 0


def test_closing(camera: lk.Camera) -> None:
    camera.frame(timeout=PATIENCE)
    frames = camera.frames()
    states: list[str] = []
    camera.on("source_state", lambda event: states.append(event.new))
    threading.Timer(0.3, camera.close).start()
    assert len(list(frames)) >= 1
    assert camera.state == "closed"
    with pytest.raises(lk.ClosedError):
        camera.frame()
    assert camera.pull()[0] is not None, "the last frame stays"
    camera.close()


def test_one_program_at_a_time(camera: lk.Camera, info: lk.CameraInfo) -> None:
    camera.frame(timeout=PATIENCE)
    with pytest.raises(lk.DeviceBusyError, match="this program"):
        lk.Camera(info)
    with pytest.raises(lk.FormatError) as caught:
        lk.Camera(info, size=(7, 7))
    assert f"{camera.size()[0]}x{camera.size()[1]}" in (caught.value.hint or "")


def test_ctrl_c_while_a_frame_is_waited_for(info: lk.CameraInfo) -> None:
    program = f"""
import signal, threading, time, LiveKit as lk
camera = lk.Camera({info.id!r})
threading.Timer(0.5, lambda: signal.raise_signal(signal.SIGINT)).start()
try:
    while True:
        camera.frame(timeout=None)
except KeyboardInterrupt:
    print("interrupted")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    assert done.stdout == "interrupted\n"


def test_to_a_scene_a_file_and_another_process(camera: lk.Camera, tmp_path: Path) -> None:
    width, height = camera.size()
    port = lk.VideoPort()
    camera.add_target(port)
    name = f"camera-test-{os.getpid()}"
    shared = lk.IPCTarget(name, width, height, False)
    camera.add_target(shared)
    path = tmp_path / "camera.mp4"
    with lk.Compositor(width, height, fps=10) as scene:
        scene.add(port)
        scene.add(camera, at=(0, 0), size=(32, 32))
        out = lk.VideoPort()
        scene.add_target(out)
        with lk.Recorder(path, source=scene):
            scene.run(seconds=2)
        shown = out.pull()[0]
        assert shown is not None
        with pytest.raises(lk.LiveSourceError):
            scene.render(tmp_path / "offline.mp4", seconds=1)
    seen = lk.IPCSource(name).frame(timeout=PATIENCE).to_ndarray("bgr24")
    own = camera.frame(timeout=PATIENCE).to_ndarray("bgr24")
    assert np.abs(seen.astype(int) - own).mean() < 20
    assert np.abs(shown[64:, :, :3].astype(int) - own[64:]).mean() < 20
    assert int(media.stream(path, "video")["nb_read_frames"]) >= 15
    camera.remove_target(shared)
    camera.remove_target(port)


def test_unplugged_while_it_is_recorded(camera: lk.Camera, tmp_path: Path) -> None:
    driver = Path("/sys/bus/platform/drivers/vivid")
    if not (driver / "vivid.0").exists() or not os.access(driver / "unbind", os.W_OK):
        pytest.skip("only the kernel's virtual camera is unplugged by a test: modprobe vivid, as root")
    path, fps = tmp_path / "unplugged.mp4", 10
    news = camera.events()
    camera.frame(timeout=PATIENCE)

    def wait(word: str) -> None:
        assert any(event.new == word for event in news)

    with lk.Recorder(path, source=camera, fps=fps, video_width=320, video_height=180) as recorder:
        time.sleep(1)
        (driver / "unbind").write_text("vivid.0")
        wait("reconnecting")
        assert camera.pull()[0] is not None, "the last frame stays"
        # what was not given yet may be there, but nothing new comes
        assert len(list(camera.frames(timeout=0.5))) <= 8
        (driver / "bind").write_text("vivid.0")
        wait("live")
        time.sleep(1)
        report = recorder.stop()
    assert camera.statistics().reconnects == 1
    frames = int(media.stream(path, "video")["nb_read_frames"])
    assert frames == round(report.duration * fps)
    assert frames >= 20
    for picture in media.decoded(path)[[0, frames // 2, -1]]:
        assert picture.std() > 20, "a picture without bars"


def test_the_examples(info: lk.CameraInfo, tmp_path: Path) -> None:
    media.need("Xvfb")
    files = [tmp_path / "camera.mp4", tmp_path / "all.mp4"]
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x720x24", "-noreset"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        display = f":{server.stdout.readline().decode().strip()}"
        try:
            done = subprocess.run(
                [sys.executable, EXAMPLES / "cameras_2020.py", *files, "3", *map(str, small(info))],
                env=os.environ | {"DISPLAY": display},
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
        finally:
            server.kill()
    assert done.returncode == 0, done.stderr
    assert info.name in done.stdout
    for path in files:
        assert int(media.stream(path, "video")["nb_read_frames"]) > 10
    done = subprocess.run(
        [sys.executable, EXAMPLES / "camera.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "camera-0.png").stat().st_size > 100

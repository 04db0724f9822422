# SPDX-License-Identifier: GPL-2.0-or-later
"""Virtual cameras, read by other programs; as a backend of pyvirtualcam; and the one that shows what is shared."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import LiveKit as lk
import numpy as np
import pytest
from numpy.typing import NDArray
from programs import run
from sound_session import Session, until

PROGRAM = [sys.executable, "-P", "-m", "livekit_studio"]
EXAMPLES = Path(__file__).parents[2] / "examples" / "python"
THEIRS = "https://raw.githubusercontent.com/letmaik/pyvirtualcam/v0.15.0/examples/"
SIZE = (320, 180)

Pixels = NDArray[np.uint8]


@pytest.fixture
def session(session: Session) -> Session:
    if not has_reader():
        pytest.skip("there is no pipewiresrc: apt install gstreamer1.0-tools gstreamer1.0-pipewire")
    return session


def has_reader() -> bool:
    if shutil.which("gst-inspect-1.0") is None:
        return False
    return (
        subprocess.run(["gst-inspect-1.0", "pipewiresrc"], stdout=subprocess.DEVNULL, check=False).returncode
        == 0
    )


def seen(name: str, size: tuple[int, int] = SIZE, frames: int = 5) -> Pixels:
    """What GStreamer reads of a camera, once it is there: the last of some pictures, in RGB."""
    width, height = size
    read: list[subprocess.CompletedProcess[bytes]] = []

    def whole() -> bool:
        done = subprocess.run(
            [
                *("timeout", "-s", "KILL", "30", "gst-launch-1.0", "-q"),
                *("pipewiresrc", f"target-object=livekit.{name}", f"num-buffers={frames}", "!"),
                *(f"video/x-raw,format=RGB,width={width},height={height}", "!", "fdsink", "fd=1"),
            ],
            capture_output=True,
            check=False,
        )
        read.append(done)
        return done.returncode == 0 and len(done.stdout) == frames * width * height * 3

    # a reader that is there first would wait for it until it is killed
    until(lambda: any(camera.name == name for camera in lk.cameras()), f"the camera {name} is there")
    until(whole, f"the camera {name} is read")
    return np.frombuffer(read[-1].stdout, np.uint8).reshape(frames, height, width, 3)[-1]


def shows(name: str, rgb: tuple[int, int, int], size: tuple[int, int] = SIZE) -> bool:
    """Whether all of a camera's picture has this colour."""
    return bool(np.abs(seen(name, size).astype(int) - rgb).max() <= 4)


def flat(rgb: tuple[int, int, int], size: tuple[int, int] = SIZE) -> Pixels:
    return np.full((size[1], size[0], 3), rgb, np.uint8)


def test_arrays_are_sent_and_seen(session: Session) -> None:
    with lk.VirtualCamera(*SIZE, 30, name="Arrays") as camera:
        assert isinstance(camera, lk.VideoTarget)
        assert (camera.width, camera.height, camera.fps, camera.format) == (*SIZE, 30.0, "rgb24")
        assert (camera.backend, camera.device, camera.state) == ("pipewire", "Arrays", "starting")
        assert shows("Arrays", (0, 0, 0))
        camera.send(flat((200, 40, 90)))
        assert shows("Arrays", (200, 40, 90))
        assert camera.state == "live"
        with lk.Camera("Arrays") as eye:
            picture = eye.frame(timeout=30).to_ndarray("rgb24").astype(int)
            assert np.abs(picture - (200, 40, 90)).max() <= 4
        # of another size and form, in the middle of black
        camera.push(np.full((360, 320, 3), (30, 60, 250), np.uint8))
        until(lambda: camera.statistics().frames == 2, "it goes out")
        picture = seen("Arrays").astype(int)
        assert np.abs(picture[:, 90:230] - (250, 60, 30)).max() <= 4
        assert picture[:, :78].max() == 0
        assert camera.statistics().repeated > 0
        assert camera.statistics().dropped == 0
    with pytest.raises(lk.ClosedError):
        camera.send(flat((0, 0, 0)))


def test_the_rhythm_is_kept(session: Session) -> None:
    with lk.VirtualCamera(*SIZE, (25, 1), name="Rhythm") as camera:
        begin = time.monotonic()
        for _ in range(50):
            camera.send(flat((1, 2, 3)))
            camera.sleep_until_next_frame()
        elapsed = time.monotonic() - begin
        # it cannot be faster than the rate, and a busy machine makes it slower
        assert elapsed >= 49 / 25
        assert camera.frames_sent == 50
        assert 0 < camera.current_fps < 100


def test_a_scene_is_a_camera(session: Session) -> None:
    with lk.Compositor(*SIZE, fps=30) as scene, lk.VirtualCamera(*SIZE, 30, name="Scene") as camera:
        scene.add("color:#2080c0")
        scene.add_target(camera)
        scene.start()
        until(lambda: camera.statistics().frames > 5, "pictures go out")
        assert shows("Scene", (0x20, 0x80, 0xC0))


@pytest.mark.parametrize("format", ["yuv420p", "nv12", "yuyv422", "bgra"])
def test_formats(session: Session, format: Any) -> None:
    with lk.VirtualCamera(*SIZE, 30, format=format, name="Formats") as camera:
        frame = lk.Frame.from_ndarray(flat((90, 160, 40)), "rgb24")
        camera.send(frame.to_ndarray(format))
        assert shows("Formats", (90, 160, 40))


def test_errors(session: Session) -> None:
    with lk.VirtualCamera(*SIZE, 30) as camera:
        for array in (
            np.zeros((180, 320), np.uint8),
            np.zeros((180, 320, 3), np.float32),
            flat((0, 0, 0), (8, 8)),
        ):
            with pytest.raises(lk.FormatError):
                camera.send(array)  # type: ignore[arg-type]
    for size in ((0, 180), (321, 180)):
        with pytest.raises(lk.FormatError):
            lk.VirtualCamera(*size, 30)
    with pytest.raises(lk.ParameterError):
        lk.VirtualCamera(*SIZE, 0)
    with pytest.raises(lk.ParameterError):
        lk.VirtualCamera(*SIZE, 30, name="")
    with pytest.raises(lk.DeviceNotFoundError, match="video251"):
        lk.VirtualCamera(*SIZE, 30, device="/dev/video251")


@pytest.mark.skipif(
    bool(list(Path("/dev").glob("video*"))), reason="there is a video device, perhaps v4l2loopback's"
)
def test_without_a_way_out_the_message_has_the_commands(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("PIPEWIRE_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(lk.DeviceError, match=r"sudo modprobe v4l2loopback .*apt install pipewire"):
        lk.VirtualCamera(*SIZE, 30)


def test_ctrl_c_ends_the_sleep(session: Session) -> None:
    done = run(
        """
        import os, signal, threading
        import LiveKit as lk, numpy as np
        camera = lk.VirtualCamera(64, 48, "1/60")
        camera.send(np.zeros((48, 64, 3), np.uint8))
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            camera.sleep_until_next_frame()
        except KeyboardInterrupt:
            print("interrupted")
        """
    )
    assert done.stdout == "interrupted\n"


# ---- pyvirtualcam ---------------------------------------------------------------------------------------------------


@pytest.fixture
def pyvirtualcam() -> Any:
    return pytest.importorskip(
        "pyvirtualcam", reason="pyvirtualcam is not installed: pip install pyvirtualcam"
    )


def test_the_backend_takes_every_format(session: Session, pyvirtualcam: Any) -> None:
    import livekit_studio.pyvirtualcam  # noqa: F401  (it registers itself)

    rgb = lk.Frame.from_ndarray(flat((120, 120, 120)), "rgb24")
    formats = pyvirtualcam.PixelFormat
    yuyv = rgb.to_ndarray("yuyv422")
    sent = {
        formats.RGB: flat((120, 120, 120)),
        formats.BGR: flat((120, 120, 120)),
        formats.RGBA: np.dstack([flat((120, 120, 120)), np.full(SIZE[::-1], 255, np.uint8)]),
        formats.GRAY: np.full(SIZE[::-1], 120, np.uint8),
        formats.I420: rgb.to_ndarray("yuv420p"),
        formats.NV12: rgb.to_ndarray("nv12"),
        formats.YUYV: yuyv,
        formats.UYVY: np.ascontiguousarray(yuyv[:, :, ::-1]),
    }
    for fmt, array in sent.items():
        with pyvirtualcam.Camera(*SIZE, 30, fmt=fmt, backend="livekit", device="Theirs") as camera:
            assert (camera.backend, camera.device) == ("livekit", "Theirs")
            assert isinstance(camera.native_fmt, formats)
            camera.send(array)
            camera.sleep_until_next_frame()
            assert shows("Theirs", (120, 120, 120)), fmt
            assert camera.frames_sent == 1


def their_example(name: str, folder: Path) -> Path:
    """One of the package's example programs: from LK_PYVIRTUALCAM_EXAMPLES, else from where it is published."""
    if (given := os.environ.get("LK_PYVIRTUALCAM_EXAMPLES")) is not None:
        return Path(given) / name
    path = folder / name
    try:
        with urllib.request.urlopen(THEIRS + name, timeout=20) as answer:
            path.write_bytes(answer.read())
    except OSError as error:
        pytest.skip(
            f"pyvirtualcam's examples cannot be had ({error}); LK_PYVIRTUALCAM_EXAMPLES names a folder"
        )
    return path


class Running:
    """A program that runs until it is told to end."""

    def __init__(self, *command: str | Path) -> None:
        environment = os.environ | {"PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )

    def line(self, word: str) -> str:
        """The next line with a word in it."""
        assert self.process.stdout is not None
        said = []
        for line in self.process.stdout:
            said.append(line)
            if word in line:
                return line
        raise AssertionError(f"it ended: {''.join(said)}")

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def changes(name: str, size: tuple[int, int]) -> bool:
    return not np.array_equal(seen(name, size), seen(name, size, 40))


OURS = (sys.executable, "-P", "-m", "livekit_studio.pyvirtualcam")


@pytest.mark.parametrize("name", ["simple.py", "latency.py"])
def test_their_examples_run_as_they_are(
    session: Session, pyvirtualcam: Any, name: str, tmp_path: Path
) -> None:
    program = their_example(name, tmp_path)
    with Running(*OURS, program) as running:
        assert "LiveKit" in running.line("Using virtual camera")
        until(lambda: changes("LiveKit", (1280, 720)), "the picture changes")
        assert running.process.poll() is None


def test_their_example_with_a_file_runs_as_it_is(
    session: Session, pyvirtualcam: Any, numbered: Path, tmp_path: Path
) -> None:
    pytest.importorskip("cv2", reason="their example needs OpenCV: pip install opencv-python-headless")
    program = their_example("video.py", tmp_path)
    size = lk.MediaInfo(numbered).video_size()
    with Running(*OURS, program, numbered) as running:
        assert "LiveKit" in running.line("Virtual cam started")
        until(lambda: changes("LiveKit", size), "the picture changes")


def ours(title: str) -> str:
    """Our lines for one of those things in the document for those who come from pyvirtualcam."""
    document = Path(__file__).parents[2] / "docs" / "coming-from" / "pyvirtualcam.md"
    if not document.is_file():
        pytest.skip("the document is not here: not a source tree")
    section = document.read_text(encoding="utf-8").partition(f"## {title}\n")[2].partition("\n## ")[0]
    return section.partition("```python\n# needs PipeWire")[2].partition("\n")[2].partition("```")[0]


def test_our_lines_for_theirs_send(session: Session) -> None:
    code = "import numpy as np\n" + ours("Send arrays")
    with Running(sys.executable, "-c", code) as running:
        assert "LiveKit" in running.line("Using virtual camera")
        until(lambda: changes("LiveKit", (1280, 720)), "the picture changes")


def test_our_lines_for_theirs_play_a_file(session: Session, numbered: Path, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").symlink_to(numbered)
    code = f"import os, time\nos.chdir({str(tmp_path)!r})\nprint('begins')\n" + ours("Play a file on it")
    with Running(sys.executable, "-c", code) as running:
        running.line("begins")
        until(lambda: changes("LiveKit", (1280, 720)), "the picture changes")
        assert ends(running)


# ---- LiveKitVCam ----------------------------------------------------------------------------------------------------


def vcam(*arguments: str, status: int = 0) -> dict[str, Any]:
    done = subprocess.run(
        [*PROGRAM, "vcam", *arguments, "--json"], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "panicked" not in done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.fixture
def registered(session: Session) -> Iterator[dict[str, Any]]:
    told = vcam("register", "--name", "Desk", "--size", "320x180", "--fps", "25")
    try:
        yield told
    finally:
        vcam("unregister")


def host() -> dict[str, Any]:
    told: dict[str, Any] | None = vcam("status")["host"]
    return told or {}


def test_not_registered_a_line_says_how(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    assert vcam("status") == {"settings": None, "host": None}
    with caplog.at_level(logging.WARNING), lk.IPCTarget("LiveKitVCam", 64, 48, False) as target:
        target.push(np.zeros((48, 64, 3), np.uint8))
        until(lambda: "livekit-studio vcam register" in caplog.text, "a line")
    caplog.clear()
    with caplog.at_level(logging.WARNING), lk.IPCTarget("another", 64, 48):
        pass
    assert "vcam" not in caplog.text
    assert vcam("unregister") == {"registered": False, "ran": False}


def test_what_is_shared_shows_up_as_a_camera(
    registered: dict[str, Any], session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    assert registered["host"]["state"] == "standby"
    assert not registered["systemd"] or registered["host"]["device"]
    settings = json.loads(Path(registered["path"]).read_text())
    assert settings == {
        "mapping_name": "LiveKitVCam",
        "name": "Desk",
        "width": 320,
        "height": 180,
        "fps": "25",
        "device": "",
    }
    unit = session.folder / "config/systemd/user/livekit-vcam.service"
    assert '"-P" "-m" "livekit_studio" vcam run' in unit.read_text()
    standby = seen("Desk")
    assert (standby > 100).any()
    assert (standby < 20).mean() > 0.5

    with lk.IPCTarget("LiveKitVCam", *SIZE, False) as target:
        target.push(flat((10, 200, 60)))  # BGR
        until(lambda: shows("Desk", (60, 200, 10)), "the picture is seen")
        until(lambda: host()["writer"] == os.getpid(), "who writes is known")
        assert host()["state"] == "live"
        target.set_size(640, 720)
        target.push(np.full((720, 640, 3), (250, 250, 250), np.uint8))
        until(lambda: seen("Desk")[90, 160].min() >= 246, "another size is fitted in")
        assert seen("Desk")[:, :70].max() == 0
    assert "vcam" not in caplog.text
    until(lambda: np.array_equal(seen("Desk"), standby), "standby again")
    with lk.IPCTarget("LiveKitVCam", *SIZE, False) as target:
        target.push(flat((250, 10, 20)))
        until(lambda: shows("Desk", (20, 10, 250)), "the next writer is seen")


def test_a_killed_host_is_started_again_and_a_server_is_waited_for(
    registered: dict[str, Any], session: Session
) -> None:
    with lk.IPCTarget("LiveKitVCam", *SIZE, False) as target:
        target.push(flat((10, 200, 60)))
        until(lambda: shows("Desk", (60, 200, 10)), "the picture is seen")
        os.kill(host()["process"], signal.SIGKILL)
        until(lambda: vcam("status")["host"] is None, "it has gone")
        with Running(*PROGRAM, "vcam", "run") as running:
            running.line("live")
            until(lambda: shows("Desk", (60, 200, 10)), "the picture is seen again")
            assert vcam("run", status=1)["error"]["kind"] == "busy"
            session.kill_servers()
            running.line("waiting")
            session.start_servers()
            running.line("live")
            until(lambda: shows("Desk", (60, 200, 10)), "the picture is seen after the server came back")
            # without a way out it waits for one
            running.process.send_signal(signal.SIGINT)
            assert running.process.wait(60) in (0, 130)
        session.kill_servers()
        with Running(*PROGRAM, "vcam", "run") as running:
            assert "PipeWire" in running.line("waiting")
            session.start_servers()
            running.line("live")


def test_settings_that_cannot_be(session: Session, tmp_path: Path) -> None:
    assert vcam("register", "--size", "321x180", status=1)["error"]["kind"] == "format"
    assert vcam("register", "--mapping", "a/b", status=1)["error"]["kind"] == "parameter"
    assert vcam("register", "--name", "", status=1)["error"]["kind"] == "parameter"
    folder = session.folder / "config/livekit-studio"
    folder.mkdir(exist_ok=True)
    for broken in ("", "{}", '{"mapping_name": 3}', "x" * 100_000):
        (folder / "vcam.json").write_text(broken)
        error = vcam("status", status=1)["error"]
        assert "vcam.json" in error["message"]
        assert "vcam register" in error["hint"]
    assert vcam("unregister")["registered"]


def ends(running: Running) -> bool:
    return running.process.wait(120) == 0


@pytest.mark.parametrize(("name", "camera"), [("virtual_camera.py", "Studio"), ("vcam_2020.py", "LiveKit")])
def test_our_examples(session: Session, name: str, camera: str) -> None:
    if not (EXAMPLES / name).is_file():
        pytest.skip("the examples are not here: not a source tree")
    registered: Callable[[], object] = lambda: vcam("register")  # noqa: E731
    if camera == "LiveKit":
        registered()
    try:
        with Running(sys.executable, EXAMPLES / name, "6") as running:
            until(lambda: len(np.unique(seen(camera, (1280, 720)))) > 100, "the pattern is seen")
            assert ends(running)
    finally:
        vcam("unregister")

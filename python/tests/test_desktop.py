# SPDX-License-Identifier: GPL-2.0-or-later
"""Windows shown and captured from Python, on a display of the tests' own."""

from __future__ import annotations

import functools
import http.server
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import LiveKit as lk
import media
import numpy as np
import pytest

WIDTH, HEIGHT = 640, 480


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    media.need("Xvfb", "xdotool")
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-noreset"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        name = f":{server.stdout.readline().decode().strip()}"
        monkeypatch.setenv("DISPLAY", name)
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        monkeypatch.setenv("LK_SERVER_PID", str(server.pid))
        try:
            yield name
        finally:
            server.kill()


def screen(display: str) -> media.Bytes:
    size = f"{WIDTH}x{HEIGHT}"
    grab = ["-f", "x11grab", "-draw_mouse", "0", "-video_size", size, "-i", display, "-frames:v", "1"]
    raw = media.ffmpeg(*grab, "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    return np.frombuffer(raw, np.uint8).reshape(HEIGHT, WIDTH, 3)


def draw_until(draw: object, is_so: object) -> None:
    assert callable(draw)
    assert callable(is_so)
    deadline = time.monotonic() + 20
    while not is_so():
        assert draw()
        assert time.monotonic() < deadline


def picture(width: int, height: int) -> media.Bytes:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8)


def test_an_image_in_a_viewer(display: str, tmp_path: Path) -> None:
    pixels = picture(320, 200)
    lk.Frame.from_ndarray(pixels, "rgb24").save(tmp_path / "noise.png")
    with lk.Viewer(320, 200, "an image") as viewer:
        viewer.set_source(lk.ImageFile(tmp_path / "noise.png"))
        draw_until(viewer.draw, lambda: np.array_equal(screen(display)[:200, :320], pixels))
        assert np.array_equal(viewer.screenshot(tmp_path / "shot.png").to_ndarray("rgb24"), pixels)
        assert (tmp_path / "shot.png").exists()
        assert (viewer.size(), viewer.title, viewer.closed, viewer.error) == (
            (320, 200),
            "an image",
            False,
            None,
        )
    assert viewer.closed
    assert not viewer.draw()
    with pytest.raises(lk.ClosedError):
        viewer.screenshot()


def test_a_program_of_2020(display: str, numbered: Path) -> None:
    player = lk.Player(str(numbered))
    port = lk.VideoPort()
    player.add_target(port)
    viewer = lk.Viewer(320, 240, "playing")
    viewer.set_source(port)
    player.start()
    seen = set()
    deadline = time.monotonic() + 20
    while viewer.draw() and len(seen) < 10 and time.monotonic() < deadline:
        seen.add(screen(display).tobytes())
    assert len(seen) >= 10


def test_the_window_of_a_compositor_with_margins(display: str) -> None:
    pixels = picture(300, 200)
    scene = lk.Compositor(300, 200, 400, 280, "composed")
    scene.set_margin(20)
    scene.set_source(0, lk.Frame.from_ndarray(pixels, "rgb24"))  # type: ignore[arg-type]
    expected = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    expected[40:240, 50:350] = pixels
    draw_until(scene.draw, lambda: np.array_equal(screen(display), expected))
    scene.run(0.3)  # the window lives on
    scene.close()
    with pytest.raises(lk.ClosedError):
        scene.draw()


def test_everything_into_a_window_a_port_and_a_file(display: str, numbered: Path, tmp_path: Path) -> None:
    shown = lk.Viewer(100, 80, "to be captured")
    shown.set_source("color:#ff0000")
    capture = lk.WindowCapture(title="to be captured")
    scene = lk.Compositor(320, 240, 320, 240, "all")
    scene.add(lk.Player(numbered), size=(320, 240))
    scene.add(capture, at=(10, 10), fallback="color:#0000ff")
    scene.add(lk.Frame.from_ndarray(picture(40, 30), "rgb24"), at=(200, 100))
    port = lk.VideoPort()
    scene.add_target(port)
    out = tmp_path / "out.mp4"
    with lk.Recorder(out, source=port, video_width=320, video_height=240):
        for _ in range(120):
            assert scene.draw()
            assert shown.draw()
    scene.close()
    red = media.ffmpeg(
        "-i", out, "-vf", "crop=60:50:30:30,scale=1:1:flags=area", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"
    )
    colours = np.frombuffer(red, np.uint8).reshape(-1, 3)
    assert len(colours) >= 50
    assert (colours[-20:, 0] > 200).all()
    assert (colours[-20:, 1:] < 60).all()


def test_what_is_shown_instead_of_a_closed_window(display: str) -> None:
    shown = lk.Viewer(100, 80, "comes and goes")
    shown.set_source("color:#ff0000")
    assert shown.draw()
    scene = lk.Compositor(200, 80)
    scene.add(lk.WindowCapture(title="comes and goes"), at=(0, 0), size=(100, 80), fallback="color:#0000ff")
    scene.add(lk.WindowCapture(title="comes and goes"), at=(100, 0))
    port = lk.VideoPort()
    scene.add_target(port)

    def colours_are(*wanted: tuple[int, int, int]) -> None:
        deadline = time.monotonic() + 20
        while True:
            frame = port.latest()
            if frame is not None:
                pixels = frame.to_ndarray("rgb24")[40, 50::100]
                if np.abs(pixels.astype(int) - wanted).max() < 3:
                    return
            assert time.monotonic() < deadline
            time.sleep(0.02)

    with scene:
        scene.start()
        colours_are((255, 0, 0), (255, 0, 0))
        shown.close()
        # what is to be shown instead, and the last frame where nothing is
        colours_are((0, 0, 255), (255, 0, 0))
        again = lk.Viewer(100, 80, "comes and goes")
        again.set_source("color:#00ff00")
        assert again.draw()
        colours_are((0, 255, 0), (0, 255, 0))


def test_windows_of_three_threads(display: str) -> None:
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    seen: list[tuple[int, ...]] = [()] * 3
    shown = threading.Barrier(3, timeout=60)

    def show(n: int) -> None:
        with lk.Viewer(100, 80, f"thread {n}") as viewer:
            viewer.set_source(lk.Frame.from_ndarray(np.full((80, 100, 3), colours[n], np.uint8), "rgb24"))
            shown.wait()
            for _ in range(10):
                assert viewer.draw()
            shown.wait()
            seen[n] = tuple(viewer.screenshot().to_ndarray("rgb24")[40, 50])
            if n == 0:
                assert sorted(lk.WindowList().to_pylist()) == ["thread 0", "thread 1", "thread 2"]
            shown.wait()

    threads = [threading.Thread(target=show, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == colours
    assert lk.WindowList().to_pylist() == []


def test_windows_and_their_captures(display: str) -> None:
    viewers = [lk.Viewer(120 + 10 * n, 90, f"number {n}") for n in range(3)]
    assert lk.WindowList().to_pylist() == ["number 0", "number 1", "number 2"]
    windows = lk.windows()
    assert [(w.title, w.application, w.pid, w.size[0]) for w in windows] == [
        (f"number {n}", "LiveKit", os.getpid(), 120 + 10 * n) for n in range(3)
    ]
    pixels = picture(140, 90)
    viewers[2].set_source(lk.open(pixels, format="rgb24"))
    for _ in range(5):
        assert viewers[2].draw()
    for capture in (
        lk.WindowCapture(2),
        lk.WindowCapture(title="NUMBER 2"),
        lk.WindowCapture(id=windows[2].id),
        lk.open("window:number 2"),
    ):
        assert isinstance(capture, lk.WindowCapture)
        array, timestamp, _ = capture.pull()
        assert capture.size() == (140, 90)
        assert capture.state == "live"
        assert capture.frames >= 1
        assert timestamp > 0
        assert array is not None
        assert np.array_equal(np.asarray(array)[..., 2::-1], pixels)
    events = []
    capture = lk.WindowCapture(2)
    capture.on("source_state", lambda e: events.append(e.new))
    assert capture.window == windows[2]
    viewers[2].close()
    deadline = time.monotonic() + 20
    while events[-1:] != ["reconnecting"] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert events in (["reconnecting"], ["stalled", "reconnecting"])
    assert capture.state == "reconnecting"
    with lk.ScreenCapture(region=(10, 20, 64, 32), cursor=False) as part:
        assert part.size() == (64, 32)
    assert isinstance(lk.open("screen"), lk.ScreenCapture)
    assert isinstance(lk.open("screen:0"), lk.ScreenCapture)
    with lk.ScreenCapture(output=0) as first:
        assert first.size() == (WIDTH, HEIGHT)
    with pytest.raises(lk.DeviceNotFoundError, match="no screen"):
        lk.ScreenCapture(output="HDMI-A-9")


def test_errors_of_windows(display: str) -> None:
    viewer = lk.Viewer(120, 90, "here")
    with pytest.raises(IndexError):
        lk.WindowCapture(1)
    with pytest.raises(IndexError):
        lk.WindowList().get(1)
    with pytest.raises(LookupError, match=r'did you mean "here"\?'):
        lk.WindowCapture(title="hera")
    with pytest.raises(lk.ParameterError, match="one of idx"):
        lk.WindowCapture(0, title="here")
    with pytest.raises(lk.ParameterError, match="640x480"):
        lk.ScreenCapture(region=(600, 0, 100, 100))
    scene = lk.Compositor(64, 48)
    scene.add("window:here")
    with pytest.raises(lk.LiveSourceError):
        scene.render(lk.NullTarget(), frames=1)
    with pytest.raises(lk.FormatError):
        lk.Viewer(0, 10, "nothing")
    assert viewer.draw()


def test_without_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for make in (
        lambda: lk.Viewer(64, 48, "x"),
        lambda: lk.WindowCapture(0),
        lk.ScreenCapture,
        lk.WindowList,
        lk.windows,
    ):
        with pytest.raises(lk.DisplayError, match="DISPLAY is not set"):
            make()


def test_a_wayland_session_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-77")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/nowhere")
    with pytest.raises(lk.DisplayError, match="wayland-77 cannot be opened"):
        lk.ScreenCapture()
    for make in (lk.windows, lambda: lk.WindowCapture(0)):
        with pytest.raises(lk.DisplayError, match="no Xwayland") as caught:
            make()
        assert "Xwayland" in str(caught.value.hint)
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    with pytest.raises(lk.DisplayError, match="XDG_RUNTIME_DIR is not set"):
        lk.ScreenCapture("wayland-0")


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A session's message bus on which nobody answers for a portal."""
    media.need("dbus-daemon")
    config = tmp_path / "bus.conf"
    config.write_text(
        f"<busconfig><type>session</type><listen>unix:path={tmp_path}/bus</listen><policy context='default'>"
        "<allow send_destination='*'/><allow eavesdrop='true'/><allow own='*'/></policy></busconfig>"
    )
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/bus")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with subprocess.Popen(["dbus-daemon", "--nofork", "--nopidfile", f"--config-file={config}"]) as server:
        try:
            deadline = time.monotonic() + 20
            while not (tmp_path / "bus").exists():
                assert server.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.01)
            yield tmp_path / "bus"
        finally:
            server.kill()


def test_a_session_without_a_portal(bus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ways = (
        lambda: lk.ScreenCapture("portal"),
        lambda: lk.ScreenCapture("portal", remember="desk", timeout=5),
        lambda: lk.WindowCapture(0, display="portal"),
        lambda: lk.windows(display="portal"),
    )
    for way in ways:
        with pytest.raises(lk.DisplayError, match="no desktop portal") as caught:
            way()
        assert "apt install xdg-desktop-portal" in str(caught.value.hint)
    with pytest.raises(IndexError):
        lk.WindowCapture(1, display="portal")
    with pytest.raises(lk.ParameterError, match="remember"):
        lk.ScreenCapture("portal", remember="")
    with pytest.raises(lk.ParameterError, match=r"leave output out|here the user chooses"):
        lk.ScreenCapture("portal", output=1)

    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-77")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(bus.parent))
    monkeypatch.setenv("XDG_SESSION_TYPE", "wayland")
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "GNOME")
    found = {finding.topic: finding for finding in lk.doctor().findings}
    assert "xdg-desktop-portal-gnome" in str(found["portal"].mend)
    assert found["portal"].health == found["screens"].health == found["desktop"].health == "missing"
    assert "wayland-77 cannot be opened" in found["screens"].text

    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={bus}-none")
    for way in ways:
        with pytest.raises(lk.DisplayError, match="bus cannot be reached") as caught:
            way()
        assert "dbus-run-session" in str(caught.value.hint)


def test_a_compositor_goes_on_without_its_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.warns(RuntimeWarning, match="DISPLAY is not set"):
        scene = lk.Compositor(64, 48, 64, 48, "x")
    scene.set_margin(5)
    assert all(scene.draw() for _ in range(5))
    assert scene.is_running()
    scene.close()


def test_ctrl_c_leaves_every_loop(display: str) -> None:
    viewer = lk.Viewer(64, 48, "loop")
    viewer.set_source("color:red")
    scene = lk.Compositor(64, 48, 64, 48, "run")
    capture = lk.WindowCapture(title="loop")

    def draws(window: lk.Viewer | lk.Compositor) -> None:
        while window.draw():
            pass

    def pulls() -> None:
        while True:
            capture.pull()

    def frames() -> None:
        for _ in scene.frames("rgb24"):
            pass

    for loop in (viewer.run, scene.run, lambda: draws(viewer), lambda: draws(scene), pulls, frames):
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            loop()


DIES = """
    import os, signal, sys, time
    import LiveKit as lk

    scene = lk.Compositor(320, 240, 320, 240, "dies")
    scene.add("window:dies", size=(320, 240))
    scene.add(lk.TestPattern(320, 240), opacity=0.5)
    with lk.Recorder(sys.argv[1], source=scene):
        server = int(os.environ["LK_SERVER_PID"])
        for n in range(60):
            assert scene.draw()
        # one that hangs holds up nobody
        os.kill(server, signal.SIGSTOP)
        before = scene.statistics()
        while (now := scene.statistics()).ticks - now.missed < before.ticks - before.missed + 30:
            assert scene.draw()
        os.kill(server, signal.SIGCONT)
        os.kill(server, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while scene.draw():
            assert time.monotonic() < deadline
        scene.run(1)
    scene.close()
    print("alive")
"""


def test_a_display_that_dies_ends_neither_program_nor_recording(display: str, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    program = [sys.executable, "-c", textwrap.dedent(DIES), str(out)]
    done = subprocess.run(program, capture_output=True, timeout=120, check=False, text=True)
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr[-2000:]
    frames = media.ffmpeg(
        "-i", out, "-map", "0:v", "-vf", "scale=1:1", "-pix_fmt", "gray", "-f", "rawvideo", "-"
    )
    assert len(frames) >= 75


EXAMPLES = Path(__file__).parents[2] / "examples" / "python"


source_tree = pytest.mark.skipif(not EXAMPLES.exists(), reason="the examples are not here: not a source tree")


@contextmanager
def captured() -> Iterator[None]:
    """A green window that is drawn on."""
    with lk.Viewer(200, 100, "captured") as viewer:
        viewer.set_source(lk.Frame.from_ndarray(np.full((100, 200, 3), (0, 255, 0), np.uint8), "rgb24"))
        assert viewer.draw()
        yield


def example(name: str, *arguments: str | Path) -> list[str]:
    return [sys.executable, str(EXAMPLES / name), *map(str, arguments)]


def share_of_green(display: str) -> float:
    pixels = screen(display)
    return float(((pixels[..., 1] > 200) & (pixels[..., 0] < 60) & (pixels[..., 2] < 60)).mean())


@source_tree
@pytest.mark.parametrize(
    ("name", "argument", "title"),
    [
        ("view_picture.py", "picture", "ImageFile => Viewer"),
        ("view_clip.py", "clip", "LazyPlayer => Viewer"),
        ("view_player.py", "clip", "Player => VideoPort => Viewer"),
        ("view_window.py", "0", "WindowCapture => Viewer"),
        ("compose_window.py", "captured", "WindowCapture => Compositor"),
    ],
)
def test_an_example_with_a_window(
    display: str, clip_with_sound: Path, tmp_path: Path, name: str, argument: str, title: str
) -> None:
    image = tmp_path / "picture.png"
    lk.Frame.from_ndarray(picture(320, 240), "rgb24").save(image)
    files: dict[str, Path] = {"picture": image, "clip": clip_with_sound}
    arguments = [files.get(argument, Path(argument)), *([image] if name == "compose_window.py" else [])]
    has_green = argument in ("0", "captured")
    with captured(), subprocess.Popen(example(name, *arguments), stderr=subprocess.PIPE) as program:
        try:
            deadline = time.monotonic() + 30
            # the green window alone is 200 x 100 pixels; the example's show it larger, or something else over it
            while not (
                share_of_green(display) > 0.1 if has_green else screen(display)[300:400, 200:400].std() > 5
            ):
                assert time.monotonic() < deadline
                assert program.poll() is None
                time.sleep(0.05)
            window = media.run("xdotool", "search", "--name", f"^{title}$").decode().strip()
            media.run("xdotool", "windowclose", window)
            assert program.wait(20) == 0
            assert program.stderr is not None
            assert b"Traceback" not in program.stderr.read()
        finally:
            program.kill()


@source_tree
@pytest.mark.parametrize("first", ["read", "write"])
def test_a_player_in_one_process_is_seen_in_the_window_of_another(
    display: str, clip_with_sound: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, first: str
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    commands = {
        "read": example("ipc_2020.py", "read"),
        "write": example("ipc_2020.py", "write", clip_with_sound),
    }
    second = "write" if first == "read" else "read"
    with subprocess.Popen(commands[first]) as one, subprocess.Popen(commands[second]) as other:
        try:
            reading, writing = (one, other) if first == "read" else (other, one)
            seen: set[bytes] = set()
            deadline = time.monotonic() + 30
            while len(seen) < 5:
                pixels = screen(display)
                if pixels.std() > 5:
                    seen.add(pixels.tobytes())
                assert time.monotonic() < deadline
                assert reading.poll() is None
            window = media.run("xdotool", "search", "--name", "^IPCSource => Viewer$").decode().strip()
            media.run("xdotool", "windowclose", window)
            assert reading.wait(20) == 0
            assert writing.wait(60) == 0
        finally:
            one.kill()
            other.kill()


@source_tree
def test_the_examples_that_record_windows(display: str, clip_with_sound: Path, tmp_path: Path) -> None:
    lk.Frame.from_ndarray(picture(320, 240), "rgb24").save(tmp_path / "picture.png")

    def run(name: str, *arguments: str | Path) -> str:
        done = subprocess.run(
            example(name, *arguments), capture_output=True, timeout=120, check=False, text=True, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr[-2000:]
        assert "Traceback" not in done.stderr
        return done.stdout

    with captured():
        run("record_window.py", "captured", "window.mp4", "2")
        said = run("windows_2020.py", "0", "picture.png", clip_with_sound, "all.mp4", "3")
    assert said == "0: captured\n"
    info = lk.MediaInfo(str(tmp_path / "window.mp4"))
    assert info.video_size() == (200, 100)
    assert info.duration() > 1_500_000
    colour = media.ffmpeg(
        "-sseof", "-0.5", "-i", tmp_path / "all.mp4", "-frames:v", "1",
        "-vf", "crop=400:300:770:340,scale=1:1:flags=area",
        "-pix_fmt", "rgb24", "-f", "rawvideo", "-",
    )  # fmt: skip
    assert colour[1] > 200
    assert colour[0] < 60
    assert colour[2] < 60


def test_a_window_is_recorded_from_the_command_line(display: str, tmp_path: Path) -> None:
    tool = [sys.executable, "-c", "import sys; from livekit_studio._cli import main; sys.exit(main())"]
    with captured():
        command = [*tool, "record", "window:captured", "out.mp4", "--seconds", "1", "--fps", "25", "--json"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["width"], said["height"], said["rate"]) == (200, 100, "25")
    pixels = media.ffmpeg("-i", tmp_path / "out.mp4", "-pix_fmt", "rgb24", "-f", "rawvideo", "-")
    colours = np.frombuffer(pixels, np.uint8).reshape(-1, 100, 200, 3)[:, 50, 100]
    assert len(colours) == said["frames"] >= 25
    assert (colours[:, 1] > 200).all()
    assert (colours[:, ::2] < 60).all()


def test_the_command_line(display: str, tmp_path: Path) -> None:
    lk.Frame.from_ndarray(picture(200, 120), "rgb24").save(tmp_path / "picture.png")
    tool = [sys.executable, "-c", "import sys; from livekit_studio._cli import main; sys.exit(main())"]
    with subprocess.Popen([*tool, "view", "picture.png"], cwd=tmp_path) as view:
        deadline = time.monotonic() + 20
        while not np.array_equal(screen(display)[:120, :200], picture(200, 120)):
            assert time.monotonic() < deadline
            assert view.poll() is None
        listed = subprocess.run([*tool, "windows"], capture_output=True, text=True, check=True).stdout
        assert '"picture.png" 200x120' in listed
        assert "LiveKit" in listed
        window = media.run("xdotool", "search", "--name", "picture.png").decode().strip()
        # not the release: the window is gone by then
        media.run("xdotool", "keydown", "--window", window, "q")
        assert view.wait(20) == 0
    wrong = subprocess.run([*tool, "view", "window:nothing"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 1
    assert 'there is no window "nothing"' in wrong.stderr


def test_keys_of_a_played_file(display: str, numbered: Path) -> None:
    media.need("openbox")
    tool = [sys.executable, "-c", "import sys; from livekit_studio._cli import main; sys.exit(main())"]
    command = [*tool, "play", str(numbered), "--size", "320x240", "--loop"]

    def number() -> int:
        """The number of the picture that fills the screen; -1 while something else is there."""
        try:
            return media.number_of(screen(display))
        except AssertionError:
            return -1

    def reach(is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not is_so():
            assert time.monotonic() < deadline
            assert play.poll() is None
            time.sleep(0.05)

    def numbers(count: int = 8) -> set[int]:
        return {number() for _ in range(count)}

    def press(key: str) -> None:
        media.run("xdotool", "key", "--window", window, key)

    with subprocess.Popen(["openbox"], stderr=subprocess.DEVNULL) as manager:
        with subprocess.Popen(command) as play:
            try:
                reach(lambda: lk.WindowList().to_pylist() == [str(numbered)])
                window = media.run("xdotool", "search", "--name", numbered.name).decode().split()[-1]
                press("f")
                reach(lambda: len(numbers() - {-1}) > 2)
                press("space")
                reach(lambda: len(numbers()) == 1)
                (stands,) = numbers()
                assert stands >= 0
                # five seconds are 150 pictures
                way = 150 if stands < 140 else -150
                press("Right" if way > 0 else "Left")
                reach(lambda: number() not in (-1, stands))
                (jumped,) = numbers()
                assert abs(jumped - stands - way) <= 1
                press("space")
                reach(lambda: len(numbers() - {-1}) > 2)
                press("f")
                reach(lambda: number() == -1)
                # not the release: the window is gone by then
                media.run("xdotool", "keydown", "--window", window, "q")
                assert play.wait(20) == 0
            finally:
                play.kill()
        manager.kill()


@pytest.mark.parametrize("name", ["clip", "address", "window:captured", "screen"])
def test_what_is_viewed(display: str, numbered: Path, tmp_path: Path, name: str) -> None:
    lk.Frame.from_ndarray(picture(200, 120), "rgb24").save(tmp_path / "picture.png")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(numbered.parent))
    with captured(), http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/{numbered.name}"
        named = {"clip": str(numbered), "address": address}.get(name, name)
        tool = [sys.executable, "-c", "import sys; from livekit_studio._cli import main; sys.exit(main())"]
        with subprocess.Popen([*tool, "view", named, "--size", "320x240"]) as view:
            try:

                def is_shown() -> bool:
                    if name in ("window:captured", "screen"):
                        # the window itself fills 0.065 of the screen
                        return share_of_green(display) > 0.075
                    try:
                        return media.number_of(screen(display)[240:, 320:]) >= 0
                    except AssertionError:
                        return False

                deadline = time.monotonic() + 30
                while not is_shown():
                    for window in lk.windows():
                        if window.title == named:
                            # beside the other one
                            media.run("xdotool", "windowmove", str(window.id), "320", "240")
                    assert time.monotonic() < deadline
                    assert view.poll() is None
                    time.sleep(0.05)
                view.send_signal(signal.SIGINT)
                assert view.wait(20) in (0, 130)
            finally:
                view.kill()
                server.shutdown()

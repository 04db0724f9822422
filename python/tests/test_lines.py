# SPDX-License-Identifier: GPL-2.0-or-later
"""The lines a person tries first, and what they print."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import LiveKit as lk
import media
import numpy as np
import pytest
from sound_session import Session, until

CAMERA = """
import LiveKit as lk
with lk.VirtualCamera(320, 180, 30, name="Bench", device="pipewire") as camera:
    scene = lk.Compositor(320, 180, fps=30)
    scene.add(lk.TestPattern(320, 180))
    scene.add_target(camera)
    scene.run()
"""


@pytest.fixture
def a_mp4(clip_with_sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "a.mp4").symlink_to(clip_with_sound)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def camera(session: Session) -> Iterator[str]:
    process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", sys.executable, "-c", CAMERA])
    try:
        until(lambda: any(c.name == "Bench" for c in lk.cameras()), "a camera")
        yield "Bench"
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    media.need("Xvfb", "xdotool")
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "640x480x24", "-noreset"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        name = f":{server.stdout.readline().decode().strip()}"
        monkeypatch.setenv("DISPLAY", name)
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        try:
            yield name
        finally:
            server.kill()


# ---- What is there -----------------------------------------------------------------------------------------------


def test_version_and_doctor() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", lk.__version__)
    said = repr(lk.doctor())
    assert lk.__version__ in said
    for topic in ("renderer", "media", "sound", "cameras", "virtual camera", "desktop", "between processes"):
        assert topic in said
    assert [part.mend for part in lk.doctor().findings if part.health == "missing"].count(None) == 0


def test_media_info_tells_all(a_mp4: Path) -> None:
    said = repr(lk.MediaInfo("a.mp4"))
    for part in (
        "a.mp4",
        "mp4",
        "10.0",
        "h264",
        "128x96",
        "30 frames a second",
        "yuv420p",
        "aac",
        "48000 Hz",
        "stereo",
    ):
        assert part in said, said


# ---- Files -----------------------------------------------------------------------------------------------


def test_open_frame_save(a_mp4: Path) -> None:
    lk.open("a.mp4").frame(at=2.0).save("x.png")
    saved = lk.ImageFile("x.png").frame(format="rgb24").array
    assert media.number_of(saved) == 60


def test_iteration_over_a_lazy_player(a_mp4: Path) -> None:
    numbers = [media.number_of(frame.to_ndarray("rgb24")) for frame in lk.LazyPlayer("a.mp4")]
    assert numbers == list(range(300))


def test_every_source_has_frames_at_times(a_mp4: Path) -> None:
    pattern = lk.TestPattern(64, 48, fps=25)
    assert np.array_equal(pattern.frame(at=2.0).array, pattern.frame(50).array)
    assert lk.open("color:red").frame(at=9, format="rgb24").array[0, 0].tolist() == [255, 0, 0]
    drawn = lk.FunctionSource(lambda t: np.full((2, 2, 3), int(t), np.uint8), format="rgb24")
    assert [int(drawn.frame(at=t).array[0, 0, 0]) for t in (7.0, 3.0)] == [7, 3]
    text = lk.Text(lambda t: "x" * int(t))
    assert text.frame(at=2.0).size[0] < text.frame(at=5.0).size[0]
    port = lk.VideoPort()
    with pytest.raises(lk.LiveSourceError, match="another time"):
        port.frame(at=1.0)
    port.push(np.full((2, 2, 3), 9, np.uint8))
    assert port.frame(format="rgb24").array.max() == 9
    port.set_source(lk.LazyPlayer("a.mp4"))
    assert media.number_of(port.frame(at=1.0).to_ndarray("rgb24")) == 30, "as exact as what it reads"
    with pytest.raises(lk.ParameterError):
        drawn.frame(at=float("nan"))


def test_a_failing_function_has_no_frame_and_no_picture_in_a_notebook() -> None:
    source = lk.FunctionSource(lambda t: 1 / 0, format="rgb24")  # type: ignore[arg-type, return-value]
    with pytest.raises(lk.CallbackError):
        source.frame()
    assert source._repr_png_() is None
    assert lk.VideoPort()._repr_png_() is None


# ---- Scenes -----------------------------------------------------------------------------------------------


def scene_of(folder: Path) -> lk.Compositor:
    scene = lk.Compositor(320, 180, fps=30)
    scene.add("a.mp4", name="film", fit="cover")
    scene.add("color:#203040", at=(10, 20), size=(64, None), opacity=0.5, rotation=45)
    return scene


def test_a_scene_prints_as_a_table(a_mp4: Path) -> None:
    scene = scene_of(a_mp4)
    lines = repr(scene).splitlines()
    assert lines[0] == "<Compositor 320x180 at 30 fps, 2 layers>"
    assert lines[1].split() == ["slot", "name", "source", "place", "look", "sound"]
    assert lines[2].startswith("1 ")
    assert "64x?, at 10, 20" in lines[2]
    assert "opacity 0.5, turned by 45" in lines[2]
    assert re.search(r"^0 +film +\S*a\.mp4 +cover +yes$", lines[3])
    assert len({line.index("source") if n == 1 else 0 for n, line in enumerate(lines)}) == 2
    scene["film"].audio.gain = -6  # type: ignore[union-attr]
    scene["film"].visible = False
    assert "hidden" in repr(scene)
    assert "-6 dB" in repr(scene)
    assert repr(lk.Compositor(2, 2)) == "<Compositor 2x2 at 30 fps, 0 layers>"


def test_a_scene_in_a_notebook(a_mp4: Path) -> None:
    html = scene_of(a_mp4)._repr_html_()
    assert "<td>film</td>" in html
    assert "data:image/png;base64," in html
    live = lk.Compositor(8, 8)
    live.add(lk.VideoPort(), name="<port>")
    assert "&lt;port&gt;" in live._repr_html_()
    assert "<img" not in live._repr_html_(), "it cannot be rendered offline, and does not run"
    wide = lk.Compositor(1920, 1080)
    assert "<img" in wide._repr_html_()


def test_render_and_screenshot(a_mp4: Path) -> None:
    scene = scene_of(a_mp4)
    assert scene.render("out.mp4", seconds=1).frames == 30
    assert media.stream(a_mp4 / "out.mp4", "video")["nb_read_frames"] == "30"
    scene.screenshot("shot.png")
    assert lk.ImageFile("shot.png").size() == (320, 180)


def test_each_is_called_before_every_frame(a_mp4: Path) -> None:
    scene = lk.Compositor(64, 36, fps=25)
    layer = scene.add("color:white", at=(0, 0), size=(8, 36))
    times: list[float] = []

    def move(t: float) -> None:
        times.append(t)
        layer.at = (round(25 * t), 0)

    scene.render("moved.mkv", frames=50, video_codec="ffv1", each=move)
    assert times == [pytest.approx(n / 25, abs=1e-9) for n in range(50)]
    frames = media.decoded(a_mp4 / "moved.mkv", "rgb24")
    lefts = [int(np.argmax(frame[18, :, 0] > 128)) for frame in frames]
    assert lefts == list(range(50)), "an edit takes effect with its frame"


def test_errors_in_each_end_the_render_and_the_file_plays(a_mp4: Path) -> None:
    scene = lk.Compositor(64, 36, fps=25)

    def fail(t: float) -> None:
        if t >= 1:
            raise ZeroDivisionError("at one second")

    with pytest.raises(ZeroDivisionError, match="at one second"):
        scene.render("half.mp4", seconds=2, each=fail)
    assert media.stream(a_mp4 / "half.mp4", "video")["nb_read_frames"] == "25"
    with pytest.raises(lk.BusyError):
        scene.render("in.mp4", frames=1, each=lambda t: scene.render("within.mp4", frames=1))
    with pytest.raises(lk.ParameterError, match="each"):
        scene.render("no.mp4", frames=1, each=7)  # type: ignore[arg-type]
    assert scene.render("again.mp4", frames=2, each=lambda t: None).frames == 2


# ---- Devices -----------------------------------------------------------------------------------------------


def test_device_lists_are_tables(session: Session) -> None:
    for listed, name in ((lk.speakers(), "Big Speaker"), (lk.microphones(), "Monitor of Big Speaker")):
        lines = repr(listed).splitlines()
        assert lines[0].split()[:3] == ["id", "name", "channels"]
        assert any(name in line for line in lines[1:])
        assert [line.split()[0] for line in lines[1:]] == [str(n) for n in range(len(listed))]
        assert isinstance(listed, list)
        assert "<table>" in listed._repr_html_()  # type: ignore[attr-defined]
    names = lk.AudioOutputDeviceList()
    assert re.search(r"^<AudioOutputDeviceList, 2 in it\n +0 +Big Speaker", repr(names))


def test_lists_without_devices_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEKIT_SOUND", "pulse")
    assert repr(lk.speakers()) == "no speakers (lk.doctor() says why)"
    assert repr(lk.AudioOutputDeviceList()) == "<AudioOutputDeviceList, 0 in it>"


def test_a_camera_as_an_array_and_as_a_recording(camera: str, tmp_path: Path) -> None:
    assert "Bench" in repr(lk.cameras())
    assert "Bench" in repr(lk.CameraList())
    with lk.Camera(camera) as bench:
        # it is black before its first picture
        until(lambda: bench.frame(timeout=30).to_ndarray("rgb24").std() > 20, "the test pattern")
        with pytest.raises(lk.LiveSourceError):
            bench.frame(at=2.0)
        with lk.Recorder(tmp_path / "camera.mp4", source=bench) as recorder:
            until(lambda: recorder.statistics().frames > 10, "ten frames")
        assert recorder.stop().frames > 10
    assert int(media.stream(tmp_path / "camera.mp4", "video")["nb_read_frames"]) > 10


def test_an_image_of_opencvs_pushed(a_mp4: Path) -> None:
    image = np.zeros((36, 64, 3), np.uint8)
    image[..., 0] = 255  # blue, as OpenCV has it
    port = lk.VideoPort()
    port.push(image)
    scene = lk.Compositor(64, 36)
    scene.add(port, offline="latest")
    assert scene.frame("rgb24").array[18, 32].tolist() == [0, 0, 255]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_an_image_of_pillows_is_a_source(mode: str) -> None:
    pil = pytest.importorskip("PIL.Image")
    image = pil.new("RGB", (8, 6), (204, 204, 204)).convert(mode)  # a colour that palettes have
    scene = lk.Compositor(16, 12)
    scene.add(image, at=(0, 0))
    scene.add(lk.open(image), at=(8, 6))
    picture = scene.frame("rgb24").array
    assert picture[:6, :8].min() == picture[6:, 8:].min() == 204
    assert picture[:6, 8:].max() == 0
    with pytest.raises(lk.FormatError):
        scene.add(pil)


def test_a_virtual_camera_is_sent_to(session: Session) -> None:
    with lk.VirtualCamera(320, 180, 30, name="Sent", device="pipewire") as target:
        target.send(np.full((180, 320, 3), 200, np.uint8))
        until(lambda: any(c.name == "Sent" for c in lk.cameras()), "the camera")
        with lk.Camera("Sent") as eye:
            until(
                lambda: abs(float(eye.frame(timeout=30).to_ndarray("rgb24").mean()) - 200) < 4,
                "what was sent",
            )
        assert target.frames_sent == 1


# ---- Windows -----------------------------------------------------------------------------------------------


def closed_by_its_user(display: str, title: str) -> subprocess.Popen[bytes]:
    """Somebody who closes the window soon after it is there."""
    search = f"xdotool search --sync --name '^{title}$'"
    return subprocess.Popen(["sh", "-c", f"id=$({search}) && sleep 0.3 && xdotool windowclose $id"])


def test_while_viewer_draw(display: str) -> None:
    viewer = lk.Viewer(64, 48, "loop")
    viewer.set_source(lk.TestPattern(64, 48))
    with lk.Viewer(64, 48, "other"):
        pass
    import threading

    until(lambda: viewer.draw() and any(w.title == "loop" for w in lk.windows()), "the window")
    threading.Timer(0.3, viewer.close).start()
    while viewer.draw():
        pass
    assert viewer.closed


@pytest.mark.parametrize("what", ["a name", "a scene", "an array"])
def test_view_until_it_is_closed(display: str, what: str, a_mp4: Path) -> None:
    somebody = closed_by_its_user(display, "seen")
    if what == "a name":
        lk.view("a.mp4", title="seen")
    elif what == "a scene":
        scene = lk.Compositor(64, 48)
        lk.view(scene, title="seen")
        assert not scene.is_running()
    else:
        lk.view(np.zeros((48, 64, 3), np.uint8), format="bgr24", title="seen")
    assert somebody.wait(30) == 0


def test_view_of_a_camera(display: str, camera: str) -> None:
    program = str(Path(sys.executable).with_name("livekit-studio"))
    view = ["setpriv", "--pdeathsig", "KILL", program, "view", f"camera:{camera}"]
    expected = lk.TestPattern(320, 180).frame(0).to_ndarray("rgb24").astype(int)

    def seen() -> media.Bytes:
        grab = ("-f", "x11grab", "-draw_mouse", "0", "-video_size", "640x480", "-i", display)
        raw = media.ffmpeg(*grab, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
        return np.frombuffer(raw, np.uint8).reshape(480, 640, 3)

    def shows_the_pattern() -> bool:
        assert viewing.poll() is None, "it ended"
        # what counts frames or moves is a small part of it; a camera has less colour than the picture it is given
        return bool((np.abs(seen()[:180, :320] - expected) < 12).mean() > 0.85)

    with subprocess.Popen(view) as viewing:
        try:
            until(shows_the_pattern, "the camera's picture in a window")
            assert [(w.title, w.size) for w in lk.windows()] == [(f"camera:{camera}", (320, 180))]
            shot = seen()
            assert shot[180:].max() == shot[:, 320:].max() == 0, "there is nothing beside it"
            subprocess.run(["xdotool", "search", "--name", camera, "windowclose"], check=True)
            assert viewing.wait(30) == 0
        finally:
            viewing.kill()


def test_view_and_play_for_a_while(display: str, a_mp4: Path) -> None:
    lk.view("a.mp4", seconds=0.2)
    with lk.Player("a.mp4", rate=16.0) as player:
        lk.play(player)
        assert player.is_eof_reached()
    lk.play("a.mp4", seconds=0.2, size=(64, 48))


def test_play_of_sound_alone_needs_no_display(
    noise_sounds: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    lk.play(noise_sounds[0], seconds=0.1)
    with lk.Player(noise_sounds[0], rate=16.0) as player:
        lk.play(player)
        assert player.is_eof_reached()


def test_view_and_play_without_a_display(a_mp4: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    for show in (lk.view, lk.play):
        with pytest.raises(lk.DisplayError) as error:
            show("a.mp4")
        assert error.value.hint
    with pytest.raises(lk.MediaNotFoundError):
        lk.view("nowhere.png")
    with pytest.raises(lk.FormatError):
        lk.view(np.zeros((4, 4, 3), np.uint8))

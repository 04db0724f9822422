# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever is wrong is said by a typed exception that also is the built-in one a Python user would catch."""

from __future__ import annotations

import socket
import threading
import warnings
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import LiveKit as lk
import numpy as np
import pytest

OPENERS: dict[str, Callable[[Any], Any]] = {
    "LazyPlayer": lk.LazyPlayer,
    "MediaInfo": lk.MediaInfo,
    "ImageFile": lk.ImageFile,
    "open": lk.open,
    "add": lambda path: lk.Compositor(64, 64).add(path),
    "audio.add": lambda path: lk.Compositor(64, 64).audio.add(path),
}
every_opener = pytest.mark.parametrize("opener", OPENERS.values(), ids=OPENERS.keys())


def random_bytes(count: int) -> bytes:
    return np.random.default_rng(11).integers(0, 256, count, np.uint8).tobytes()


def still() -> lk.VideoSource:
    return lk.open(np.zeros((8, 8, 3), np.uint8), format="rgb24")


def scene_of(source: Any = None, **options: Any) -> lk.Compositor:
    scene = lk.Compositor(64, 48, fps=30)
    scene.add(still() if source is None else source, **options)
    return scene


# ---- What is read --------------------------------------------------------------------------------------------


@every_opener
@pytest.mark.parametrize("ending", [".mp4", ".png", ""])
def test_a_missing_file(opener: Callable[[Any], Any], ending: str, tmp_path: Path) -> None:
    for name in (tmp_path / f"no-such-file{ending}", str(tmp_path / "no" / f"such{ending}")):
        with pytest.raises(lk.MediaNotFoundError) as error:
            opener(name)
        assert isinstance(error.value, FileNotFoundError)
        assert isinstance(error.value, ValueError)
        assert isinstance(error.value, lk.LiveKitError)
        assert "such" in str(error.value)


@every_opener
def test_a_directory(opener: Callable[[Any], Any], tmp_path: Path) -> None:
    with pytest.raises(lk.MediaError, match=r"director|folder"):
        opener(tmp_path)


@every_opener
@pytest.mark.parametrize("ending", [".mp4", ".png", ".wav", ""])
def test_an_empty_file(opener: Callable[[Any], Any], tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"empty{ending}"
    path.touch()
    with pytest.raises(lk.MediaError) as error:
        opener(path)
    assert not isinstance(error.value, FileNotFoundError)


@every_opener
@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".png", ".jpg", ".flv"])
def test_random_bytes(opener: Callable[[Any], Any], tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"random{ending}"
    path.write_bytes(random_bytes(50_000))
    with pytest.raises(lk.MediaError):
        opener(path)


@every_opener
def test_a_text_file(opener: Callable[[Any], Any], tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("no media\n" * 1000)
    with pytest.raises(lk.MediaError):
        opener(path)


def test_a_clip_cut_off_before_its_index(numbered: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.mp4"
    path.write_bytes(numbered.read_bytes()[: numbered.stat().st_size // 2])
    for opener in (lk.LazyPlayer, lk.MediaInfo, lk.open):
        with pytest.raises(lk.MediaError):
            opener(path)


@pytest.mark.parametrize("container", ["mkv", "flv", "ts"])
def test_a_clip_cut_off_in_the_middle_plays_as_far_as_it_goes(
    numbered_files: dict[str, Path], tmp_path: Path, container: str
) -> None:
    whole = numbered_files[container].read_bytes()
    path = tmp_path / f"cut.{container}"
    path.write_bytes(whole[: len(whole) // 2])
    frames = sum(1 for _ in lk.LazyPlayer(path).frames())
    assert 50 < frames < 250
    target = lk.NullTarget()
    scene_of(lk.LazyPlayer(path)).render(target, seconds=10)
    assert target.frames == 300


def test_a_clip_with_damage_plays_around_it(numbered_files: dict[str, Path], tmp_path: Path) -> None:
    whole = bytearray(numbered_files["ts"].read_bytes())
    third = len(whole) // 3
    whole[third : third + 3000] = random_bytes(3000)
    path = tmp_path / "damaged.ts"
    path.write_bytes(whole)
    target = lk.NullTarget()
    scene_of(lk.LazyPlayer(path)).render(target, seconds=10)
    assert target.frames == 300


@pytest.mark.parametrize("ending", [".png", ".jpg", ".webp", ".bmp"])
def test_a_picture_cut_off(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"cut{ending}"
    lk.Frame.from_ndarray(
        np.frombuffer(random_bytes(64 * 64 * 3), np.uint8).reshape(64, 64, 3), "rgb24"
    ).save(path)
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(lk.MediaError):
        lk.ImageFile(path)
    with pytest.raises(lk.MediaError):
        lk.open(path)


def test_a_codec_nobody_knows(numbered: Path, tmp_path: Path) -> None:
    path = tmp_path / "codec.mp4"
    data = numbered.read_bytes()
    assert data.count(b"avc1") >= 1
    path.write_bytes(data.replace(b"avc1", b"zq9x"))
    with pytest.raises(lk.MediaError):
        lk.LazyPlayer(path)
    with pytest.raises(lk.MediaError):
        scene_of(path)


def test_sound_where_pictures_are_wanted_and_the_other_way_round(
    noise_sounds: tuple[Path, Path], numbered: Path
) -> None:
    with pytest.raises(lk.MediaError) as error:
        lk.LazyPlayer(noise_sounds[0])
    assert error.value.hint is not None
    with pytest.raises(lk.MediaError):
        scene_of(noise_sounds[0])
    with pytest.raises(lk.MediaError):
        lk.Compositor(64, 64).audio.add(numbered)


@pytest.mark.parametrize("wrong", [3, None, b"bytes\xff", object(), ["a.png"]])
def test_names_that_are_none(wrong: Any) -> None:
    for opener in (lk.LazyPlayer, lk.ImageFile, lk.MediaInfo):
        with pytest.raises((TypeError, ValueError)):
            opener(wrong)


def test_sources_of_later_versions() -> None:
    with pytest.raises(lk.LiveKitError):
        lk.open("camera:0")


# ---- Arrays --------------------------------------------------------------------------------------------------

WRONG_ARRAYS: dict[str, tuple[Any, Any]] = {
    "two dimensions": (np.zeros((8, 8), np.uint8), "rgb24"),
    "four dimensions": (np.zeros((1, 8, 8, 3), np.uint8), "rgb24"),
    "two channels": (np.zeros((8, 8, 2), np.uint8), "rgb24"),
    "four channels for three": (np.zeros((8, 8, 4), np.uint8), "rgb24"),
    "three channels for four": (np.zeros((8, 8, 3), np.uint8), "bgra"),
    "three dimensions for planes": (np.zeros((12, 8, 1), np.uint8), "yuv420p"),
    "rows not divisible by three": (np.zeros((13, 8), np.uint8), "nv12"),
    "odd width of shared chroma": (np.zeros((12, 7), np.uint8), "yuv420p"),
    "odd width of chroma pairs": (np.zeros((8, 7, 2), np.uint8), "yuyv422"),
    "floats": (np.zeros((8, 8, 3), np.float32), "rgb24"),
    "signed": (np.zeros((8, 8, 3), np.int8), "rgb24"),
    "sixteen bits": (np.zeros((8, 8, 3), np.uint16), "rgb24"),
    "booleans": (np.zeros((8, 8, 3), bool), "rgb24"),
    "objects": (np.full((8, 8, 3), None), "rgb24"),
    "no rows": (np.zeros((0, 8, 3), np.uint8), "rgb24"),
    "no columns": (np.zeros((8, 0, 3), np.uint8), "rgb24"),
    "no planes": (np.zeros((0, 8), np.uint8), "yuv420p"),
    "too wide": (np.broadcast_to(np.uint8(0), (1, 100_000, 3)), "rgb24"),
    "too high": (np.broadcast_to(np.uint8(0), (2**40, 1, 3)), "rgb24"),
    "a list": ([[[0, 0, 0]]], "rgb24"),
    "nothing": (None, "rgb24"),
    "a number": (3, "rgb24"),
    "text": ("picture", "rgb24"),
}


@pytest.mark.parametrize(("array", "layout"), WRONG_ARRAYS.values(), ids=WRONG_ARRAYS.keys())
@pytest.mark.parametrize("copy", [True, False])
def test_arrays_that_are_no_pictures(array: Any, layout: Any, copy: bool) -> None:
    with pytest.raises(lk.FormatError) as error:
        lk.Frame.from_ndarray(array, layout, copy=copy)
    assert isinstance(error.value, ValueError)
    assert isinstance(error.value, TypeError)
    assert error.value.hint
    with pytest.raises(lk.FormatError):
        lk.VideoPort().push(array, format=layout)


@pytest.mark.parametrize("dtype", [np.float32, np.uint16, bool])
def test_the_message_names_both_types(dtype: Any) -> None:
    with pytest.raises(lk.FormatError) as error:
        lk.Frame.from_ndarray(np.zeros((8, 8, 3), dtype), "rgb24")
    assert np.dtype(dtype).name in str(error.value)
    assert "uint8" in str(error.value)


def test_strides_that_are_no_lines_are_followed_not_misread() -> None:
    """Zero and negative strides are arrays like others; nothing is read outside of them."""
    base = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
    strided = np.lib.stride_tricks.as_strided
    for view in (
        strided(base, (8, 8, 3), (0, 3, 1)),
        strided(base, (8, 8, 3), (24, 0, 0)),
        strided(base[::-1, ::-1, ::-1], (4, 4, 3), (-48, -6, -1)),
        strided(base, (6, 6, 3), (3, 3, 1)),
    ):
        for copy in (True, False):
            frame = lk.Frame.from_ndarray(view, "rgb24", copy=copy)
            np.testing.assert_array_equal(frame.to_ndarray("rgb24"), view)


def test_unknown_formats_are_listed() -> None:
    array = np.zeros((8, 8, 3), np.uint8)
    frame = lk.Frame.from_ndarray(array, "rgb24")
    for wrong in (
        lambda: lk.Frame.from_ndarray(array, "rgb48"),  # type: ignore[arg-type]
        lambda: frame.to_ndarray("gray"),  # type: ignore[arg-type]
        lambda: scene_of().frame("argb"),  # type: ignore[arg-type]
        lambda: lk.NullTarget(""),  # type: ignore[arg-type]
        lambda: scene_of().frames("x", realtime=False),  # type: ignore[arg-type]
    ):
        with pytest.raises(lk.FormatError) as error:
            wrong()
        assert "yuv420p" in str(error.value)


def test_an_array_needs_a_format() -> None:
    with pytest.raises(lk.FormatError) as error:
        lk.open(np.zeros((8, 8, 3), np.uint8))
    assert "format" in str(error.value)


@pytest.mark.parametrize("size", [(0, 100), (100, 0), (-1, 100), (100_000, 100), (2**31, 2**31), (2**40, 1)])
def test_sizes_that_no_canvas_has(size: tuple[int, int]) -> None:
    with pytest.raises((lk.FormatError, lk.ParameterError)):
        lk.Compositor(*size)
    scene = lk.Compositor(64, 64)
    with pytest.raises((lk.FormatError, lk.ParameterError)):
        scene.set_video_resolution(*size)
    assert scene.size == (64, 64)


# ---- What is written -----------------------------------------------------------------------------------------


def test_paths_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "no" / "such" / "out.mp4", tmp_path / "folder.mp4", tmp_path / "file" / "out.mp4"):
        with pytest.raises(lk.OutputError) as error:
            scene_of().render(out, frames=3)
        assert isinstance(error.value, OSError)
        assert error.value.errno
    with pytest.raises(lk.OutputError):
        lk.Frame.from_ndarray(np.zeros((8, 8, 3), np.uint8), "rgb24").save(tmp_path / "no" / "out.png")
    with pytest.raises(lk.ParameterError):
        lk.Frame.from_ndarray(np.zeros((8, 8, 3), np.uint8), "rgb24").save(tmp_path / "out.xyz")


def test_a_clip_is_not_rendered_over_itself(numbered: Path, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(numbered.read_bytes())
    with pytest.raises((lk.OutputError, lk.ParameterError, lk.BusyError)):
        scene_of(clip).render(clip, frames=30)
    assert clip.read_bytes() == numbered.read_bytes()


def test_a_full_disk() -> None:
    full = Path("/dev/full")
    if not full.is_char_device():
        pytest.skip("there is no /dev/full here")
    with pytest.raises(lk.DiskFullError) as error:
        scene_of().render(full, seconds=20, format="matroska")
    assert isinstance(error.value, OSError)


def test_an_odd_canvas_cannot_become_h264(tmp_path: Path) -> None:
    scene = lk.Compositor(63, 48)
    with pytest.raises((lk.FormatError, lk.EncoderError)) as error:
        scene.render(tmp_path / "out.mp4", frames=3)
    assert "64x48" in str(error.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"quality": 52},
        {"quality": -1.0},
        {"bitrate": -5},
        {"frames": -3},
        {"seconds": float("nan")},
        {"seconds": float("inf")},
        {"frames": 3, "seconds": 1.0},
    ],
)
def test_render_parameters_out_of_range(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises((lk.ParameterError, OverflowError)):
        scene_of().render(tmp_path / "out.mp4", **{"frames": 3, **wrong})


def test_things_that_are_no_targets() -> None:
    for wrong in (3, None, still(), [3]):
        with pytest.raises((TypeError, ValueError)):
            scene_of().render(wrong, frames=3)  # type: ignore[arg-type]


# ---- Network -------------------------------------------------------------------------------------------------


def test_an_address_that_never_answers(silent_server: tuple[str, socket.socket]) -> None:
    address, _ = silent_server
    for opener in (lk.LazyPlayer, lk.MediaInfo):
        with pytest.raises(lk.DeadlineError) as error:
            opener(f"http://{address}/clip.mp4", timeout=0.5)
        assert isinstance(error.value, TimeoutError)
    with pytest.raises(lk.DeadlineError):
        lk.Compositor(64, 64).audio.add(f"http://{address}/sound.mp3", timeout=0.5)
    with pytest.raises(lk.DeadlineError):
        lk.LazyPlayer(f"rtmp://{address}/app/key", timeout=0.5)


def test_an_address_that_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(lk.StreamError) as error:
        lk.LazyPlayer(f"http://127.0.0.1:{port}/clip.mp4", timeout=5)
    assert isinstance(error.value, ConnectionError)


class Answers(BaseHTTPRequestHandler):
    """404 for everything but /short.ts, which breaks off."""

    clip = b""

    def do_GET(self) -> None:
        if self.path != "/short.ts":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.clip)))
        self.end_headers()
        self.wfile.write(self.clip[: len(self.clip) // 2])

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture
def server(numbered_files: dict[str, Path]) -> Iterator[str]:
    Answers.clip = numbered_files["ts"].read_bytes()
    with HTTPServer(("127.0.0.1", 0), Answers) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{made.server_port}"
        made.shutdown()
        thread.join()


def test_an_address_with_nothing_behind_it(server: str) -> None:
    with pytest.raises(lk.MediaNotFoundError):
        lk.LazyPlayer(f"{server}/clip.mp4")


def test_a_stream_that_breaks_off_is_said_or_ends(server: str) -> None:
    player = lk.LazyPlayer(f"{server}/short.ts", timeout=5)
    seen = 0
    try:
        for _ in player.frames():
            seen += 1
    except (lk.StreamError, lk.MediaError, lk.DeadlineError):
        pass
    assert seen > 50


def test_protocols_that_do_not_exist() -> None:
    with pytest.raises(lk.LiveKitError):
        lk.LazyPlayer("gopher-tv://somewhere/clip.mp4")


def test_secrets_stay_out_of_messages(silent_server: tuple[str, socket.socket]) -> None:
    address, _ = silent_server
    with pytest.raises(lk.DeadlineError) as error:
        lk.LazyPlayer(f"http://user:hunter2@{address}/clip.mp4", timeout=0.3)
    assert "hunter2" not in str(error.value)
    assert "hunter2" not in repr(error.value)


# ---- Runs ----------------------------------------------------------------------------------------------------


def test_a_live_source_in_an_offline_render(tmp_path: Path) -> None:
    port = lk.VideoPort()
    port.push(np.full((8, 8, 3), 90, np.uint8))
    scene = lk.Compositor(64, 48)
    layer = scene.add(port, name="camera")
    for run in (
        lambda: scene.render(tmp_path / "out.mp4", frames=3),
        lambda: list(scene.frames("rgb24", realtime=False, seconds=0.1)),
        lambda: scene.frame(),
    ):
        with pytest.raises(lk.LiveSourceError) as error:
            run()
        assert "camera" in str(error.value)
        assert error.value.hint is not None
        assert "freeze" in error.value.hint
    layer.visible = False
    assert scene.frame().to_ndarray("rgb24").max() == 0
    layer.visible = True
    for policy, level in [("freeze", 90), ("latest", 90), ("skip", 0)]:
        layer.offline = policy
        assert scene.frame().to_ndarray("rgb24").max() == level


def test_freeze_keeps_and_latest_follows() -> None:
    port = lk.VideoPort()
    scene = lk.Compositor(8, 8)
    layer = scene.add(port, offline="latest")
    for policy, expected in [("latest", [10, 20, 30]), ("freeze", [10, 10, 10])]:
        layer.offline = policy
        port.push(np.full((8, 8, 3), 10, np.uint8))
        frames = scene.frames("rgb24", realtime=False)
        seen = []
        for level in (20, 30, 40):
            seen.append(int(next(frames).to_ndarray("rgb24").max()))
            port.push(np.full((8, 8, 3), level, np.uint8))
        assert seen == expected
        del frames


def test_a_function_that_raises_ends_the_render(tmp_path: Path) -> None:
    def fails(t: float) -> Any:
        if t > 0.1:
            raise KeyError("no picture")
        return np.zeros((8, 8, 3), np.uint8)

    source = lk.FunctionSource(fails, format="rgb24")
    with pytest.raises(lk.CallbackError) as error:
        scene_of(source).render(tmp_path / "out.mp4", seconds=1)
    assert isinstance(error.value.__cause__, KeyError)
    assert isinstance(error.value, RuntimeError)
    assert "fails" in "".join(str(entry) for entry in traceback_of(error.value.__cause__))


def traceback_of(error: BaseException | None) -> list[str]:
    names = []
    entry = error.__traceback__ if error else None
    while entry:
        names.append(entry.tb_frame.f_code.co_name)
        entry = entry.tb_next
    return names


@pytest.mark.parametrize("wrong", [3, "picture", np.zeros((8, 8)), np.zeros((8, 8, 4), np.uint8)])
def test_a_function_that_returns_no_picture_ends_the_render(wrong: Any) -> None:
    source = lk.FunctionSource(lambda t: wrong, format="rgb24")
    with pytest.raises((lk.FormatError, lk.CallbackError)):
        scene_of(source).render(lk.NullTarget(), frames=3)


def test_a_function_may_return_frames_and_nothing() -> None:
    def picture(t: float) -> Any:
        return None if t < 0.05 else lk.Frame.from_ndarray(np.full((4, 4, 3), 50, np.uint8), "bgr24")

    source = lk.FunctionSource(picture)
    levels = [
        int(f.to_ndarray("rgb24").max())
        for f in scene_of(source).frames("rgb24", realtime=False, seconds=0.1)
    ]
    assert levels == [0, 0, 50]


def test_arrays_of_a_function_need_their_format() -> None:
    source = lk.FunctionSource(lambda t: np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(lk.CallbackError, match="needs its format"):
        scene_of(source).render(lk.NullTarget(), frames=3)


def test_a_function_that_never_returns_meets_a_deadline() -> None:
    release = threading.Event()

    def picture(t: float) -> None:
        release.wait(20)

    source = lk.FunctionSource(picture, format="rgb24", timeout=0.3)
    with pytest.raises(lk.DeadlineError):
        scene_of(source).render(lk.NullTarget(), frames=3)
    release.set()


def test_a_progress_callback_that_raises_ends_the_render(tmp_path: Path) -> None:
    def progress(done: int, total: int) -> None:
        if done >= 3:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        scene_of().render(tmp_path / "out.mp4", frames=100_000, progress=progress)
    assert list(lk.LazyPlayer(tmp_path / "out.mp4").frames())


def test_a_source_in_two_runs_is_busy(numbered: Path) -> None:
    player = lk.LazyPlayer(numbered)
    first, second = scene_of(player), scene_of(player)
    running = first.frames("rgb24", realtime=False)
    next(running)
    with pytest.raises(lk.BusyError):
        next(second.frames("rgb24", realtime=False))
    with pytest.raises(lk.BusyError):
        first.render(lk.NullTarget(), frames=3)
    del running
    assert second.render(lk.NullTarget(), frames=3).frames == 3


def test_a_window_without_a_display_warns_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.warns(RuntimeWarning):
        scene = lk.Compositor(64, 48, 640, 480, "title")
    assert scene.frame().size == (64, 48)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lk.Compositor(64, 48)


@pytest.mark.parametrize("threads", [0, -1, 10**9])
def test_thread_counts_out_of_range(threads: int) -> None:
    with pytest.raises((lk.ParameterError, OverflowError)):
        lk.Compositor(64, 48, threads=threads)
    with pytest.raises((lk.ParameterError, OverflowError)):
        lk.set_threads(threads)


@pytest.mark.parametrize("timeout", [0, -1.0, float("nan"), float("inf")])
def test_timeouts_out_of_range(numbered: Path, timeout: float) -> None:
    with pytest.raises(lk.ParameterError):
        lk.LazyPlayer(numbered, timeout=timeout)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_player_rates_out_of_range(numbered: Path, rate: float) -> None:
    with pytest.raises(lk.ParameterError):
        lk.LazyPlayer(numbered, rate=rate)


def test_classes_that_are_not_made_directly() -> None:
    for cls in (lk.VideoSource, lk.Layer, lk.Mixer, lk.MixerInput, lk.Statistics, lk.Frame):
        with pytest.raises(TypeError):
            cls()


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        ("MediaError", ValueError),
        ("MediaNotFoundError", FileNotFoundError),
        ("EncoderError", ValueError),
        ("FormatError", ValueError),
        ("FormatError", TypeError),
        ("ParameterError", ValueError),
        ("SlotError", IndexError),
        ("SlotError", KeyError),
        ("OutputError", OSError),
        ("DiskFullError", OSError),
        ("StreamError", ConnectionError),
        ("DeadlineError", TimeoutError),
        ("ClosedError", RuntimeError),
        ("BusyError", RuntimeError),
        ("CallbackError", RuntimeError),
        ("FrameMemoryError", MemoryError),
    ],
)
def test_errors_are_the_built_in_ones_too(error: str, builtin: type[Exception]) -> None:
    assert issubclass(getattr(lk, error), builtin)
    assert issubclass(getattr(lk, error), lk.LiveKitError)

# SPDX-License-Identifier: GPL-2.0-or-later
"""Pictures between processes."""

from __future__ import annotations

import functools
import gc
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Literal

import LiveKit as lk
import media
import numpy as np
import programs
import pytest
from numpy.typing import NDArray

PATIENCE = 30.0  # seconds until something that should come counts as lost

Pixels = NDArray[np.uint8]


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime folder of the test's own. Short: the path of a socket has 107 bytes."""
    folder = Path("/tmp") / f"lk-py-{os.getpid()}-{time.monotonic_ns() % 10**9}"
    folder.mkdir(mode=0o700)
    for variable in ("XDG_RUNTIME_DIR", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(folder.absolute()))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def until(what: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)


def picture(value: int, width: int = 64, height: int = 48, channels: int = 3) -> Pixels:
    array = np.full((height, width, channels), value, np.uint8)
    array[0, 0] = 7
    return array


def shows(source: lk.VideoSource, expected: Pixels) -> bool:
    array = source.pull()[0]
    return array is not None and np.array_equal(array, expected)


class Other:
    """Another process, ended with the test."""

    def __init__(self, program: str, *arguments: str) -> None:
        command = [sys.executable, "-X", "faulthandler", "-c", dedent(program), *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)

    def says(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        assert line, "it ended"
        return line

    def __enter__(self) -> Other:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


PUSH = """
    import sys, time
    import LiveKit as lk, numpy as np
    target = lk.IPCTarget("cam", 64, 48)
    print("shared", flush=True)
    for n in range(1, 10**6):
        target.push(np.full((48, 64, 3), n % 251, np.uint8))
        time.sleep(1 / 60)
"""


@pytest.fixture
def pushing() -> Iterator[Other]:
    with Other(PUSH) as other:
        assert other.says() == "shared"
        yield other


def test_what_is_pushed_is_pulled() -> None:
    for has_alpha, channels in ((False, 3), (True, 4)):
        with lk.IPCTarget("cam", 64, 48, has_alpha) as target, lk.IPCSource("cam") as source:
            assert target.size() == (64, 48)
            assert target.format == ("bgra" if has_alpha else "bgr24")
            assert isinstance(target, lk.VideoTarget)
            assert isinstance(source, lk.VideoSource)
            array = np.random.default_rng(1).integers(0, 256, (48, 64, channels), np.uint8)
            before = time.monotonic_ns() // 1000
            target.push(array)
            assert np.array_equal(source.frame().array, array)
            pulled, micros, is_flipped = source.pull()
            assert pulled is not None
            assert np.array_equal(pulled, array)
            assert before <= micros <= time.monotonic_ns() // 1000
            assert not is_flipped
            target.push(array, True)
            until(functools.partial(shows, source, array[::-1]))
            assert target.statistics() == lk.IPCTargetStatistics(2, 2, 0, 1)
            assert source.statistics() == lk.IPCSourceStatistics(2, 0, 0, 1)
            assert (source.state, source.error, source.size()) == ("live", None, (64, 48))


@pytest.mark.parametrize("name", ["yuv420p", "nv12"])
def test_planar_pictures(name: Literal["yuv420p", "nv12"]) -> None:
    with lk.IPCTarget("cam", 64, 48, format=name) as target, lk.IPCSource("cam") as source:
        array = np.random.default_rng(1).integers(16, 236, (72, 64), np.uint8)
        target.push(array)
        frame = source.frame()
        assert frame.format == target.format == name
        assert np.array_equal(frame.to_ndarray(name), array)


def test_views_are_read_only_and_outlive_everything() -> None:
    def taken() -> Pixels:
        target, source = lk.IPCTarget("cam", 64, 48), lk.IPCSource("cam")
        target.push(picture(1))
        view: Pixels = source.frame().array
        for n in range(2, 200):
            target.push(picture(n % 256))
        until(lambda: source.frame().array[1, 1, 0] == 199)
        source.close()
        target.close()
        return view

    view = taken()
    gc.collect()
    assert not view.flags.writeable
    assert not view.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        view[0, 0] = 1
    assert np.array_equal(view, picture(1))


def test_every_picture_comes_once() -> None:
    with lk.IPCTarget("cam", 64, 48) as target, lk.IPCSource("cam") as source:
        for n in (1, 2, 3):
            target.push(picture(n))
        until(lambda: shows(source, picture(3)))
        frames = source.frames(timeout=0.2)
        seen = [int(next(frames).array[1, 1, 0])]
        for n in range(4, 9):
            target.push(picture(n))
        seen += [int(frame.array[1, 1, 0]) for frame in frames]
        assert seen == [3, 4, 5, 6, 7, 8]


def test_pictures_that_do_not_fit() -> None:
    with lk.IPCTarget("cam", 8, 8) as target, lk.IPCSource("cam") as source:
        target.push(picture(200, 4, 20))
        array = source.frame().array
        assert array.shape == (8, 8, 3)
        assert (array[:, 2:6] == 200).all()
        assert (array[:, :2] == 0).all()
    with lk.IPCTarget("cam", 8, 8, fit="stretch") as target, lk.IPCSource("cam") as source:
        target.push(np.full((50, 30, 3), 90, np.uint8))
        assert np.abs(source.frame().array.astype(int) - 90).max() <= 1


def test_sizes_that_change_are_followed() -> None:
    with lk.IPCTarget("cam", 64, 48) as target, lk.IPCSource("cam") as source:
        target.push(picture(1))
        assert source.frame().size == (64, 48)
        target.set_size(320, 180)
        target.push(picture(2, 320, 180))
        until(lambda: source.frame().size == (320, 180))
        assert (target.size(), source.size(), source.state) == ((320, 180), (320, 180), "live")


def test_errors() -> None:
    with lk.IPCTarget("cam", 64, 48) as target:
        with pytest.raises(lk.BusyError, match="cam"):
            lk.IPCTarget("cam", 64, 48)
        with pytest.raises(lk.FormatError):
            target.push(np.zeros((48, 64), np.float32))
    with pytest.raises(lk.ClosedError):
        target.push(picture(1))
    with pytest.raises(lk.ClosedError):
        lk.Compositor(64, 48).add_target(target)
    for name in ("", "a/b", "n" * 300, ".x"):
        with pytest.raises(lk.ParameterError):
            lk.IPCTarget(name, 64, 48)
        with pytest.raises(lk.ParameterError):
            lk.IPCSource(name)
    with pytest.raises(lk.FormatError, match="64x48"):
        lk.IPCTarget("odd", 63, 48, format="nv12")
    with pytest.raises(lk.FormatError):
        lk.IPCTarget("rgb", 64, 48, format="rgb24")
    with pytest.raises(lk.ParameterError):
        lk.IPCTarget("alpha", 64, 48, True, format="bgr24")
    with pytest.raises(lk.ParameterError, match="fit"):
        lk.IPCTarget("fit", 64, 48, fit="none")  # type: ignore[arg-type]
    source = lk.IPCSource("nobody")
    with pytest.raises(lk.DeadlineError, match="nobody"):
        source.frame(timeout=0.1)
    assert source.pull()[0] is None
    assert source.size() == (0, 0)
    source.close()
    with pytest.raises(lk.ClosedError):
        source.frame()
    assert source.state == "closed"


def test_no_permission(monkeypatch: pytest.MonkeyPatch, runtime: Path) -> None:
    (runtime / "livekit").mkdir(mode=0o777)
    (runtime / "livekit").chmod(0o777)
    with pytest.raises(lk.OutputError, match="others") as caught:
        lk.IPCTarget("cam", 64, 48)
    assert caught.value.errno == 1
    with pytest.raises(lk.StreamError, match="others"):
        lk.IPCSource("cam")


def test_a_scene_is_rendered_in_shared_memory(pushing: Other) -> None:
    with (
        lk.Compositor(128, 96, fps=60) as scene,
        lk.IPCTarget("scene", 128, 96) as target,
        lk.IPCSource("scene") as source,
    ):
        scene.add("ipc:cam", at=(0, 0))
        scene.add_target(target)
        scene.start()
        values = set()
        for frame in source.frames(timeout=PATIENCE):
            corner = frame.array[:48, :64]
            assert (corner == corner[0, 0]).all(), "torn"
            assert (frame.array[48:] == 0).all()
            values.add(int(corner[0, 0, 0]))
            if len(values) > 30:
                break
        counts = target.statistics()
        assert counts.frames > 30
        assert counts.in_place == counts.frames, "no frame was copied"
        scene.stop()


def test_chained_scenes_and_a_recorder(tmp_path: Path) -> None:
    program = """
        import sys, time
        import LiveKit as lk
        scene = lk.Compositor(128, 96, fps=30)
        scene.add(sys.argv[1], fit="cover")
        scene.add_target(lk.IPCTarget(sys.argv[2], 128, 96, format="yuv420p"))
        scene.start()
        print("runs", flush=True)
        sys.stdin.read()
    """
    film = tmp_path / "film.mp4"
    # the last in the chain first
    source = lk.IPCSource("second")
    with Other(program, "ipc:first", "second") as second, Other(program, "color:#c02040", "first") as first:
        assert first.says() == second.says() == "runs"
        until(
            lambda: (
                np.abs(source.frame(timeout=PATIENCE).to_ndarray("rgb24")[50, 60] - [192.0, 32, 64]).max() < 6
            )
        )
        with lk.Recorder(film, source=source, fps=30):
            time.sleep(1.5)
    stream = media.stream(film, "video")
    assert (stream["width"], stream["height"]) == (128, 96)
    assert int(stream["nb_read_frames"]) >= 20


def test_a_player_in_another_process(numbered: Path, tmp_path: Path) -> None:
    program = """
        import sys
        import LiveKit as lk
        player = lk.Player(sys.argv[1])
        player.add_target(lk.IPCTarget("film", *player.video_size()))
        player.start()
        print("plays", flush=True)
        sys.stdin.read()
    """
    source = lk.IPCSource("film")
    with Other(program, str(numbered)) as other:
        assert other.says() == "plays"
        numbers = []
        for frame in source.frames(timeout=PATIENCE):
            numbers.append(media.number_of(frame.to_ndarray("bgr24")))
            if len(numbers) == 40:
                break
    steps = np.diff(numbers)
    assert (steps >= 0).all()
    assert (steps <= 1).mean() > 0.8, numbers


def test_a_dead_writer_is_followed_by_the_next(pushing: Other) -> None:
    source = lk.IPCSource("cam")
    events = source.events()
    source.frame(timeout=PATIENCE)
    with lk.Compositor(64, 48, fps=30) as scene:
        scene.add(source, fallback="color:#0000ff")
        blue = np.array([255, 0, 0])
        scene.start()
        until(lambda: scene.frame().array[20, 20].max() > 0)
        pushing.process.kill()
        until(lambda: source.state == "reconnecting")
        assert source.frame().size == (64, 48), "the last picture stays"
        until(lambda: np.array_equal(scene.frame().to_ndarray("bgr24")[20, 20], blue))
        with lk.IPCTarget("cam", 32, 32) as target:
            target.push(picture(77, 32, 32))
            until(lambda: source.frame().size == (32, 32))
            assert source.state == "live"
            until(lambda: np.array_equal(scene.frame().to_ndarray("bgr24")[20, 20], [77, 77, 77]))
    seen = [next(events).new for _ in range(2)]
    assert seen[-1] in ("reconnecting", "live")
    assert source.statistics().writers == 2


@pytest.mark.parametrize("first_has_fallback", [True, False])
def test_layers_of_a_dead_writer_show_each_what_they_must(pushing: Other, first_has_fallback: bool) -> None:
    source = lk.IPCSource("cam")
    source.frame(timeout=PATIENCE)
    with lk.Compositor(128, 48, fps=30) as scene:
        for place in (0, 1):
            instead = "color:#0000ff" if (place == 0) == first_has_fallback else None
            scene.add(source, at=(64 * place, 0), size=(64, 48), fallback=instead)
        scene.start()

        def layers() -> list[Pixels]:
            pixels = scene.frame().to_ndarray("bgr24")
            fallback, last_picture = pixels[:, :64], pixels[:, 64:]
            return [fallback, last_picture] if first_has_fallback else [last_picture, fallback]

        until(lambda: all(layer.max() > 0 and layer[:, :, 0].min() < 255 for layer in layers()))
        pushing.process.kill()
        until(lambda: source.state == "reconnecting")
        last = source.frame()
        blue = np.full((48, 64, 3), (255, 0, 0), np.uint8)
        until(lambda: np.array_equal(layers()[0], blue))
        assert np.array_equal(layers()[1], last.to_ndarray("bgr24")), "the last picture stays"
        with lk.IPCTarget("cam", 64, 48) as target:
            target.push(picture(77))
            until(lambda: all(np.array_equal(layer, picture(77)) for layer in layers()))


def test_names_are_opened_as_sources() -> None:
    assert isinstance(lk.open("ipc:cam"), lk.IPCSource)
    with pytest.raises(lk.ParameterError):
        lk.open("ipc:")


def test_offline_is_refused() -> None:
    scene = lk.Compositor(64, 48)
    scene.add(lk.IPCSource("cam"))
    with pytest.raises(lk.LiveSourceError, match="cam"):
        scene.render(lk.NullTarget(), frames=1)


def test_the_reader_in_the_documentation(pushing: Other) -> None:
    text = (Path(__file__).parents[2] / "docs" / "ipc-format.md").read_text()
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    space: dict[str, Callable[[str], Iterator[Pixels]]] = {}
    exec(program, space)
    values = []
    pictures = space["pictures"]("cam")
    for array in pictures:
        assert array.shape == (48, 64, 3)
        assert (array == array[0, 0]).all()
        values.append(int(array[0, 0, 0]))
        if len(values) == 20:
            break
    assert (np.diff(values) % 251 > 0).all()
    with lk.IPCTarget("alpha", 32, 16, True) as target:
        expected = np.random.default_rng(2).integers(0, 256, (16, 32, 4), np.uint8)
        target.push(expected)
        assert np.array_equal(next(space["pictures"]("alpha")), expected)
    pushing.process.kill()
    assert len(list(pictures)) < 1000, "it ends with its writer"


def test_the_end_of_the_interpreter_gives_the_name_back(runtime: Path) -> None:
    programs.run(
        """
        import LiveKit as lk, numpy as np
        target = lk.IPCTarget("cam", 64, 48)
        source = lk.IPCSource("cam")
        target.push(np.zeros((48, 64, 3), np.uint8))
        kept = source.frame().array
        class Holds: pass
        holds = Holds()
        holds.me, holds.target = holds, target  # a cycle that nobody breaks
        """
    )
    assert [path for path in (runtime / "livekit").rglob("*") if not path.is_dir()] == []


def test_a_forked_child_leaves_everything_alone() -> None:
    lines = programs.says(
        """
        import os, sys, time
        import LiveKit as lk, numpy as np
        target, source = lk.IPCTarget("cam", 64, 48), lk.IPCSource("cam")
        target.push(np.full((48, 64, 3), 5, np.uint8))
        view = source.frame().array
        child = os.fork()
        if child == 0:
            for call in (lambda: target.push(view), lambda: source.frame()):
                try:
                    call()
                except lk.ClosedError:
                    print("refused", flush=True)
            del target, source, view, call
            sys.stdout.flush()
            os._exit(0)
        os.waitpid(child, 0)
        for n in range(50):
            target.push(np.full((48, 64, 3), n, np.uint8))
        print(target.readers, view[1, 1, 0], lk.IPCSource("cam").frame().array[0, 0, 0])
        """
    )
    assert lines == ["refused", "refused", "1 5 49"]


def test_waiting_ends_with_an_interrupt() -> None:
    program = """
        import LiveKit as lk
        source = lk.IPCSource("nobody")
        print("waits", flush=True)
        try:
            source.frame(timeout=None)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """
    with Other(program) as other:
        assert other.says() == "waits"
        time.sleep(0.1)
        other.process.send_signal(signal.SIGINT)
        assert other.says() == "interrupted"


def test_the_command_line_lists_and_watches(pushing: Other) -> None:
    def command(*arguments: str) -> str:
        program = "import sys; from livekit_studio._native import _cli; sys.exit(_cli(sys.argv[1:], []))"
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        return done.stdout

    assert "cam  64x48 bgr24" in command("ipc", "list")
    assert "live: 64x48 bgr24" in command("ipc", "watch", "cam", "--seconds", "1.2")
    assert str(pushing.process.pid) in command("ipc", "list", "--json")

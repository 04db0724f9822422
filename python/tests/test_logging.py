# SPDX-License-Identifier: GPL-2.0-or-later
"""What the engine and FFmpeg say reaches ``logging``, without secrets and without holding anybody up."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import LiveKit as lk
import media
import programs
import pytest
from livekit_studio import _logging

PATIENCE = 60  # seconds until something hanging counts as a failure; no measure of speed

ENGINE = logging.getLogger("livekit_studio")
FFMPEG = logging.getLogger("livekit_studio.ffmpeg")


class Kept(logging.Handler):
    """Keeps every record."""

    def __init__(self) -> None:
        super().__init__(level=0)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def find(self, text: str, below: int = logging.CRITICAL + 1) -> logging.LogRecord | None:
        records = list(self.records)
        return next((r for r in records if text in r.getMessage() and r.levelno < below), None)

    def has(self, text: str) -> bool:
        return self.find(text) is not None

    def wait(
        self, text: str, do: Callable[[], object] = lambda: None, below: int = logging.CRITICAL + 1
    ) -> logging.LogRecord:
        """Does something again and again until a line with ``text``, and of a level ``below``, has come."""
        deadline = time.monotonic() + PATIENCE
        while (found := self.find(text, below)) is None:
            assert time.monotonic() < deadline, [r.getMessage() for r in self.records]
            do()
            time.sleep(0.02)
        return found


@pytest.fixture
def kept() -> Iterator[Kept]:
    handler = Kept()
    ENGINE.addHandler(handler)
    levels = ENGINE.level, FFMPEG.level
    yield handler
    ENGINE.removeHandler(handler)
    ENGINE.setLevel(levels[0])
    FFMPEG.setLevel(levels[1])


@pytest.fixture(scope="module")
def broken(folder: Path, numbered: Path) -> Path:
    """An MP4 that ends before its index: FFmpeg says so."""
    path = folder / "broken-for-log.mp4"
    path.write_bytes(numbered.read_bytes()[:1000])
    return path


def fail(name: object) -> None:
    with contextlib.suppress(lk.LiveKitError, ValueError):
        lk.MediaInfo(name, timeout=5)  # type: ignore[arg-type]


MISSING_INDEX = "moov atom not found"


def test_what_ffmpeg_says_comes_with_its_level_thread_and_time(kept: Kept, broken: Path) -> None:
    before = time.time()
    fail(broken)
    after = time.time()
    record = kept.wait(MISSING_INDEX)
    assert (record.name, record.levelno) == ("livekit_studio.ffmpeg", logging.ERROR)
    assert record.threadName == "lk-call"
    assert before - 0.5 <= record.created <= after + 0.5


def test_levels_are_followed_while_the_program_runs(kept: Kept, broken: Path, numbered: Path) -> None:
    ENGINE.setLevel(logging.CRITICAL)
    for _ in range(20):
        fail(broken)
        time.sleep(0.01)
    assert not kept.records
    ENGINE.setLevel(1)
    # what FFmpeg says about sound files at its "verbose" level and below
    kept.wait("", lambda: lk.LazyPlayer(numbered).frame(0.0), below=logging.WARNING)
    ENGINE.setLevel(logging.ERROR)
    kept.wait(MISSING_INDEX, lambda: fail(broken))


def test_a_disabled_logger_is_quiet(kept: Kept, broken: Path) -> None:
    FFMPEG.disabled = True
    try:
        fail(broken)
        ENGINE.warning("marker")
        scene, done = lk.Compositor(16, 16), threading.Event()
        scene.on("run_state", lambda event: done.set())
        scene.render(lk.NullTarget(), frames=1)
        assert done.wait(PATIENCE)
        assert not kept.has(MISSING_INDEX)
    finally:
        FFMPEG.disabled = False


SECRETS = [
    "http://me:SECRET@127.0.0.1:{port}/clip.mp4?token=SECRET&name=SECRET",
    "http://127.0.0.1:{port}/clip.mp4?key=SECRET",
    "rtmp://me:SECRET@127.0.0.1:{port}/live/SECRET",
    "srt://127.0.0.1:{port}?passphrase=SECRET-and-more",
    "rtsp://me:SECRET@127.0.0.1:{port}/cam?token=SECRET",
    "/nowhere/clip.mp4?token=SECRET",
]


@pytest.mark.parametrize("address", SECRETS)
def test_no_secret_is_logged_at_any_level(
    kept: Kept, broken: Path, silent_server: tuple[str, object], address: str
) -> None:
    ENGINE.setLevel(1)
    host, _ = silent_server
    port = host.rsplit(":", 1)[1]
    kept.wait("", lambda: fail(broken))

    def ask() -> None:
        with contextlib.suppress(lk.LiveKitError, ValueError):
            lk.MediaInfo(address.format(port=port), timeout=0.5)

    ask()
    ask()
    fail(broken)
    kept.wait(MISSING_INDEX)
    scene, done = lk.Compositor(16, 16), threading.Event()
    scene.on("run_state", lambda event: done.set())
    scene.render(lk.NullTarget(), frames=1)
    assert done.wait(PATIENCE)
    shown = [record.getMessage() for record in kept.records]
    assert not [line for line in shown if "SECRET" in line]


def test_too_many_lines_are_counted_and_bounded(kept: Kept, broken: Path) -> None:
    scene, stands, go = lk.Compositor(16, 16), threading.Event(), threading.Event()

    def stand(event: lk.Event) -> None:
        stands.set()
        go.wait(PATIENCE)

    scene.on("run_state", stand)
    scene.render(lk.NullTarget(), frames=1)
    assert stands.wait(PATIENCE)
    for _ in range(1500):
        fail(broken)
    go.set()
    record = kept.wait("lines of the log were lost")
    assert record.levelno == logging.WARNING
    assert int(record.getMessage().split()[0]) >= 1500 - 1024


def test_a_line_that_repeats_itself_is_written_once_and_counted(kept: Kept) -> None:
    for _ in range(5):
        _logging.log(True, logging.WARNING, "again", time.monotonic(), None)
    _logging.log(True, logging.WARNING, "other", time.monotonic(), None)
    assert [r.getMessage() for r in kept.records] == ["again", "again (and 4 times more)", "other"]


def test_by_default_warnings_are_shown_and_nothing_else(broken: Path, numbered: Path) -> None:
    program = """
        import sys
        import LiveKit as lk
        lk.LazyPlayer(sys.argv[2]).frame(0.0)
        try:
            lk.MediaInfo(sys.argv[1])
        except lk.MediaError:
            print("failed")
        """
    done = programs.run(program, str(broken), str(numbered))
    assert done.stdout == "failed\n"
    assert [line for line in done.stderr.splitlines() if MISSING_INDEX in line] == done.stderr.splitlines()
    assert MISSING_INDEX in done.stderr
    quiet = "import logging\nlogging.getLogger('livekit_studio').setLevel(logging.CRITICAL)\n"
    assert programs.run(quiet + programs.dedent(program), str(broken), str(numbered)).stderr == ""
    loud = "import logging\nlogging.basicConfig(level=logging.DEBUG)\n"
    shown = programs.run(loud + programs.dedent(program), str(broken), str(numbered)).stderr.splitlines()
    assert [line for line in shown if not line.startswith(("ERROR:", "WARNING:"))] == []


@pytest.mark.parametrize("encoder", ["libx264", "libx265", "libsvtav1"])
def test_encoders_say_nothing_past_the_log(encoder: str, tmp_path: Path) -> None:
    media.need_encoder(encoder)
    program = """
        import os, sys
        import LiveKit as lk
        os.chdir(sys.argv[2])
        scene = lk.Compositor(320, 180, fps=30)
        scene.add(lk.TestPattern(320, 180))
        options = {"x265-params": "bframes=1"} if sys.argv[1] == "libx265" else {}
        for more in ({}, options):
            scene.render("a.mkv", frames=20, video_codec=sys.argv[1], options=more)
        with lk.Recorder("b.mkv", source=scene, video_codec=sys.argv[1], options=options):
            scene.run(frames=10)
    """
    done = programs.run(program, encoder, str(tmp_path))
    assert (done.stdout, done.stderr) == ("", "")

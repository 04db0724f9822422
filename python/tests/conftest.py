# SPDX-License-Identifier: GPL-2.0-or-later
"""Media shared by the tests, made once a session."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import media
import numpy as np
import pytest
from sound_session import Session, missing

# programs started behind a shell's back ignore Ctrl-C, and so would those that the tests start
signal.signal(signal.SIGINT, signal.default_int_handler)

# no test plays on this machine's speakers; those that need a sound server start their own
os.environ["PULSE_SERVER"] = "/nonexistent/no-sound-server"

# Sound servers, displays and killed processes are other programs, with races of their own: a test of ours with them
# may be begun again, once, and is reported as such. So it is with the Rust tests.
OTHERS = {
    "test_cli",
    "test_desktop",
    "test_docs",
    "test_examples",
    "test_ipc",
    "test_lines",
    "test_sound_devices",
    "test_virtual_camera",
}


FRAMES = 300  # of the numbered clip: 10 s at 30 frames a second


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests with other programs, and on Windows those that make no sense there."""
    for item in items:
        if item.path.stem in OTHERS:
            item.add_marker(pytest.mark.flaky(reruns=1))
    if sys.platform == "win32":
        skip_on_windows(items)


def skip_on_windows(items: list[pytest.Item]) -> None:
    """Which tests make no sense there, and why, stands in tests/windows/skips.txt."""
    path = Path(__file__).parents[2] / "tests" / "windows" / "skips.txt"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    for part, _, reason in (line.partition(": ") for line in lines):
        for item in items:
            if part in item.nodeid:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the shared media lie."""
    return tmp_path_factory.mktemp("media")


@pytest.fixture(scope="session")
def numbered(folder: Path) -> Path:
    """300 frames at 30 frames a second; frame n shows n. MP4, H.264 with B-frames."""
    return media.numbered_clip(folder / "numbered.mp4", FRAMES)


@pytest.fixture(scope="session")
def numbered_files(folder: Path, numbered: Path) -> dict[str, Path]:
    """The same packets in several containers."""
    files = {"mp4": numbered}
    for ending in ("mkv", "flv", "ts", "mov"):
        files[ending] = folder / f"numbered.{ending}"
        media.ffmpeg("-i", numbered, "-c", "copy", files[ending])
    return files


@pytest.fixture(scope="session")
def noise_sounds(folder: Path) -> tuple[Path, Path]:
    """Two seconds of stereo noise each, 48 kHz float."""
    rng = np.random.default_rng(7)
    made = [rng.uniform(-0.45, 0.45, (2 * media.RATE, 2)) for _ in range(2)]
    return (
        media.write_sound(folder / "noise-a.wav", made[0]),
        media.write_sound(folder / "noise-b.wav", made[1]),
    )


@pytest.fixture(scope="session")
def clip_with_sound(folder: Path, numbered: Path) -> Path:
    """The numbered clip with ten seconds of a tone."""
    path = folder / "with-sound.mp4"
    sound = media.write_sound(folder / "tone.wav", media.tone(10, 440))
    media.ffmpeg("-i", numbered, "-i", sound, "-c:v", "copy", "-c:a", "aac", "-b:a", "128k", path)
    return path


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A PipeWire session of the test's own, and the environment in which it is found."""
    if (program := missing()) is not None:
        pytest.skip(
            f"there is no {program}: apt install pipewire pipewire-pulse wireplumber pulseaudio-utils dbus"
        )
    session = Session()
    for name, value in session.environment.items():
        monkeypatch.setenv(name, value)
    try:
        session.start()
        yield session
    finally:
        session.stop()


@pytest.fixture
def silent_server() -> Iterator[tuple[str, socket.socket]]:
    """The address of a server that accepts connections and never says a word, and its listening socket."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)
        yield f"127.0.0.1:{listener.getsockname()[1]}", listener

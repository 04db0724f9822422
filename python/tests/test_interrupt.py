# SPDX-License-Identifier: GPL-2.0-or-later
"""Ctrl-C leaves every waiting call with KeyboardInterrupt, and the file holds what was made."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import media
import pytest

PATIENCE = 120  # seconds until a hanging child counts as a failure; no measure of speed


class Child:
    """A Python program that says "ready" and reports how it left."""

    def __init__(self, program: str, *arguments: str | Path) -> None:
        code = textwrap.dedent(program)
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self) -> None:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line == "ready\n", self.process.communicate(timeout=PATIENCE)[1]

    def interrupt(self) -> tuple[str, str]:
        """Presses Ctrl-C; what the child said after that, and its messages."""
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, err
        assert "panicked" not in err
        return out, err


@pytest.fixture
def children() -> Iterator[list[Child]]:
    started: list[Child] = []
    yield started
    for child in started:
        if child.process.poll() is None:
            child.process.kill()
        child.process.communicate()


RENDER = """
    import sys
    import LiveKit as lk

    told = False

    def progress(done, total):
        global told
        if done >= 60 and not told:
            told = True
            print("ready", flush=True)

    scene = lk.Compositor(320, 240, fps=30)
    scene.add(lk.LazyPlayer(sys.argv[1], loop=True))
    scene.audio.add(sys.argv[2], loop=True)
    try:
        scene.render(sys.argv[3], seconds=1_000_000, progress=progress)
    except KeyboardInterrupt:
        print("interrupted", scene.statistics() is not None)
    """


@pytest.mark.parametrize("container", ["mp4", "mkv"])
def test_a_render_is_left_and_its_file_is_whole(
    numbered: Path, noise_sounds: tuple[Path, Path], tmp_path: Path, children: list[Child], container: str
) -> None:
    out = tmp_path / f"out.{container}"
    child = Child(RENDER, numbered, noise_sounds[0], out)
    children.append(child)
    child.wait_until_ready()
    said, _ = child.interrupt()
    assert said.startswith("interrupted")
    numbers = media.decoded_numbers(out)
    assert len(numbers) >= 60
    assert numbers == [n % 300 for n in range(len(numbers))]
    assert len(media.decoded_sound(out)) == pytest.approx(len(numbers) * 1600, abs=4800)


def test_waiting_for_an_address_is_left(
    silent_server: tuple[str, socket.socket], children: list[Child]
) -> None:
    address, listener = silent_server
    program = """
        import sys
        import LiveKit as lk

        print("ready", flush=True)
        try:
            lk.LazyPlayer(sys.argv[1], timeout=1000)
        except KeyboardInterrupt:
            print("interrupted")
        """
    child = Child(program, f"http://{address}/clip.mp4")
    children.append(child)
    child.wait_until_ready()
    connection, _ = listener.accept()
    with connection:
        connection.recv(1)  # the request: the child is waiting for the answer from now on
        said, _ = child.interrupt()
    assert said == "interrupted\n"


def test_waiting_for_a_function_is_left(children: list[Child]) -> None:
    program = """
        import threading
        import LiveKit as lk

        stop = threading.Event()

        def picture(t):
            print("ready", flush=True)
            stop.wait()

        scene = lk.Compositor(64, 48)
        scene.add(lk.FunctionSource(picture, format="rgb24", timeout=1000))
        try:
            scene.frame()
        except KeyboardInterrupt:
            print("interrupted")
            stop.set()
        """
    child = Child(program)
    children.append(child)
    child.wait_until_ready()
    said, _ = child.interrupt()
    assert said == "interrupted\n"


def test_an_iteration_is_left_and_the_program_can_go_on(numbered: Path, children: list[Child]) -> None:
    program = """
        import sys
        import LiveKit as lk

        scene = lk.Compositor(640, 480)
        scene.add(lk.LazyPlayer(sys.argv[1], loop=True), rotation=10)
        seen = 0
        try:
            for frame in scene.frames("rgb24", realtime=False):
                seen += 1
                if seen == 5:
                    print("ready", flush=True)
        except KeyboardInterrupt:
            print("interrupted")
        print(scene.render(lk.NullTarget(), frames=4).frames)
        """
    child = Child(program, numbered)
    children.append(child)
    child.wait_until_ready()
    said, _ = child.interrupt()
    assert said == "interrupted\n4\n"

# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenes on the live clock."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import LiveKit as lk
import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

WIDTH, HEIGHT = 128, 96


def number(frame: lk.Frame) -> int:
    """The number in the test pattern's row of blocks."""
    row = frame.to_ndarray("rgb24")[-1, :, 1]
    return sum(1 << (31 - n) for n in range(32) if row[(2 * n + 1) * frame.size[0] // 64] > 127)


@pytest.fixture
def scene() -> Iterator[lk.Compositor]:
    with lk.Compositor(WIDTH, HEIGHT, fps=30) as scene:
        scene.add(lk.TestPattern(WIDTH, HEIGHT, fps=30))
        yield scene


def indices(frames: Iterable[lk.Frame], fps: int = 30) -> list[int]:
    return [round(frame.timestamp * fps) for frame in frames]


def test_frames_come_as_they_are_made(scene: lk.Compositor) -> None:
    frames = list(scene.frames("rgb24", seconds=1))
    assert len(frames) == 30
    numbers, times = [number(f) for f in frames], indices(frames)
    # a busy machine may miss a tick: what is shown belongs to its time all the same
    assert [n - numbers[0] for n in numbers] == [t - times[0] for t in times]
    assert times == sorted(set(times))
    assert scene.is_running()
    now = time.monotonic()
    assert abs(frames[-1].timestamp - now) < 5, "frames carry the live clock's time"


def test_a_run_has_its_length_and_says_what_it_did(scene: lk.Compositor) -> None:
    target = lk.NullTarget()
    scene.add_target(target)
    statistics = scene.run(frames=20)
    assert not scene.is_running()
    assert statistics.ticks == 20
    assert target.frames == 20 - statistics.missed
    assert statistics.samples == 20 * 1600
    p50, p99, p999, largest = statistics.lateness
    assert 0 < p50 <= p99 <= p999 <= largest
    again = scene.statistics()
    assert isinstance(again, lk.LiveStatistics)
    assert again.to_dict()["ticks"] == 20
    assert scene.run(0.2).ticks == 6


def test_a_run_ends_when_it_is_told(scene: lk.Compositor) -> None:
    asked = []
    scene.run(until=lambda: asked.append(1) or len(asked) >= 3)
    assert len(asked) == 3
    with pytest.raises(ZeroDivisionError):
        scene.run(until=lambda: 1 / 0)
    assert not scene.is_running()


def test_starting_and_stopping_again_and_again(scene: lk.Compositor) -> None:
    for _ in range(5):
        scene.start()
        scene.start()
        assert scene.is_running()
        scene.stop()
        scene.stop()
        assert not scene.is_running()


def test_a_closed_scene_says_so() -> None:
    with lk.Compositor(64, 48) as scene:
        scene.start()
    for use in (
        scene.start,
        scene.run,
        lambda: scene.frame(),
        lambda: scene.render(lk.NullTarget(), frames=1),
    ):
        with pytest.raises(lk.ClosedError):
            use()
    scene.close()
    scene.stop()
    assert isinstance(scene.statistics(), lk.LiveStatistics)


def test_a_running_scene_is_not_rendered(scene: lk.Compositor) -> None:
    scene.start()
    with pytest.raises(lk.BusyError):
        scene.render(lk.NullTarget(), frames=1)
    scene.stop()
    assert scene.render(lk.NullTarget(), frames=2).frames == 2
    assert isinstance(scene.statistics(), lk.Statistics)


def test_wrong_arguments(scene: lk.Compositor) -> None:
    for wrong in (
        lambda: scene.run(1, frames=2),
        lambda: scene.run(frames=-1),
        lambda: scene.run(-1.0),
        lambda: scene.run(1, on_error="explode"),  # type: ignore[arg-type]
        lambda: scene.frames("nonsense"),  # type: ignore[call-overload]
        lambda: scene.frames("rgb24", seconds=float("nan")),
    ):
        with pytest.raises((lk.ParameterError, lk.FormatError)):
            wrong()
    assert not scene.is_running()


def test_the_newest_frame_of_a_running_scene(scene: lk.Compositor, tmp_path: Path) -> None:
    scene.start()
    first = scene.frame("rgb24")
    assert first.to_ndarray("rgb24").shape == (HEIGHT, WIDTH, 3)
    deadline = time.monotonic() + 60
    while number(scene.frame()) == number(first) and time.monotonic() < deadline:
        pass
    assert number(scene.frame()) > number(first)
    scene.screenshot(tmp_path / "shot.png")
    assert (tmp_path / "shot.png").stat().st_size > 100


def test_pushed_arrays_are_shown_live() -> None:
    port = lk.VideoPort()
    with lk.Compositor(64, 48, fps=60) as scene:
        scene.add(port)
        with pytest.warns(RuntimeWarning, match="shows nothing yet"):
            scene.start(ready_timeout=0.05)
        port.push(np.full((48, 64, 3), 200, np.uint8))
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if scene.frame("bgr24").to_ndarray("bgr24")[24, 32, 0] == 200:
                return
    pytest.fail("the array was never shown")


def test_a_function_is_asked_for_each_frame_from_its_beginning() -> None:
    asked: list[float] = []

    def picture(t: float) -> np.ndarray:
        asked.append(t)
        return np.zeros((48, 64, 3), np.uint8)

    with lk.Compositor(64, 48, fps=30) as scene:
        scene.add(lk.FunctionSource(picture, format="rgb24"))
        scene.run(frames=15)
    assert asked[0] == 0.0
    assert asked == sorted(set(asked))
    assert all(abs(t * 30 - round(t * 30)) < 1e-6 for t in asked)


def test_a_function_that_hangs_holds_nothing_up() -> None:
    def picture(t: float) -> None:
        time.sleep(1.5)

    with lk.Compositor(64, 48, fps=30) as scene:
        scene.add(lk.FunctionSource(picture, format="rgb24"))
        scene.add("color:#ff0000", size=(10, 10), at=(0, 0))
        target = lk.NullTarget("rgb24")
        scene.add_target(target)
        scene.start(ready_timeout=0)
        statistics = scene.run(frames=30)
    assert statistics.ticks >= 30
    assert target.latest().to_ndarray("rgb24")[5, 5].tolist() == [255, 0, 0]  # type: ignore[union-attr]


def test_an_event_loop_reads_frames_and_waits(scene: lk.Compositor) -> None:
    async def read() -> tuple[list[int], float]:
        frames = [f async for f in scene.frames("bgra", seconds=0.5)]
        loop = asyncio.get_running_loop()
        loop.call_later(0.2, scene.stop)
        began = loop.time()
        await asyncio.wait_for(scene.wait(), 60)
        return indices(frames), loop.time() - began

    times, waited = asyncio.run(read())
    assert len(times) == 15
    assert times == sorted(set(times))
    assert waited > 0.1
    asyncio.run(scene.wait())


def test_a_scene_in_a_scene(scene: lk.Compositor) -> None:
    with lk.Compositor(WIDTH, HEIGHT, fps=30) as outer:
        outer.add(scene)
        outer.start()
        assert scene.is_running()
        deadline = time.monotonic() + 60
        while number(outer.frame()) < 5 and time.monotonic() < deadline:
            pass
        assert number(outer.frame()) >= 5
    scene.stop()
    offline = lk.Compositor(WIDTH, HEIGHT, fps=30)
    offline.add(scene)
    numbers = [number(f) for f in offline.frames("rgb24", realtime=False, seconds=0.3)]
    assert numbers == list(range(9))


def test_states_are_told(scene: lk.Compositor) -> None:
    with scene.events() as events:
        scene.run(frames=10)
        heard = []
        for event in events:
            heard.append((event.kind, event.new))
            if event.kind == "run_state" and event.new == "stopped":
                break
    assert heard[0] == ("run_state", "running")
    assert ("source_state", "live") in heard


def test_a_mixer_without_pictures() -> None:
    port = lk.AudioPort()
    with lk.AudioMixer() as mixer:
        tone = (0.5 * np.sin(np.arange(48_000) * 2 * np.pi * 1000 / 48_000)).astype(np.float32)
        sound = mixer.add(port, gain=-6.02)
        port.push(tone)
        deadline = time.monotonic() + 60
        while mixer.peak[0] < -20 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert mixer.peak[0] == pytest.approx(-12.04, abs=0.3)
        assert sound.peak[1] == pytest.approx(-12.04, abs=0.3)
        heard = mixer.port.pull(4800)
        assert np.abs(heard).max() == pytest.approx(0.25, abs=0.01)
        with lk.Compositor(64, 48) as scene:
            scene.audio.add(mixer)


def run_program(program: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )


def test_ctrl_c_leaves_every_wait() -> None:
    program = """
import LiveKit as lk, sys
scene = lk.Compositor(64, 48, fps=30)
scene.add(lk.TestPattern(64, 48))
print("ready", flush=True)
try:
    if sys.argv[1:] == ["frames"]:
        for frame in scene.frames("rgb24"): pass
    else:
        scene.run()
except KeyboardInterrupt:
    print("interrupted", scene.is_running(), flush=True)
"""
    child = run_program(program)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=60)
    assert out == "interrupted False\n"
    assert child.returncode == 0


def test_the_interpreter_ends_in_the_middle_of_a_run() -> None:
    program = """
import LiveKit as lk, sys, threading, time
scenes = [lk.Compositor(64, 48, fps=60) for _ in range(4)]
for scene in scenes:
    scene.add(lk.TestPattern(64, 48)); scene.add(lk.FunctionSource(lambda t: None, format="rgb24"))
    scene.on("*", lambda e: time.sleep(0.01))
    scene.start(ready_timeout=0)
threading.Thread(target=lambda: [f for f in scenes[0].frames("rgb24")], daemon=True).start()
time.sleep(0.2)
print("leaving", flush=True)
sys.exit(7)
"""
    child = run_program(program)
    out, _ = child.communicate(timeout=120)
    assert (out, child.returncode) == ("leaving\n", 7)


def test_a_forked_child_leaves_the_scene_alone(scene: lk.Compositor) -> None:
    scene.start()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            scene.start()
        except lk.ClosedError:
            os.write(writer, b"closed")
        finally:
            os._exit(0)
    os.close(writer)
    assert os.read(reader, 10) == b"closed"
    os.waitpid(pid, 0)
    assert scene.run(frames=3).ticks >= 3


def test_python_that_sleeps_and_spins_does_not_touch_the_tick(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = 600.0 if os.environ.get("LK_VERIFY") else 3.0
    stop = threading.Event()

    def spin() -> None:
        while not stop.is_set():
            sum(range(1000))

    def slow(event: lk.Event) -> None:
        time.sleep(0.2)

    def picture(t: float) -> np.ndarray:
        time.sleep(0.05)
        return np.full((90, 160, 3), int(t) % 256, np.uint8)

    spinner = threading.Thread(target=spin)
    spinner.start()
    try:
        with lk.Compositor(1280, 720, fps=60) as scene:
            scene.add(lk.TestPattern(1280, 720, fps=60))
            scene.add(lk.FunctionSource(picture, format="rgb24"), at=(10, 10))
            scene.add_target(lk.NullTarget())
            scene.on("*", slow)
            statistics = scene.run(seconds)
    finally:
        stop.set()
        spinner.join()
    assert statistics.ticks == round(seconds * 60)
    p50, p99, p999, largest = (f"{x * 1e3:.2f}" for x in statistics.lateness)
    # Windows keeps no such number
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else math.nan
    with capsys.disabled():
        print(
            f"\nRELIABILITY Python that sleeps and spins for {seconds} s: {statistics.ticks} ticks, "
            f"{statistics.missed} missed, lateness in ms p50 {p50} p99 {p99} p99.9 {p999} max {largest}, "
            f"load {load:.1f}"
        )

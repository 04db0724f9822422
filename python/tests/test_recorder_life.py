# SPDX-License-Identifier: GPL-2.0-or-later
"""A recording ends with a whole file however its program ends, and leaves nothing behind."""

from __future__ import annotations

import gc
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import LiveKit as lk
import media
import numpy as np
import programs
import pytest
from resources import memory, usage

PATIENCE = 60  # seconds until something hanging counts as a failure; no measure of speed
ROOM = 64 << 20  # bytes that may be in use after many cycles beyond those after few: 64 kB each of a thousand
VERIFY = os.environ.get("LK_VERIFY") == "1"

START = """
import gc, os, signal, sys, threading, time
import numpy as np
import LiveKit as lk

clip, out = sys.argv[1:]
player = lk.Player(clip, True, True, -1)
port = lk.VideoPort()
player.add_target(port)
recorder = lk.Recorder(out, True, 128, 96, True, -1)
recorder.set_source(port)
player.start()
recorder.start()

def recorded(frames, of=None):
    while (of or recorder).statistics().duration * 30 < frames:
        time.sleep(0.01)

recorded(30)
"""

ENDS: dict[str, str] = {
    "it just ends": "",
    "the recorder is let go": "recorder = None",
    "the source first": "del port, player\ngc.collect()\ndel recorder",
    "in a cycle": "class Node: pass\nnode = Node()\nnode.all, node.me = (player, port, recorder), node\n"
    "del player, port, recorder, node",
    "by sys.exit": "sys.exit(0)",
    "by an exception": "raise SystemExit",
    "on a thread that records": """
def run():
    mine = lk.Recorder(out + "2.mp4", True, 128, 96)
    mine.set_source(port)
    mine.start()
    recorded(10, mine)
    ready.set()
    while True: mine.statistics()
ready = threading.Event()
threading.Thread(target=run, daemon=True).start()
ready.wait()
""",
    "while it is stopped": "threading.Thread(target=recorder.stop, daemon=True).start()",
    "while it is paused": "recorder.pause()",
    "with a scene": """
scene = lk.Compositor(128, 96)
scene.add(player)
second = lk.Recorder(out + "2.mp4", source=scene)
second.start()
recorded(20, second)
""",
    "with callbacks and targets at work": """
class Slow(lk.VideoTarget):
    def push(self, array, is_flipped=False):
        time.sleep(0.3)
player.add_target(Slow())
recorder.on("*", lambda event: time.sleep(0.3))
recorder.pause(), recorder.resume()
time.sleep(0.1)
""",
    "in an atexit function": """
import atexit
atexit.register(lambda: recorder.stop())
""",
    "in a loop without sleep": """
while player.get_position() < 1500000: port.pull()
""",
}


def whole(path: Path, least: int) -> None:
    """An ordinary file that plays."""
    times = media.frame_times(path)
    assert len(times) >= least
    assert not media.is_fragmented(path)
    assert times == sorted(times)


@pytest.mark.parametrize("program", ENDS.values(), ids=ENDS.keys())
def test_the_program_ends_and_the_file_is_whole(clip_with_sound: Path, tmp_path: Path, program: str) -> None:
    out = tmp_path / "out.mp4"
    done = programs.run(START + program + "\n", str(clip_with_sound), str(out))
    assert "Traceback" not in done.stderr, done.stderr
    whole(out, 30)
    assert len(media.decoded_sound(out)) > 40000
    for more in tmp_path.glob("out.mp4?*"):
        whole(more, 10)


def test_an_uncaught_exception_ends_it_too(clip_with_sound: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    done = programs.run(START + "1 / 0\n", str(clip_with_sound), str(out), status=1)
    assert done.stderr.splitlines()[-1] == "ZeroDivisionError: division by zero"
    whole(out, 30)


@pytest.mark.parametrize("where", ["with", "stop"])
def test_ctrl_c_leaves_and_the_file_is_whole(clip_with_sound: Path, tmp_path: Path, where: str) -> None:
    out = tmp_path / "out.mp4"
    program = {
        "with": """
try:
    with recorder:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        time.sleep(60)
except KeyboardInterrupt:
    print(recorder.state)
""",
        "stop": """
try:
    threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGINT)).start()
    for _ in range(100000): recorder.stop()
except KeyboardInterrupt:
    print(recorder.stop() and recorder.state)
""",
    }[where]
    done = programs.run(START + program, str(clip_with_sound), str(out))
    assert done.stdout == "stopped\n"
    whole(out, 30)


@pytest.mark.parametrize(
    "end", ["os._exit(0)", "sys.exit(0)", "del recorder, player, port; gc.collect(); sys.exit(0)"]
)
def test_a_fork_while_it_records(clip_with_sound: Path, tmp_path: Path, end: str) -> None:
    out = tmp_path / "out.mp4"
    program = f"""
scene = lk.Compositor(128, 96)
scene.add(player)
second = lk.Recorder(out + "2.mp4", source=scene)
second.start()
child = os.fork()
if child == 0:
    signal.alarm(20)
    for use in (recorder.stop, recorder.start, recorder.statistics, second.pause, lambda: recorder.set_source(port)):
        try:
            use()
        except lk.ClosedError:
            continue
        os._exit(3)
    {end}
_, status = os.waitpid(child, 0)
print("child", os.waitstatus_to_exitcode(status))
now = round(recorder.statistics().duration * 30)  # durations are rounded to nanoseconds
recorded(now + 30)
recorded(20, second)
report = recorder.stop()
print(report.frames + report.repeated >= now + 30)
"""
    done = programs.run(START + program, str(clip_with_sound), str(out))
    assert done.stdout == "child 0\nTrue\n", done.stderr
    whole(out, 60)
    whole(Path(f"{out}2.mp4"), 20)


def test_a_recorder_that_is_let_go_does_not_hold_the_interpreter(tmp_path: Path) -> None:
    """While the file is ended other Python threads run; a target that needs them may be what it waits for."""
    scene = lk.Compositor(64, 48, fps=30)
    recorder: lk.Recorder | None = lk.Recorder(tmp_path / "out.mp4", source=scene)
    assert recorder is not None
    recorder.start()
    while recorder.statistics().frames < 10:
        time.sleep(0.01)
    turns, done = [0], threading.Event()

    def turn() -> None:
        while not done.is_set():
            turns[0] += 1
            time.sleep(0)

    thread = threading.Thread(target=turn)
    thread.start()
    before = turns[0]
    recorder = None
    after = turns[0]
    done.set()
    thread.join()
    assert after > before
    whole(tmp_path / "out.mp4", 10)


# ---- Create, start, drop -------------------------------------------------------------------------------------


class Nothing(lk.VideoTarget):
    def push(self, array: Any, is_flipped: bool = False) -> None:
        pass


def some_of_each(rng: random.Random, seed: int, clip: Path, folder: Path) -> dict[str, Any]:
    """One of each, some of them connected, started and recorded."""
    objects: dict[str, Any] = {}

    def picture(t: float) -> Any:
        return np.zeros((8, 8, 3), np.uint8)

    makers: dict[str, Callable[[], Any]] = {
        "player": lambda: lk.Player(clip, audio_device_id=-90 - seed % 3, loop=rng.random() < 0.5),
        "lazy": lambda: lk.LazyPlayer(clip),
        "port": lk.VideoPort,
        "audio": lambda: lk.AudioPort(-90 - seed % 3),
        "scene": lambda: lk.Compositor(64, 48, fps=rng.choice([25, 30, 60])),
        "function": lambda: lk.FunctionSource(picture, format="rgb24"),
        "pattern": lambda: lk.TestPattern(64, 48),
        "target": Nothing,
        "null": lambda: lk.NullTarget("bgr24"),
    }
    for name in rng.sample(sorted(makers), len(makers)):
        objects[name] = makers[name]()
    scene, player, port = objects["scene"], objects["player"], objects["port"]
    joins: list[Callable[[], Any]] = [
        lambda: player.add_target(port),
        lambda: player.add_target(objects["target"]),
        lambda: player.add_target(objects["null"]),
        lambda: scene.add(port),
        lambda: scene.add(player),
        lambda: scene.add(objects["lazy"]),
        lambda: scene.add(objects["function"]),
        lambda: scene.add(objects["pattern"]),
        lambda: scene.audio.add(objects["audio"]),
        lambda: scene.add_target(objects["target"]),
        lambda: player.on("*", lambda event: None),
        player.start,
    ]
    for join in rng.sample(joins, rng.randrange(len(joins) + 1)):
        join()
    path = folder / f"{seed}.{rng.choice(['mp4', 'mkv', 'flv'])}"
    if rng.random() < 0.7:
        form = rng.randrange(3)
        if form == 0:
            recorder = lk.Recorder(path, source=scene, options={"preset": "ultrafast"})
        elif form == 1:
            recorder = lk.Recorder(path, source=player, audio=["source", objects["audio"]], format="matroska")
        else:
            recorder = lk.Recorder(path, True, 64, 48, True, -90 - seed % 3)
            recorder.set_source(port)
        objects["recorder"] = recorder
        recorder.on("recorder_state", lambda event: None)
        if rng.random() < 0.8:
            recorder.start()
    return objects


def cycle(seed: int, clip: Path, folder: Path) -> None:
    """Makes some of each, and lets them go in any order."""
    rng = random.Random(seed)
    objects = some_of_each(rng, seed, clip, folder)
    time.sleep(rng.choice([0, 0, 0.05, 0.1]))
    if rng.random() < 0.3:
        objects["port"] = [objects["port"]]
        objects["port"].append(objects["port"])
    names = list(objects)
    rng.shuffle(names)
    for name in names:
        del objects[name]


def test_cycles_leave_nothing_behind(clip_with_sound: Path, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    media.ffmpeg("-i", clip_with_sound, "-t", "1", "-c", "copy", clip)
    count, warm = (1000, 500) if VERIFY else (100, 40)
    errors: list[BaseException] = []
    lock = threading.Lock()

    def work(seeds: Iterator[int]) -> None:
        try:
            while True:
                with lock:
                    seed = next(seeds, None)
                if seed is None:
                    return
                cycle(seed, clip, tmp_path)
        except BaseException as error:
            errors.append(error)

    def rounds(first: int, last: int) -> None:
        seeds = iter(range(first, last))
        threads = [threading.Thread(target=work, args=(seeds,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE * 10)
            assert not thread.is_alive(), "a cycle hangs"
        assert not errors, errors

    def settle(true: Callable[[], bool], what: Callable[[], str]) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            gc.collect()
            if true():
                return
            assert time.monotonic() < deadline, what()
            time.sleep(0.05)

    # what is made once stays: pools, tables of codecs, arenas of as many threads
    threads, files = usage()
    rounds(0, warm)
    settle(
        lambda: usage()[0] <= threads + 2,
        lambda: f"{usage()} threads and files are left of {(threads, files)}",
    )
    limit, before = usage(), memory()
    rounds(warm, warm + count)
    settle(
        lambda: all(now <= was for now, was in zip(usage(), limit, strict=True)),
        lambda: f"{usage()} threads and files are left, {limit} were there",
    )
    settle(lambda: memory() - before < ROOM, lambda: f"grew by {(memory() - before) >> 20} MB")
    grown = (memory() - before) / 1e6
    print(f"{count} cycles: {usage()} threads and files, {limit} before; {grown:.1f} MB more")
    for path in tmp_path.glob("[0-9]*"):
        assert len(media.frame_times(path)) > 0, f"{path.name} does not play"

# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects are used from many threads, dropped in any order, and left behind at the end of the program."""

from __future__ import annotations

import gc
import itertools
import os
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import LiveKit as lk
import media
import numpy as np
import pytest

PATIENCE = 120  # seconds until something hanging counts as a failure; no measure of speed


def numbers(scene: lk.Compositor, seconds: float) -> list[int]:
    frames = scene.frames("yuv420p", realtime=False, seconds=seconds)
    return [media.number_of(media.luma(frame)) for frame in frames]


def scene_of(path: Path, rate: str = "30") -> lk.Compositor:
    scene = lk.Compositor(media.WIDTH, media.HEIGHT, fps=rate)
    scene.add(lk.LazyPlayer(path))
    return scene


def test_renders_run_side_by_side(numbered: Path, clip_with_sound: Path, tmp_path: Path) -> None:
    def job(index: int) -> list[int]:
        out = tmp_path / f"out{index}.{'mp4' if index % 2 else 'mkv'}"
        scene = lk.Compositor(media.WIDTH, media.HEIGHT, fps=30, threads=1 + index % 2)
        scene.add(clip_with_sound if index % 3 else numbered)
        scene.render(out, seconds=1)
        return media.decoded_numbers(out)

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(job, range(6), timeout=PATIENCE))
    assert results == [list(range(30))] * 6


def test_frames_are_iterated_side_by_side(numbered: Path) -> None:
    scenes = [scene_of(numbered, rate) for rate in ("30", "25", "60", "24")]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda scene: numbers(scene, 1), scenes, timeout=PATIENCE))
    assert results == [[int((n / r + 0.001) * 30) for n in range(r)] for r in (30, 25, 60, 24)]


def test_one_player_is_asked_by_many_threads(numbered: Path) -> None:
    player = lk.LazyPlayer(numbered)

    def ask(seed: int) -> bool:
        rng = np.random.default_rng(seed)
        for number in rng.integers(0, 300, 10):
            frame = player.frame(number / 30)
            if frame is None or media.number_of(media.luma(frame)) != number:
                return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4), timeout=PATIENCE)) == [True] * 4


def test_functions_run_while_other_python_code_does() -> None:
    """The GIL is free while a render waits: a function that needs another Python thread gets its answer."""
    asked, answered = threading.Event(), threading.Event()

    def answer() -> None:
        while not done.is_set():
            if asked.wait(0.05):
                asked.clear()
                answered.set()

    def picture(t: float) -> Any:
        asked.set()
        assert answered.wait(30)
        answered.clear()
        return np.zeros((8, 8, 3), np.uint8)

    done = threading.Event()
    helper = threading.Thread(target=answer)
    helper.start()
    scene = lk.Compositor(16, 16)
    scene.add(lk.FunctionSource(picture, format="rgb24"))
    try:
        assert scene.render(lk.NullTarget(), frames=20).frames == 20
    finally:
        done.set()
        helper.join()


def test_edits_from_other_threads_during_a_render_do_no_harm(numbered: Path) -> None:
    scene = scene_of(numbered)
    stop = threading.Event()

    def edit(seed: int) -> None:
        rng = np.random.default_rng(seed)
        while not stop.is_set():
            layer = scene.add(numbered, at=tuple(rng.uniform(-50, 50, 2)), opacity=rng.uniform())
            with scene.batch():
                layer.rotation = float(rng.uniform(0, 360))
                layer.size = (float(rng.uniform(10, 200)), None)
            layer.remove()

    threads = [threading.Thread(target=edit, args=(seed,)) for seed in range(2)]
    for thread in threads:
        thread.start()
    try:
        assert scene.render(lk.NullTarget(), frames=120).frames == 120
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert len(scene.layers) == 1


def everything(path: Path) -> dict[str, Any]:
    """One of each, in use by the others."""
    player, port = lk.LazyPlayer(path), lk.VideoPort()
    port.set_source(player)
    scene = lk.Compositor(64, 48)
    layer = scene.add(port)
    function = lk.FunctionSource(lambda t: np.zeros((8, 8, 3), np.uint8), format="rgb24")
    second = scene.add(function, above=layer)
    target = lk.NullTarget("bgra")
    scene.add_target(target)
    frames = scene.frames("rgb24", realtime=False)
    frame = next(frames)
    return {
        "player": player,
        "port": port,
        "scene": scene,
        "layer": layer,
        "function": function,
        "second": second,
        "target": target,
        "frames": frames,
        "frame": frame,
        "array": np.asarray(frame),
        "iteration": player.frames(),
    }


def test_objects_are_dropped_in_any_order(numbered: Path) -> None:
    rng = np.random.default_rng(1)
    for _ in range(30):
        objects = everything(numbered)
        names = list(objects)
        rng.shuffle(names)
        for name in names:
            del objects[name]
            if rng.random() < 0.2:
                gc.collect()


@pytest.mark.parametrize("order", list(itertools.permutations(["scene", "frames", "player"])))
def test_what_is_left_still_works(numbered: Path, order: tuple[str, ...]) -> None:
    objects = everything(numbered)
    array = objects.pop("array").copy()
    frame = objects["frame"]
    for name in order:
        objects.pop(name)
        gc.collect()
        np.testing.assert_array_equal(frame.to_ndarray("rgb24"), array)
    assert objects["port"].pull()[0] is not None
    assert isinstance(objects["layer"].opacity, float)


def test_objects_are_dropped_on_other_threads(numbered: Path) -> None:
    for _ in range(10):
        objects = everything(numbered)
        threads = [threading.Thread(target=objects.pop, args=(name,)) for name in list(objects)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def test_cycles_through_functions_are_collected() -> None:
    class Owner:
        def __init__(self) -> None:
            self.source = lk.FunctionSource(self.picture, format="rgb24")

        def picture(self, t: float) -> Any:
            return np.zeros((8, 8, 3), np.uint8)

    for _ in range(20):
        owner = Owner()
        scene = lk.Compositor(16, 16)
        scene.add(owner.source)
        scene.frame()
        del owner, scene
    gc.collect()


# ---- The end of the program ----------------------------------------------------------------------------------

PROGRAMS: dict[str, str] = {
    "an iteration in the middle": """
        frames = scene.frames("rgb24", realtime=False)
        next(frames), next(frames)
        """,
    "an iteration of a file in the middle": """
        frames = player.frames()
        next(frames)
        """,
    "a render on a daemon thread": """
        import threading
        started = threading.Event()
        render = lambda: scene.render(out, seconds=100000, progress=lambda done, total: started.set())
        threading.Thread(target=render, daemon=True).start()
        started.wait(60)
        """,
    "a render without progress on a daemon thread": """
        import threading, time
        target = lk.NullTarget()
        render = lambda: scene.render(target, seconds=100000)
        threading.Thread(target=render, daemon=True).start()
        while target.frames < 10:
            time.sleep(0.01)
        """,
    "a function at work": """
        import threading, time
        source = lk.FunctionSource(lambda t: time.sleep(0.2) or None, format="rgb24")
        scene.add(source)
        threading.Thread(target=lambda: scene.render(lk.NullTarget(), seconds=1000), daemon=True).start()
        time.sleep(0.3)
        """,
    "everything in a cycle": """
        class Node: pass
        node = Node()
        node.scene, node.frames, node.me = scene, scene.frames("rgb24", realtime=False), node
        next(node.frames)
        port = lk.VideoPort()
        port.set_source(player)
        shared = lk.Frame.from_ndarray(np.zeros((8, 8, 3), np.uint8), "rgb24", copy=False)
        scene.add(shared)
        """,
    "an open batch": """
        batch = scene.batch()
        batch.__enter__()
        layer.opacity = 0.5
        """,
}

START = """
import sys
import numpy as np
import LiveKit as lk

clip, out = sys.argv[1:]
player = lk.LazyPlayer(clip, loop=True)
scene = lk.Compositor(320, 240)
layer = scene.add(player)
"""


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_the_program_ends_in_the_middle(numbered: Path, tmp_path: Path, program: str) -> None:
    code = START + textwrap.dedent(program) + "\nprint('end')\n"
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", code, str(numbered), str(tmp_path / "out.mp4")],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.stdout == "end\n"
    assert "panicked" not in done.stderr
    assert done.returncode == 0, done.stderr


def test_a_program_that_fails_says_why_and_nothing_else(numbered: Path, tmp_path: Path) -> None:
    code = START + "frames = scene.frames('rgb24', realtime=False)\nnext(frames)\nscene.add('no-such.mp4')\n"
    done = subprocess.run(
        [sys.executable, "-c", code, str(numbered), "-"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1
    assert "MediaNotFoundError" in done.stderr.splitlines()[-1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_after_a_fork_the_child_raises_and_leaves_and_the_parent_goes_on(
    numbered: Path, tmp_path: Path
) -> None:
    program = """
        import os, signal

        frames = scene.frames("rgb24", realtime=False)
        next(frames)
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            for use in (lambda: next(frames), lambda: scene.render(lk.NullTarget(), frames=2), lambda: player.frame(1)):
                try:
                    use()
                except lk.LiveKitError:
                    continue
                os._exit(3)
            del frames, layer, scene, player
            sys.exit(0)
        _, status = os.waitpid(child, 0)
        next(frames)
        print("child", os.waitstatus_to_exitcode(status))
        """
    done = subprocess.run(
        [sys.executable, "-c", START + textwrap.dedent(program), str(numbered), str(tmp_path / "out.mp4")],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.stdout == "child 0\n", done.stderr[-2000:]
    assert "panicked" not in done.stderr

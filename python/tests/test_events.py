# SPDX-License-Identifier: GPL-2.0-or-later
"""Events reach callbacks, loops and event loops; nobody waits for those who listen."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import logging
import signal
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from typing import Any

import LiveKit as lk
import programs
import pytest

PATIENCE = 60  # seconds until something hanging counts as a failure; no measure of speed


def small() -> lk.Compositor:
    return lk.Compositor(16, 16)


def render(scene: lk.Compositor, frames: int = 1) -> None:
    scene.render(lk.NullTarget(), frames=frames)


class Heard:
    """A callback that remembers."""

    def __init__(self, count: int) -> None:
        self.events: list[lk.Event] = []
        self.threads: set[str] = set()
        self._count = count
        self._enough = threading.Event()

    def __call__(self, event: lk.Event) -> None:
        self.events.append(event)
        self.threads.add(threading.current_thread().name)
        if len(self.events) >= self._count:
            self._enough.set()

    def wait(self) -> list[tuple[str, str]]:
        assert self._enough.wait(PATIENCE), self.events
        return [(e.old, e.new) for e in self.events]


def test_a_render_is_told_of() -> None:
    scene, heard = small(), Heard(2)
    scene.on("run_state", heard)
    before = time.monotonic()
    render(scene)
    after = time.monotonic()
    assert heard.wait() == [("", "running"), ("running", "stopped")]
    assert heard.threads == {"livekit-service"}
    first, second = heard.events
    # on Windows, Python before 3.13 counts in steps of the system's
    step = time.get_clock_info("monotonic").resolution
    assert before <= first.time <= second.time <= after + step
    assert (first.kind, first.source, first.reason) == ("run_state", "the compositor", None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.kind = "other"  # type: ignore[misc]


def test_a_failure_has_its_reason() -> None:
    scene, heard = small(), Heard(2)
    scene.on("*", heard)
    scene.add(lk.FunctionSource(lambda t: 1 / 0, format="rgb24"))
    with pytest.raises(lk.CallbackError):
        render(scene)
    assert heard.wait()[-1] == ("running", "failed")
    assert "ZeroDivisionError" in str(heard.events[-1].reason)


def test_off_ends_it_and_kinds_are_told_apart() -> None:
    scene, runs, others, all_of_them = small(), Heard(2), Heard(1), Heard(4)
    off = scene.on("run_state", runs)
    scene.on("source_state", others)
    scene.on("*", all_of_them)
    render(scene)
    runs.wait()
    off()
    off()
    render(scene)
    assert len(all_of_them.wait()) == 4
    assert (len(runs.events), len(others.events)) == (2, 0)


@pytest.mark.parametrize(("kind", "function"), [("runs", print), ("", print), ("run_state", 7)])
def test_what_cannot_be_subscribed_to_is_refused(kind: Any, function: Any) -> None:
    with pytest.raises((lk.ParameterError, lk.FormatError)) as error:
        small().on(kind, function)
    assert error.value.hint


def test_a_callback_that_fails_or_leaves_is_logged_and_called_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene, heard = small(), Heard(2)

    def broken(event: lk.Event) -> None:
        raise SystemExit("not with me")

    scene.on("*", broken)
    scene.on("*", heard)
    with caplog.at_level(logging.ERROR, logger="livekit_studio"):
        render(scene)
        heard.wait()
        deadline = time.monotonic() + PATIENCE
        while len(caplog.records) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert [r.getMessage() for r in caplog.records] == [f"the callback {broken.__qualname__} failed"] * 2
    assert all(r.exc_info and "not with me" in str(r.exc_info[1]) for r in caplog.records)


def test_a_callback_that_sleeps_holds_up_no_run() -> None:
    scene, go = small(), threading.Event()
    heard = Heard(2)
    scene.on("*", lambda event: go.wait(PATIENCE))
    scene.on("*", heard)
    render(scene, 50)
    render(scene, 50)
    assert len(heard.events) < 4  # the service thread stands in the callback
    go.set()
    heard.wait()


def test_iteration_gives_everything_and_ends_with_the_object() -> None:
    scene = small()
    stream = scene.events()
    render(scene)
    assert [next(stream).new, next(stream).new] == ["running", "stopped"]
    seen: list[str] = []
    reader = threading.Thread(target=lambda: seen.extend(event.new for event in stream))
    reader.start()
    render(scene)
    del scene
    reader.join(PATIENCE)
    assert not reader.is_alive()
    assert seen == ["running", "stopped"]
    assert list(stream) == []


def test_a_closed_stream_ends_for_those_who_wait() -> None:
    scene = small()
    with scene.events() as stream:
        reader = threading.Thread(target=lambda: list(stream))
        reader.start()
    reader.join(PATIENCE)
    assert not reader.is_alive()


def test_an_event_loop_is_woken() -> None:
    async def main() -> tuple[list[str], int]:
        scene = small()
        beats = 0

        async def beat() -> None:
            nonlocal beats
            while True:
                beats += 1
                await asyncio.sleep(0.001)

        work = asyncio.to_thread(lambda: [render(scene) for _ in range(20)])
        heart, renders = [asyncio.create_task(task) for task in (beat(), work)]
        seen = []
        async for event in scene.events():
            seen.append(event.new)
            if len(seen) == 40:
                break
        await renders
        heart.cancel()
        return seen, beats

    seen, beats = asyncio.run(asyncio.wait_for(main(), PATIENCE))
    assert seen == ["running", "stopped"] * 20
    assert beats > 1


def test_an_event_loop_hears_of_the_end() -> None:
    async def main() -> int:
        scene = small()
        streams = [scene.events(), scene.events()]

        async def count(stream: Any) -> int:
            return len([event async for event in stream])

        tasks = [asyncio.create_task(count(stream)) for stream in streams]
        await asyncio.sleep(0)
        streams[0].close()
        closed = await tasks[0]
        await asyncio.to_thread(render, scene)
        del scene
        return closed + await tasks[1]

    assert asyncio.run(asyncio.wait_for(main(), PATIENCE)) == 2


def test_a_loop_that_was_closed_is_left_alone() -> None:
    scene, heard = small(), Heard(2)

    async def listen() -> Any:
        return scene.events().__aiter__()

    kept = asyncio.run(listen())
    scene.on("*", heard)
    render(scene)
    assert len(heard.wait()) == 2
    del kept


def test_ctrl_c_leaves_an_iteration() -> None:
    program = """
        import LiveKit as lk
        scene = lk.Compositor(16, 16)
        try:
            print("ready", flush=True)
            for event in scene.events():
                pass
        except KeyboardInterrupt:
            print("interrupted")
        """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    child.send_signal(signal.SIGINT)
    said, _ = child.communicate(timeout=programs.PATIENCE)
    assert (said, child.returncode) == ("interrupted\n", 0)


def test_what_happened_is_told_when_the_object_has_gone() -> None:
    heard = Heard(2)
    scene = small()
    scene.on("*", heard)
    render(scene)
    del scene
    assert heard.wait() == [("", "running"), ("running", "stopped")]


def test_objects_that_listen_to_themselves_are_collected() -> None:
    class Owner:
        def __init__(self) -> None:
            self.scene = small()
            self.scene.on("*", self.on_event)
            self.stream = self.scene.events()

        def on_event(self, event: lk.Event) -> None:
            pass

    owners = [Owner() for _ in range(10)]
    gone = [weakref.ref(owner) for owner in owners]
    del owners
    gc.collect()
    assert [ref() for ref in gone] == [None] * 10


def test_listeners_do_not_pile_up() -> None:
    """Neither threads nor functions stay behind."""
    heard = Heard(1)
    for _ in range(200):
        scene = small()
        off = scene.on("*", heard)
        scene.on("*", heard)
        stream = scene.events()
        off()
        del scene, stream
    render_one = small()
    render_one.on("*", heard)
    render(render_one)
    heard.wait()
    deadline = time.monotonic() + PATIENCE
    while sys.getrefcount(heard) > 10 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sys.getrefcount(heard) <= 10
    assert sum(t.name == "livekit-service" for t in threading.enumerate()) == 1

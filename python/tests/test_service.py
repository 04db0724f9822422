# SPDX-License-Identifier: GPL-2.0-or-later
"""The service thread: exit, fork, memory that Python owns."""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref

import LiveKit as lk
import numpy as np
import programs
import pytest

PATIENCE = 60  # seconds until something hanging counts as a failure; no measure of speed

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def test_importing_starts_no_thread_and_sets_no_signal_handler() -> None:
    program = """
        import os, signal, threading
        def caught():
            line = next(line for line in open("/proc/self/status") if line.startswith("SigCgt"))
            return int(line.split()[1], 16) & 0x7FFFFFFF  # those above are the C library's own
        before = caught()
        handlers = {s: signal.getsignal(s) for s in signal.valid_signals()}
        import LiveKit as lk
        print(threading.active_count(), len(os.listdir("/proc/self/task")))
        scene = lk.Compositor(16, 16)
        scene.render(lk.NullTarget(), frames=2)
        print(handlers == {s: signal.getsignal(s) for s in signal.valid_signals()})
        print(caught() == before)
        """
    if not os.path.isdir("/proc/self/task"):
        pytest.skip("this system has no /proc")
    assert programs.says(program) == ["1 1", "True", "True"]


def test_arrays_dropped_by_the_engine_are_freed_without_any_call() -> None:
    """The last reference is a frame that a thread of the engine drops."""
    freed = threading.Event()

    class Array(np.ndarray):
        pass

    scene = lk.Compositor(16, 16)
    target = lk.NullTarget("rgb24")
    for _ in range(3):
        freed.clear()
        array = np.zeros((16, 16, 3), np.uint8).view(Array)
        weakref.finalize(array, freed.set)
        layer = scene.add(lk.Frame.from_ndarray(array, "rgb24", copy=False))
        del array
        scene.render(target, frames=2)
        layer.remove()
        scene.render(target, frames=1)
        assert freed.wait(PATIENCE)


def test_many_shared_arrays_are_freed() -> None:
    alive = 0

    def gone() -> None:
        nonlocal alive
        alive -= 1

    class Array(np.ndarray):
        pass

    for _ in range(200):
        array = np.zeros((64, 64, 4), np.uint8).view(Array)
        alive += 1
        weakref.finalize(array, gone)
        frame = lk.Frame.from_ndarray(array, "rgba", copy=False)
        lk.StillSource(frame).pull()
        del array, frame
    deadline = time.monotonic() + PATIENCE
    while alive and time.monotonic() < deadline:
        time.sleep(0.01)
    assert alive == 0


def test_callbacks_that_wait_are_finished_at_the_end_of_the_program() -> None:
    program = """
        import time
        import LiveKit as lk
        def slow(event):
            time.sleep(0.2)
            print(event.new, flush=True)
        scene = lk.Compositor(16, 16)
        scene.on("*", slow)
        for _ in range(3):
            scene.render(lk.NullTarget(), frames=1)
        print("end", flush=True)
        """
    said = programs.says(program)
    assert sorted(said) == sorted(["end"] + ["running", "stopped"] * 3)
    assert [line for line in said if line != "end"] == ["running", "stopped"] * 3


@pytest.mark.parametrize("body", ["time.sleep(3600)", "spin()", "threading.Event().wait()"])
@pytest.mark.parametrize("place", ["callback", "function"])
def test_user_code_that_never_returns_does_not_keep_the_program(body: str, place: str) -> None:
    program = f"""
        import threading, time
        import LiveKit as lk
        busy = threading.Event()
        def spin():
            while True:
                pass
        def stuck(_):
            busy.set()
            {body}
        scene = lk.Compositor(16, 16)
        if {place!r} == "callback":
            scene.on("*", stuck)
        else:
            scene.add(lk.FunctionSource(stuck, format="rgb24"))
        render = lambda: scene.render(lk.NullTarget(), frames=1)
        threading.Thread(target=render, daemon=True).start()
        assert busy.wait(60)
        print("end", flush=True)
        """
    assert programs.says(program) == ["end"]


def test_exit_in_the_middle_of_everything() -> None:
    program = """
        import logging, threading
        import numpy as np
        import LiveKit as lk
        logging.basicConfig()
        logging.getLogger("livekit_studio").setLevel(1)
        def work():
            while True:
                scene = lk.Compositor(32, 32)
                scene.on("*", lambda event: None)
                stream = scene.events()
                scene.add(lk.Frame.from_ndarray(np.zeros((8, 8, 3), np.uint8), "rgb24", copy=False))
                scene.add(lk.FunctionSource(lambda t: np.zeros((8, 8, 3), np.uint8), format="rgb24"))
                scene.render(lk.NullTarget(), frames=3)
                port.push(np.zeros(480, np.float32))
                done.release()
        port, done = lk.AudioPort(), threading.Semaphore(0)
        for _ in range(4):
            threading.Thread(target=work, daemon=True).start()
        for _ in range(20):
            done.acquire()
        print("end", flush=True)
        """
    for _ in range(3):
        assert programs.says(program) == ["end"]


@needs_fork
def test_a_forked_child_has_a_service_of_its_own() -> None:
    program = """
        import os, signal, sys, threading, time
        import LiveKit as lk
        def heard(where):
            called = threading.Event()
            def on_event(event):
                print(where, event.new, flush=True)
                if event.new == "stopped":
                    called.set()
            return called, on_event
        scene = lk.Compositor(16, 16)
        called, on_event = heard("parent")
        scene.on("*", on_event)
        scene.render(lk.NullTarget(), frames=1)
        called.wait(60)
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            signal.alarm(60)
            for use in (lambda: scene.on("*", print), lambda: scene.events(), lambda: lk.AudioPort.push):
                try:
                    use()
                except lk.ClosedError:
                    print("refused", flush=True)
            del scene
            own = lk.Compositor(16, 16)
            called, on_event = heard("child")
            own.on("*", on_event)
            own.render(lk.NullTarget(), frames=1)
            called.wait(60)
            sys.exit(0)
        _, status = os.waitpid(child, 0)
        print("status", os.waitstatus_to_exitcode(status))
        """
    assert programs.says(program) == [
        "parent running",
        "parent stopped",
        "refused",
        "refused",
        "child running",
        "child stopped",
        "status 0",
    ]


@needs_fork
def test_a_forked_child_leaves_at_once_though_functions_ran_in_the_parent() -> None:
    program = """
        import os, signal, sys
        import numpy as np
        import LiveKit as lk
        scene = lk.Compositor(16, 16)
        source = lk.FunctionSource(lambda t: np.zeros((8, 8, 3), np.uint8), format="rgb24")
        scene.add(source)
        scene.render(lk.NullTarget(), frames=2)
        child = os.fork()
        if child == 0:
            signal.alarm(4)  # the parent's threads are waited for 5 s in the parent, never here
            sys.exit(0)
        _, status = os.waitpid(child, 0)
        print("status", os.waitstatus_to_exitcode(status))
        """
    assert programs.says(program) == ["status 0"]


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="the module for subinterpreters has another name")
def test_a_subinterpreter_is_refused() -> None:
    program = """
        import _xxsubinterpreters as interpreters
        import LiveKit
        other = interpreters.create()
        try:
            interpreters.run_string(other, "import LiveKit")
        except interpreters.RunFailedError as error:
            print("ImportError" in str(error) and "subinterpreters" in str(error))
        interpreters.destroy(other)
        """
    assert programs.says(program) == ["True"]

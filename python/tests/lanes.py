# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the programs of the pages, several at a time: while one waits for its clock, another computes.

A lane is a process that has everything imported and runs one program after another, each in a folder of its own.
Programs that need devices or somebody to end them get processes of their own from it.
"""

from __future__ import annotations

import contextlib
import gc
import io
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import traceback
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

SECONDS = 1.5  # that an endless program runs before its Ctrl-C
LIMIT = 180.0  # seconds that a program may take


@dataclass(frozen=True)
class Job:
    """A program, where it runs, and what it finds in its environment."""

    name: str
    code: str
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    alone: bool = False  # in a process of its own
    endless: bool = False
    wanted: tuple[str, ...] = ()  # variables that are to come back


Values = dict[str, object]


class Failed(AssertionError):
    """A program ended with an error, or its lane ended with it; what it printed is the message."""


# ---- In the lane's process --------------------------------------------------------------------------------------


def run(job: Job) -> Values:
    """In this process, from the job's folder."""
    os.chdir(job.folder)
    names: Values = {"__name__": "__main__"}
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        with contextlib.suppress(SystemExit):
            exec(compile(job.code, job.name, "exec"), names)
        values = {name: names[name] for name in job.wanted if name in names}
        names.clear()  # as at a program's end
        gc.collect()
    if "Traceback" in said.getvalue():
        raise Failed(said.getvalue())
    return values


def run_alone(job: Job) -> Values:
    """In a process of its own; one that does not end by itself gets a Ctrl-C."""
    program = job.folder / "program.py"
    program.write_text(job.code, encoding="utf-8")
    runner = [str(Path(__file__).with_name("endless.py")), str(program), str(SECONDS)]
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", *(runner if job.endless else [str(program)])],
        cwd=job.folder,
        env=os.environ | job.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    if done.returncode != 0 or "Traceback" in done.stderr:
        raise Failed(f"status {done.returncode}\n{done.stdout}\n{done.stderr}")
    return {}


def serve(jobs: Connection, environment: dict[str, str]) -> None:
    """Runs what comes until there is nobody to send it."""
    os.environ.update(environment)
    import LiveKit  # noqa: F401 (each program has it imported already)

    with contextlib.suppress(EOFError, KeyboardInterrupt):
        while True:
            job = jobs.recv()
            try:
                jobs.send((run_alone(job) if job.alone else run(job), None))
            except BaseException:
                jobs.send((None, traceback.format_exc()))


# ---- In the tests' process --------------------------------------------------------------------------------------


@dataclass
class Lane:
    """The process of a lane, and the way to it."""

    process: BaseProcess
    way: Connection

    def end(self) -> int | None:
        """Its status; that of a program that ended it by itself is its own."""
        self.process.join(1)
        self.process.kill()
        self.process.join()
        self.way.close()
        return self.process.exitcode


class Lanes:
    """So many lanes, and the jobs that wait for them. What programs share goes by names: each lane has its own."""

    def __init__(self, count: int, folder: Path) -> None:
        self._pool = ThreadPoolExecutor(count, "lane")
        self._folder = folder
        self._mine = threading.local()
        self._all: list[Lane] = []

    def submit(self, job: Job) -> Future[Values]:
        return self._pool.submit(self._run, job)

    def close(self) -> None:
        """Ends them, with what runs in them."""
        for lane in self._all:
            lane.process.kill()
        self._pool.shutdown(cancel_futures=True)
        for lane in self._all:
            lane.end()

    def _run(self, job: Job) -> Values:
        lane: Lane | None = getattr(self._mine, "lane", None)
        if lane is None:
            lane = self._mine.lane = self._start()
        try:
            lane.way.send(job)
            said = lane.way.recv() if lane.way.poll(LIMIT + 10) else None
        except (EOFError, OSError):
            self._mine.lane = None
            raise Failed(f"it ended its process: {lane.end()}") from None
        if said is None:
            self._mine.lane = None
            lane.process.kill()
            raise Failed(f"it runs for {LIMIT + 10} seconds")
        values, error = said
        if error:
            raise Failed(error)
        return values

    def _start(self) -> Lane:
        context = multiprocessing.get_context("spawn")  # not a copy of the tests' process and its threads
        ours, theirs = context.Pipe()
        runtime = tempfile.mkdtemp(dir=self._folder)
        process = context.Process(target=serve, args=(theirs, {"XDG_RUNTIME_DIR": runtime}))
        process.start()
        theirs.close()
        self._all.append(Lane(process, ours))
        return self._all[-1]

# SPDX-License-Identifier: GPL-2.0-or-later
"""The service thread: runs callbacks and writes the log, so that no thread of the engine waits for Python.

It is a thread of Python's, and so are those of function sources and of targets: the interpreter may end before a
call into user code returns, and can end only its own threads.
"""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable
from typing import Any

from . import _native
from ._logging import logger

# Threads are started without waiting for them, as Thread.start() would: native code calls these, and a thread that
# waits for the interpreter inside native code when the interpreter ends takes the program down.


def start() -> None:
    """Starts the service thread."""
    _thread.start_new_thread(run, ())


def run() -> None:
    """Makes the calls the native part asks for until the program ends."""
    threading.current_thread().name = "livekit-service"
    try:
        while (job := _native._service_next()) is not None:
            _call(*job)
            del job
    finally:
        _native._service_ended()


def _call(function: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    try:
        function(*arguments)
    except BaseException:  # of user code: nothing it does ends the thread
        name = getattr(function, "__qualname__", repr(function))
        logger.exception("the callback %s failed", name)


def serve(worker: _native._FunctionWorker) -> None:
    """The thread of a function source: calls its function for each time that is asked for."""
    try:
        while (asked := worker.next()) is not None:
            at, seconds = asked
            try:
                made = worker.function(seconds)
            except BaseException as error:
                worker.failed(at, error)
            else:
                worker.made(at, made)
                del made
    finally:
        worker.ended()


def start_function(worker: _native._FunctionWorker) -> None:
    """Starts the thread of a function source."""
    _thread.start_new_thread(serve, (worker,))


def deliver(worker: _native._TargetWorker) -> None:
    """The thread of a target: calls its ``push`` for each picture."""
    try:
        while (picture := worker.next()) is not None:
            try:
                worker.push(picture, False)
            except BaseException as error:
                worker.failed(error)
            else:
                worker.pushed()
            del picture
    finally:
        worker.ended()


def start_target(worker: _native._TargetWorker) -> None:
    """Starts the thread of a target."""
    _thread.start_new_thread(deliver, (worker,))

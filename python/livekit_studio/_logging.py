# SPDX-License-Identifier: GPL-2.0-or-later
"""What the engine and FFmpeg say, in Python's ``logging``: "livekit_studio" and "livekit_studio.ffmpeg"."""

from __future__ import annotations

import logging
import time

logger = logging.getLogger("livekit_studio")
ffmpeg = logging.getLogger("livekit_studio.ffmpeg")

# Warnings, also where the program asks all other loggers for more; a level that was set before stays.
if logger.level == logging.NOTSET:
    logger.setLevel(logging.WARNING)

_NOTHING = 255
_last: tuple[bool, int, str] | None = None
_repeated = 0


def levels() -> tuple[int, int]:
    """The lowest levels that are wanted, of the engine and of FFmpeg, 0 to 255. Called about once a second."""
    _end_repeats()
    return _wanted(logger), _wanted(ffmpeg)


def _wanted(of: logging.Logger) -> int:
    if of.disabled:
        return _NOTHING
    return max(0, min(max(of.getEffectiveLevel(), of.manager.disable + 1), _NOTHING))


def log(from_ffmpeg: bool, level: int, text: str, at: float, thread: str | None) -> None:
    """Logs a line of ``at`` seconds on the monotonic clock. One that only repeats the last is counted."""
    global _last, _repeated
    if _last == (from_ffmpeg, level, text):
        _repeated += 1
        return
    _end_repeats()
    _last = (from_ffmpeg, level, text)
    _emit(from_ffmpeg, level, text, at, thread)


def _end_repeats() -> None:
    global _last, _repeated
    last, repeated = _last, _repeated
    _last, _repeated = None, 0
    if last is not None and repeated:
        from_ffmpeg, level, text = last
        _emit(from_ffmpeg, level, f"{text} (and {repeated} times more)", time.monotonic(), None)


def _emit(from_ffmpeg: bool, level: int, text: str, at: float, thread: str | None) -> None:
    to = ffmpeg if from_ffmpeg else logger
    if not to.isEnabledFor(level):
        return
    record = to.makeRecord(to.name, level, "(livekit)", 0, text, (), None)
    record.created = time.time() - (time.monotonic() - at)
    record.msecs = float(int((record.created - int(record.created)) * 1000))
    if thread is not None:
        record.threadName = thread
    to.handle(record)

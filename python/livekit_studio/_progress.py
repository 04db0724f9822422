# SPDX-License-Identifier: GPL-2.0-or-later
"""The progress bar of ``Compositor.render(progress=True)``: one line, on a terminal only."""

from __future__ import annotations

import sys
import time


class ProgressBar:
    """Draws itself on standard error when that is a terminal, and is quiet otherwise."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._start = time.monotonic()
        self._shown = sys.stderr is not None and sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        if not self._shown or total <= 0:
            return
        elapsed = time.monotonic() - self._start
        rate = done / elapsed if elapsed > 0 else 0.0
        left = (total - done) / rate if rate > 0 else 0.0
        filled = 30 * done // total
        bar = "#" * filled + "-" * (30 - filled)
        end = "\n" if done >= total else ""
        text = f"\r{self._label} [{bar}] {done}/{total} frames, {rate:.0f} fps, {left:.0f} s left "
        sys.stderr.write(text + end)
        sys.stderr.flush()

    def close(self) -> None:
        """Ends the line of an unfinished bar."""
        if self._shown:
            sys.stderr.write("\x1b[K")
            sys.stderr.flush()

# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that the tests run in an interpreter of their own."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

PATIENCE = 120  # seconds until a hanging program counts as a failure; no measure of speed


def run(program: str, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end; an error unless it leaves with ``status`` and nothing panicked."""
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", dedent(program), *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == status, done.stderr[-4000:]
    assert "panicked" not in done.stderr
    return done


def says(program: str, *arguments: str) -> list[str]:
    """The lines a program prints."""
    return run(program, *arguments).stdout.splitlines()

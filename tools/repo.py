# SPDX-License-Identifier: GPL-2.0-or-later
"""What the checks share: the repository's files, cargo's metadata and how findings are printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
GENERATED = {"target", "build", "dist", ".venv", ".git", "__pycache__"}


def files() -> list[Path]:
    """Every file that git tracks or would track; without git, every file outside the build folders."""
    # A checkout that belongs to somebody else is fine to read.
    git = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT)]
    listed = subprocess.run(
        [*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        names = listed.stdout.decode().split("\0")
        return sorted(ROOT / n for n in names if n and (ROOT / n).is_file())
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [f for f in folders if f not in GENERATED]
        found += [Path(folder, n) for n in names]
    return sorted(found)


def metadata(*options: str) -> dict[str, Any]:
    """`cargo metadata`, from what is already downloaded if that is enough."""
    command = ["cargo", "metadata", "--format-version", "1", *options]
    for extra in (["--offline"], []):
        run = subprocess.run([*command, *extra], cwd=ROOT, capture_output=True, text=True, check=False)
        if run.returncode == 0:
            result: dict[str, Any] = json.loads(run.stdout)
            return result
    sys.exit(f"cargo metadata failed:\n{run.stderr}")


def report(findings: Iterable[str], good: str) -> None:
    """Prints the findings and exits 1, or says that all is well."""
    findings = list(findings)
    for finding in findings:
        print(f"  {finding}")
    if findings:
        sys.exit(1)
    print(f"  {good}")

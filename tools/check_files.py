#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""No tracked file is over 1 MB, and every source file says its licence near the top."""

from __future__ import annotations

from collections.abc import Iterator

from repo import ROOT, files, report

LIMIT = 1_000_000
LINE = "SPDX-License-Identifier: GPL-2.0-or-later"
SOURCES = {".rs", ".py", ".sh"}
NEAR_THE_TOP = 5  # lines


def findings() -> Iterator[str]:
    for path in files():
        name = path.relative_to(ROOT)
        if (size := path.stat().st_size) > LIMIT:
            yield f"{name}: {size / 1e6:.1f} MB; files over 1 MB are made or fetched, not tracked"
        if path.suffix in SOURCES:
            with path.open(encoding="utf-8") as file:
                top = [line for line, _ in zip(file, range(NEAR_THE_TOP), strict=False)]
            # An empty __init__.py holds nothing to license.
            if top and not any(LINE in line for line in top):
                yield f"{name}: no line '{LINE}' in the first {NEAR_THE_TOP}"


report(findings(), f"{len(files())} files")

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Which crate may use which: the flow goes one way, FFmpeg stays in lk-io's av/, Python in lk-python."""

from __future__ import annotations

import re
from collections.abc import Iterator

from repo import ROOT, files, metadata, report

FACADE = {"lk-media", "lk-compositor", "lk-engine", "lk-io"}
MAY_USE: dict[str, set[str]] = {
    "lk-media": set(),
    "lk-compositor": {"lk-media"},
    "lk-engine": {"lk-media", "lk-compositor"},
    "lk-io": {"lk-media"},
    "livekit-studio": FACADE,
    "lk-control": {"livekit-studio"},
    "lk-cli": {"livekit-studio", "lk-control"},
    "lk-python": {"livekit-studio", "lk-control", "lk-cli"},
    "lk-vcam": {"lk-media", "lk-io"},
    "lk-tests": FACADE | {"livekit-studio", "lk-control", "lk-cli"},
}
# Outside crates that only one of ours may name.
OWNERS = [
    (re.compile(r"^ffmpeg(-sys)?(-next)?$|^rsmpeg$"), "lk-io"),
    (re.compile(r"^pyo3($|-)|^numpy$"), "lk-python"),
]
AV = "crates/lk-io/src/av/"
FFMPEG = re.compile(r"\bffmpeg(_next|_sys_next)?\s*::|\b(use|extern crate)\s+ffmpeg")
COMMENT = re.compile(r"//.*")


def edges() -> Iterator[str]:
    packages = metadata("--no-deps")["packages"]
    ours = {p["name"] for p in packages}
    for package in packages:
        name = package["name"]
        if name not in MAY_USE:
            yield f"{name}: a crate that tools/check_edges.py does not know; add it to the table there"
            continue
        for dependency in package["dependencies"]:
            used, kind = dependency["name"], dependency["kind"] or "normal"
            if used in ours and used not in MAY_USE[name]:
                allowed = ", ".join(sorted(MAY_USE[name])) or "none of ours"
                yield f"{name} -> {used} ({kind}): not allowed; it may use {allowed}"
            for pattern, owner in OWNERS:
                if pattern.search(used) and name != owner:
                    yield f"{name} -> {used} ({kind}): only {owner} may use it"


def ffmpeg_calls() -> Iterator[str]:
    for path in files():
        name = path.relative_to(ROOT).as_posix()
        if path.suffix != ".rs" or name.startswith(AV) or name == AV.rstrip("/") + ".rs":
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if FFMPEG.search(COMMENT.sub("", line)):
                yield f"{name}:{number}: FFmpeg is called only under {AV}"


report([*edges(), *ffmpeg_calls()], "every crate uses only what it may")

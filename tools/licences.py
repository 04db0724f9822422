#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The crates that are inside a build, with their licences and sources, for `livekit-studio licenses`.

licences.py           is the list in the tree the one of the lock file? (make lint)
licences.py --write   writes it
licences.py --texts   prints the crates' own licence texts, each text once, for the portable wheel
"""

from __future__ import annotations

import hashlib
import sys
import tomllib
from pathlib import Path
from typing import Any

from repo import ROOT, metadata, report

LIST = ROOT / "crates/livekit-studio/src/licenses/crates.tsv"
# what is shipped: the Python extension and the program
SHIPPED = {"lk-python", "lk-cli"}
TEXTS = ("LICENSE*", "LICENCE*", "COPYING*", "COPYRIGHT*", "NOTICE*", "UNLICENSE*", "license*")


def inside() -> list[dict[str, Any]]:
    """The packages of others whose code ends up in what is shipped: no build tools, macros or tests."""
    config = tomllib.loads((ROOT / "deny.toml").read_text(encoding="utf-8"))
    found: dict[str, dict[str, Any]] = {}
    for target in config["graph"]["targets"]:
        graph = metadata("--filter-platform", target)
        packages = {package["id"]: package for package in graph["packages"]}
        nodes = {node["id"]: node for node in graph["resolve"]["nodes"]}
        todo = [id for id, package in packages.items() if package["name"] in SHIPPED]
        seen = set(todo)
        while todo:
            for edge in nodes[todo.pop()]["deps"]:
                macro = any("proc-macro" in t["kind"] for t in packages[edge["pkg"]]["targets"])
                linked = any(kind["kind"] is None for kind in edge["dep_kinds"])
                if linked and not macro and edge["pkg"] not in seen:
                    seen.add(edge["pkg"])
                    todo.append(edge["pkg"])
        found |= {id: packages[id] for id in seen if packages[id]["source"]}
    return sorted(found.values(), key=lambda package: (package["name"], package["version"]))


def table() -> str:
    """One line for each: name, version, licence, where its source is."""
    lines = []
    for package in inside():
        source = f"https://crates.io/crates/{package['name']}/{package['version']}"
        licence = (package["license"] or "see its source").replace("/", " OR ").replace("  ", " ")
        lines.append("\t".join((package["name"], package["version"], licence, source)))
    return "\n".join(lines) + "\n"


def texts() -> str:
    """Every licence text that comes with the crates, once, under the names of those that have it."""
    owners: dict[str, list[str]] = {}
    contents: dict[str, str] = {}
    for package in inside():
        folder = Path(package["manifest_path"]).parent
        for path in sorted({path for pattern in TEXTS for path in folder.glob(pattern) if path.is_file()}):
            text = path.read_text(encoding="utf-8", errors="replace").strip()
            # line ends and indents differ, the text does not
            key = hashlib.sha256(" ".join(text.split()).encode()).hexdigest()
            contents.setdefault(key, text)
            name = f"{package['name']} {package['version']}"
            if name not in owners.setdefault(key, []):
                owners[key].append(name)
    rule = "=" * 100
    return "\n\n".join(
        f"{rule}\n{', '.join(names)}\n{rule}\n{contents[key]}" for key, names in owners.items()
    )


match sys.argv[1:]:
    case ["--write"]:
        LIST.write_text(table(), encoding="utf-8")
    case ["--texts"]:
        print(texts())
    case _:
        same = LIST.read_text(encoding="utf-8") == table()
        hint = f"{LIST.relative_to(ROOT)} is not the lock file's list: run tools/licences.py --write"
        report([] if same else [hint], f"{len(inside())} crates are listed")

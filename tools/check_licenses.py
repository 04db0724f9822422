#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The licence of every crate in the lock file, against the list in deny.toml (as `cargo deny check licenses` would)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

from repo import ROOT, metadata, report

CONFIG: dict[str, Any] = tomllib.loads((ROOT / "deny.toml").read_text(encoding="utf-8"))
ALLOWED = set(CONFIG["licenses"]["allow"])
EXCEPTIONS = {e["crate"]: set(e["allow"]) for e in CONFIG["licenses"].get("exceptions", [])}


def satisfied(expression: str, allowed: Callable[[str], bool]) -> bool:
    """Is an SPDX expression (OR, AND, WITH, parentheses, and cargo's old "/") satisfied by the allowed licences?"""
    tokens = re.findall(r"[()]|[^\s()]+", expression.replace("/", " OR "))

    def either() -> bool:
        value = both()
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            value = both() or value
        return value

    def both() -> bool:
        value = one()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            value = one() and value
        return value

    def one() -> bool:
        token = tokens.pop(0)
        if token == "(":
            value = either()
            tokens.pop(0)
            return value
        if tokens and tokens[0] == "WITH":
            tokens.pop(0)
            token = f"{token} WITH {tokens.pop(0)}"
        return allowed(token)

    return either()


def used_packages() -> Iterator[dict[str, Any]]:
    """Every package of the platforms in deny.toml, once."""
    seen: set[str] = set()
    for target in CONFIG["graph"]["targets"]:
        graph = metadata("--all-features", "--filter-platform", target)
        used = {node["id"] for node in graph["resolve"]["nodes"]}
        for package in graph["packages"]:
            if package["id"] in used - seen:
                seen.add(package["id"])
                yield package


def findings() -> Iterator[str]:
    for package in PACKAGES:
        name, license = package["name"], package["license"]
        allowed = ALLOWED | EXCEPTIONS.get(name, set())
        if not license:
            yield f"{name} {package['version']}: no licence in its manifest; look at {package['license_file']}"
        elif not satisfied(license, allowed.__contains__):
            yield f"{name} {package['version']}: {license} is not in deny.toml's list"


PACKAGES = list(used_packages())
apache_only = sorted(
    p["name"]
    for p in PACKAGES
    if p["license"] and not satisfied(p["license"], lambda name: not name.startswith("Apache-2.0"))
)
report(findings(), f"{len(PACKAGES)} packages; under Apache-2.0 alone: {', '.join(apache_only) or 'none'}")

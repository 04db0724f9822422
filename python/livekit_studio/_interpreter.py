# SPDX-License-Identifier: GPL-2.0-or-later
"""Refuses interpreters other than the main one: the engine's threads could not tell which to call."""

import importlib
import importlib.util


def _is_main() -> bool:
    for name in ("_interpreters", "_xxsubinterpreters"):  # since 3.13, before
        if importlib.util.find_spec(name) is not None:
            interpreters = importlib.import_module(name)
            return bool(interpreters.get_current() == interpreters.get_main())
    return True


if not _is_main():
    raise ImportError("LiveKit works in the main interpreter only: subinterpreters are not supported")

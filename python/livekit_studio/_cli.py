# SPDX-License-Identifier: GPL-2.0-or-later
"""The ``livekit-studio`` command of the wheel."""

import sys

from ._native import _cli


def main() -> int:
    """Runs the command line with the arguments of the process."""
    try:
        return _cli(sys.argv[1:], [sys.executable, "-P", "-m", "livekit_studio"])
    except KeyboardInterrupt:
        return 130

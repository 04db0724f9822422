# SPDX-License-Identifier: GPL-2.0-or-later
"""``python -m livekit_studio`` is the ``livekit-studio`` command."""

import sys

from ._cli import main

if __name__ == "__main__":
    sys.exit(main())

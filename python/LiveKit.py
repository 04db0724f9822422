# SPDX-License-Identifier: GPL-2.0-or-later
"""The documented name of :mod:`livekit_studio`: ``import LiveKit as lk`` gives that very module."""

import sys

import livekit_studio

sys.modules[__name__] = livekit_studio

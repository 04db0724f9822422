# SPDX-License-Identifier: GPL-2.0-or-later
"""What targets have in common."""

import abc

from . import _native


class VideoTarget(abc.ABC):
    """Something frames can be written to: ``isinstance(x, VideoTarget)`` tells. Not made directly."""


VideoTarget.register(_native.NullTarget)
VideoTarget.register(_native.VideoPort)

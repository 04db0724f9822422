# SPDX-License-Identifier: GPL-2.0-or-later
"""What targets have in common."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING

from . import _native

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class VideoTarget(abc.ABC):
    """Something frames can be written to: ``isinstance(x, VideoTarget)`` tells.

    A class of yours that derives from it and has :meth:`push` can be given to ``add_target`` and to
    :meth:`Compositor.render`::

        class Mean(lk.VideoTarget):
            def push(self, array, is_flipped=False):
                print(array.mean())

        player.add_target(Mean())

    ``push`` is called on a thread of its own, once for each frame, when the frame is due. Live, eight frames may
    wait for it, then the oldest is dropped; a render waits for it instead. It belongs to whoever it was added to:
    nobody else needs to keep it. If it raises, it is called no more; the target has failed, which is an event
    ("target_state") of who wrote to it, and a render raises :class:`CallbackError`.
    """

    @abc.abstractmethod
    def push(self, array: NDArray[np.uint8], is_flipped: bool = False) -> None:
        """Takes a picture.

        Args:
            array: (height, width, 3) in BGR, or (height, width, 4) in BGRA if the picture has transparent places;
                yours to keep and to change.
            is_flipped: whether its first row is the bottom one; targets are always given False.
        """


VideoTarget.register(_native.IPCTarget)
VideoTarget.register(_native.NullTarget)
VideoTarget.register(_native.VideoPort)
VideoTarget.register(_native.VirtualCamera)

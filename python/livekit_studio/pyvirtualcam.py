# SPDX-License-Identifier: GPL-2.0-or-later
"""Our camera as a backend of the pyvirtualcam package, called "livekit".

Importing this registers it: ``pyvirtualcam.Camera(...)`` then takes it where there is no v4l2loopback device, or when
it is asked for by ``backend="livekit"``. A program that knows nothing of it is run on it by::

    python -m livekit_studio.pyvirtualcam PROGRAM [ARGUMENT...]
"""

from __future__ import annotations

import runpy
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pyvirtualcam  # type: ignore[import-untyped]
from pyvirtualcam import PixelFormat
from pyvirtualcam.util import decode_fourcc, encode_fourcc  # type: ignore[import-untyped]

from ._errors import FormatError
from ._native import VirtualCamera

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAME = "livekit"

# What is sent as what: our format, the shape of our array for (height, width).
_FORMATS: dict[PixelFormat, tuple[Any, Any]] = {
    PixelFormat.RGB: ("rgb24", lambda h, w: (h, w, 3)),
    PixelFormat.BGR: ("bgr24", lambda h, w: (h, w, 3)),
    PixelFormat.RGBA: ("rgba", lambda h, w: (h, w, 4)),
    PixelFormat.GRAY: ("rgb24", lambda h, w: (h, w, 1)),
    PixelFormat.I420: ("yuv420p", lambda h, w: (h * 3 // 2, w)),
    PixelFormat.NV12: ("nv12", lambda h, w: (h * 3 // 2, w)),
    PixelFormat.YUYV: ("yuyv422", lambda h, w: (h, w, 2)),
    PixelFormat.UYVY: ("yuyv422", lambda h, w: (h, w, 2)),
}
_NATIVE = {
    "rgb24": PixelFormat.RGB,
    "bgr24": PixelFormat.BGR,
    "rgba": PixelFormat.RGBA,
    "yuv420p": PixelFormat.I420,
    "nv12": PixelFormat.NV12,
    "yuyv422": PixelFormat.YUYV,
}


class Camera:
    """What pyvirtualcam makes of itself; see its class ``Backend``."""

    def __init__(
        self, *, width: int, height: int, fps: float, fourcc: int, device: str | None, name: str = "LiveKit"
    ) -> None:
        """Opens the camera. ``device``: as :class:`VirtualCamera` has it, or what it is to be called in PipeWire."""
        try:
            self._format = PixelFormat(decode_fourcc(fourcc))
        except ValueError:
            raise FormatError(f"the format {decode_fourcc(fourcc)!r} is not known") from None
        ours, shape = _FORMATS[self._format]
        self._shape = shape(height, width)
        is_device = device is not None and (device.startswith("/") or device in ("v4l2loopback", "pipewire"))
        if device is not None and not is_device:
            name = device
        self._device = device
        self._camera = VirtualCamera(
            width, height, fps, format=ours, name=name, device=device if is_device else "pipewire"
        )

    def close(self) -> None:
        """Takes the camera away."""
        self._camera.close()

    def send(self, frame: NDArray[np.uint8]) -> None:
        """Shows the bytes of a picture, which lie one after the other."""
        array = frame.reshape(self._shape)
        if self._format is PixelFormat.GRAY:
            array = np.repeat(array, 3, axis=2)
        elif self._format is PixelFormat.UYVY:
            array = array[:, :, ::-1]
        self._camera.send(array)

    def device(self) -> str:
        """What other programs find it by."""
        return self._device or self._camera.device

    def native_fourcc(self) -> int | None:
        """The format of the pictures that go out."""
        native = _NATIVE.get(self._camera.native_format)
        return None if native is None else int(encode_fourcc(native.value))


pyvirtualcam.register_backend(NAME, Camera)


def main() -> None:
    """Runs the program that is named as if it had been started itself."""
    if len(sys.argv) < 2:
        sys.exit("usage: python -m livekit_studio.pyvirtualcam PROGRAM [ARGUMENT...]")
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()

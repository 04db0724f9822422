# SPDX-License-Identifier: GPL-2.0-or-later
"""The errors of LiveKit. Each also derives from the built-in exception a Python user would catch."""

from __future__ import annotations


class LiveKitError(Exception):
    """Every error of LiveKit.

    Attributes:
        hint: what to do about it, or None.
    """

    hint: str | None = None

    def __str__(self) -> str:
        message = str(self.args[-1]) if self.args else ""
        return f"{message} ({self.hint})" if self.hint else message


class MediaError(LiveKitError, ValueError):
    """The input is not media that can be read: broken, empty, or of an unknown kind."""


class MediaNotFoundError(MediaError, FileNotFoundError):
    """The file or address does not exist."""


class EncoderError(LiveKitError, ValueError):
    """An encoder, container or one of their options is unknown or refused its settings."""


class FormatError(LiveKitError, ValueError, TypeError):
    """A picture or array of the wrong shape, type or format; the message names both."""


class ParameterError(LiveKitError, ValueError):
    """A parameter is out of its range or contradicts another."""


class SlotError(LiveKitError, IndexError, KeyError):
    """A slot, layer or sound that is not there."""


class OutputError(LiveKitError, OSError):
    """The output cannot be written; ``errno`` says why."""


class DiskFullError(OutputError):
    """The disk is full; what was written stays."""


class StreamError(LiveKitError, ConnectionError):
    """A network peer refused, vanished or spoke another protocol."""


class DeadlineError(LiveKitError, TimeoutError):
    """Something did not answer in time."""


class DisplayError(LiveKitError, RuntimeError):
    """There is no display to show a window on or to capture from, or it went away."""


class LiveSourceError(LiveKitError):
    """A source that cannot be exact is shown in an offline render."""


class DeviceError(LiveKitError, RuntimeError):
    """There is no way to the devices of a kind on this machine; the hint names what to install or to start."""


class DeviceNotFoundError(DeviceError, LookupError):
    """There is no device or window of this name or number; the message or hint lists those there are."""


class DeviceBusyError(DeviceError):
    """Another program has the device to itself, or the name of a virtual device."""


class DeviceLostError(DeviceError):
    """A device or its server went away. Devices in use come back by themselves."""


class ClosedError(LiveKitError, RuntimeError):
    """The object was closed."""


class BusyError(LiveKitError, RuntimeError):
    """The object is in use by another run."""


class CancelledError(LiveKitError, RuntimeError):
    """The operation was cancelled."""


class FrameMemoryError(LiveKitError, MemoryError):
    """The memory set aside for frames is used up; see :func:`set_frame_memory`."""


class CallbackError(LiveKitError, RuntimeError):
    """A function given to LiveKit failed; ``__cause__`` is its exception."""


class InternalError(LiveKitError, RuntimeError):
    """A bug in LiveKit; please report it."""


_KINDS: dict[str, type[LiveKitError]] = {
    "Media": MediaError,
    "MediaNotFound": MediaNotFoundError,
    "Encoder": EncoderError,
    "Format": FormatError,
    "Parameter": ParameterError,
    "Index": SlotError,
    "Output": OutputError,
    "DiskFull": DiskFullError,
    "Stream": StreamError,
    "Deadline": DeadlineError,
    "Display": DisplayError,
    "LiveSource": LiveSourceError,
    "Device": DeviceError,
    "DeviceNotFound": DeviceNotFoundError,
    "DeviceBusy": DeviceBusyError,
    "DeviceLost": DeviceLostError,
    "Closed": ClosedError,
    "Busy": BusyError,
    "Cancelled": CancelledError,
    "Memory": FrameMemoryError,
    "Callback": CallbackError,
}


def _make(kind: str, message: str, hint: str | None, errno: int | None) -> LiveKitError:
    """Called by the native part to make the exception for an error of the engine."""
    cls = _KINDS.get(kind, InternalError)
    error = cls(errno, message) if errno is not None and issubclass(cls, OSError) else cls(message)
    error.hint = hint
    return error

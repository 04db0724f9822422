# SPDX-License-Identifier: GPL-2.0-or-later
"""The native part of LiveKit. Import from ``LiveKit``, not from here."""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from os import PathLike
from typing import Any, Literal, Protocol, Self, TypeAlias, final, overload

import numpy as np
import numpy.typing as npt
from typing_extensions import disjoint_base

from ._abc import VideoTarget
from ._async_events import AsyncEvents
from ._async_live import AsyncFrames
from ._devices import AudioDevice, CameraInfo, CameraMode, CameraStatistics, DeviceStatistics
from ._errors import LiveKitError
from ._events import Event
from ._reports import (
    Diagnosis,
    IPCSourceStatistics,
    IPCTargetStatistics,
    Licenses,
    PlayerStatistics,
    RecorderStatistics,
    RecordingReport,
    VirtualCameraStatistics,
    WindowInfo,
)

__all__ = [
    "AudioDeviceWatch",
    "AudioInputDeviceList",
    "AudioMixer",
    "AudioOutputDeviceList",
    "AudioPort",
    "AudioRepeater",
    "Camera",
    "CameraList",
    "CameraWatch",
    "Color",
    "Compositor",
    "Copier",
    "Frame",
    "FunctionSource",
    "IPCSource",
    "IPCTarget",
    "ImageFile",
    "Layer",
    "LazyPlayer",
    "LiveStatistics",
    "MediaInfo",
    "Microphone",
    "Mix",
    "MixPlayback",
    "Mixer",
    "MixerInput",
    "NullTarget",
    "Player",
    "Recorder",
    "RenderStatistics",
    "ScreenCapture",
    "Speaker",
    "Statistics",
    "StillSource",
    "TestPattern",
    "Text",
    "VideoPort",
    "VideoSource",
    "Viewer",
    "VirtualCamera",
    "VirtualMicrophone",
    "VirtualSpeaker",
    "WindowCapture",
    "WindowList",
    "_AudioBlocks",
    "_Batch",
    "_CameraFrames",
    "_EventStream",
    "_FileFrames",
    "_FunctionWorker",
    "_IPCFrames",
    "_LiveFrames",
    "_SceneFrames",
    "_Subscription",
    "_TargetQueue",
    "_TargetWorker",
    "__version__",
    "_cli",
    "_service_ended",
    "_service_next",
    "_show",
    "cameras",
    "doctor",
    "licenses",
    "microphones",
    "open",
    "read_audio",
    "render",
    "set_frame_memory",
    "set_threads",
    "speakers",
    "windows",
]

__version__: str

_Array: TypeAlias = npt.NDArray[np.uint8]
_Samples: TypeAlias = npt.NDArray[np.float32]
_Pixels: TypeAlias = _Array | memoryview
_Path: TypeAlias = str | PathLike[str]
_PixelFormat: TypeAlias = Literal[
    "rgb24", "bgr24", "rgba", "bgra", "yuv420p", "nv12", "yuyv422", "rgb", "bgr", "i420", "yuy2"
]
_Fit: TypeAlias = Literal["stretch", "contain", "cover", "none"]
_Anchor: TypeAlias = Literal[
    "top-left", "top", "top-right", "left", "center", "right", "bottom-left", "bottom", "bottom-right"
]
_Flip: TypeAlias = Literal["horizontal", "vertical", "both"]
_Align: TypeAlias = Literal["left", "center", "right"]
_Blend: TypeAlias = Literal["normal", "additive"]
_Offline: TypeAlias = Literal["freeze", "latest", "skip"]
_Rate: TypeAlias = int | float | str | tuple[int, int]
_EventKind: TypeAlias = Literal[
    "source_state", "target_state", "run_state", "recorder_state", "device_state", "*"
]
_Source: TypeAlias = VideoSource | Compositor | Frame | _Image | _Path
_Monitor: TypeAlias = Literal["off", "on", "only"]
_Device: TypeAlias = int | str | AudioDevice
_Sounds: TypeAlias = npt.NDArray[np.float32 | np.float64 | np.int16] | memoryview
_Sound: TypeAlias = (
    AudioPort | Microphone | VirtualSpeaker | Mix | Compositor | VideoSource | _Sounds | int | _Path
)
_SoundTarget: TypeAlias = AudioPort | Speaker | VirtualMicrophone | _Device
_Track: TypeAlias = Literal["source"] | _Sound
_RenderTrack: TypeAlias = Literal["source"] | Mix
_Target: TypeAlias = VideoTarget | _Path
_Progress: TypeAlias = bool | Callable[[int, int], object]

# An image of Pillow's, which need not be installed.
class _Image(Protocol):
    @property
    def mode(self) -> str: ...
    @property
    def size(self) -> tuple[int, int]: ...
    def convert(self, mode: str, /) -> _Image: ...
    def tobytes(self) -> bytes: ...

# Before Python 3.12 the buffer protocol has no names at run time; type checkers know it by them all the same.
class _Buffer:
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __release_buffer__(self, buffer: memoryview, /) -> None: ...

@final
class Frame(_Buffer):
    """A picture with the time it is due. Immutable; handing one on copies nothing.

    It speaks the buffer protocol and DLPack, so ``np.asarray(frame)`` and ``torch.from_dlpack(frame)`` share
    its memory (packed formats; planar ones are copied once). Shapes of the array, dtype uint8:

    * rgb24, bgr24: (height, width, 3); rgba, bgra: (height, width, 4), straight alpha, channels as named
    * yuyv422: (height, width, 2)
    * yuv420p, nv12: (height * 3 / 2, width), planes below each other as in PyAV
    """

    @staticmethod
    def from_ndarray(
        array: _Pixels, format: _PixelFormat, *, copy: bool = True, timestamp: float = 0.0
    ) -> Frame:
        """A frame from an array of the shape above.

        With ``copy=False`` a C-contiguous NumPy array is shared: it is marked read-only and kept alive by the
        frame. Other arrays are copied. ``timestamp`` is in seconds. Raises FormatError for a wrong shape or
        dtype, naming what it is and what is needed.
        """
    @property
    def format(self) -> str:
        """The pixel format, in PyAV's words ("rgb24")."""
    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
    @property
    def timestamp(self) -> float:
        """When it is due, in seconds on the clock of what made it."""
    @property
    def array(self) -> _Array:
        """The bytes as a read-only array that shares the frame's memory where the format is packed."""
    def to_ndarray(self, format: _PixelFormat) -> _Array:
        """A new, writable array in ``format``."""
    def to_image(self) -> Any:
        """A PIL.Image (needs Pillow), RGB or RGBA."""
    def save(self, path: _Path) -> None:
        """Writes a picture file; the ending says which kind (.png, .jpg, .bmp, .webp).

        Raises OutputError when it cannot be written, ParameterError for an unknown ending.
        """
    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]: ...
    def __dlpack__(self, **kwargs: Any) -> Any: ...
    def __dlpack_device__(self) -> tuple[int, int]: ...
    def _repr_png_(self) -> bytes: ...

@disjoint_base
class VideoSource:
    """Something frames can be read from. Not made directly: see :func:`open`."""

    def pull(self) -> tuple[_Array | None, int, bool]:
        """The picture to show now: (array, timestamp, is_flipped).

        The array is uint8 of shape (height, width, 3) in BGR or (height, width, 4) in BGRA, newly made, or
        None when there is nothing to show. The timestamp is in microseconds, 2**64-1 when the picture has
        none. ``is_flipped`` is True when the first row is the bottom one (never, for LiveKit's own sources).
        """
    def frame(self, *, at: float = 0.0, format: _PixelFormat | None = None) -> Frame:
        """One picture: of a file or whatever is computed, the one shown at ``at`` seconds, exactly; of a live source
        the newest, the first of which is waited for at most 5 s. In ``format``, or as it is.

        Raises LiveSourceError for a time of a live source, DeadlineError, BusyError if a run uses the source, and
        what reading it raises.
        """
    @property
    def name(self) -> str:
        """What messages call it."""
    def _repr_png_(self) -> bytes | None: ...

@final
class VideoPort(VideoSource, VideoTarget):
    """A target and a source in one: what is pushed in can be pulled, composited and recorded.

    Keeps the last 8 frames or 250 ms. Frames pushed in have no exact times: in an offline render the layer
    needs ``offline="latest"``, ``"freeze"`` or ``"skip"``. A port connected with :meth:`set_source` is as
    exact as that source.
    """

    def __new__(cls) -> Self: ...
    def push(self, array: _Pixels, is_flipped: bool = False, *, format: _PixelFormat | None = None) -> None:
        """Copies an array in. Without ``format`` it is BGR (height, width, 3) or BGRA (height, width, 4),
        straight alpha; other formats: the shapes of :class:`Frame`.

        ``is_flipped``: the first row of the array is the bottom one (packed formats only). Raises FormatError
        for a wrong shape or dtype.
        """
    def set_source(self, source: _Source | None) -> None:
        """Reads from ``source`` from now on; None reads what is pushed again.

        Raises ParameterError if the port would read from itself, and what opening raises.
        """
    def latest(self) -> Frame | None:
        """The newest frame; None before the first."""

@final
class StillSource(VideoSource):
    """One frame as a source: what ``lk.open(array, format=...)`` gives."""

    def __new__(cls, frame: Frame) -> Self: ...
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""

@final
class Color(VideoSource):
    """One colour: a CSS colour such as "#203040", "#20304080" (with alpha) or "red". Exact.

    ``size`` is (width, height) in pixels; without it the picture is a small one, to be stretched over the
    canvas or a box. ``lk.open("color:#203040")`` is the same. Raises ParameterError for what is no colour,
    FormatError for an impossible size.
    """

    def __new__(cls, color: str, *, size: tuple[int, int] | None = None) -> Self: ...
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""

@final
class TestPattern(VideoSource):
    """Colour bars, a line that crosses the picture once a second, the frame's number as digits, and beeps.

    The number also stands in a row of 32 blocks along the bottom: the highest bit on the left, white is 1.
    For the first tenth of each second a square at the top right is white and 1 kHz sounds at -12 dB; the
    sound comes with the layer, as that of media files does. Frame n begins at n / fps; exact. At least 64x48
    pixels, else FormatError.
    """

    def __new__(cls, width: int, height: int, *, fps: _Rate = 30) -> Self: ...
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
    def frame(
        self, index: int | None = None, *, at: float = 0.0, format: _PixelFormat | None = None
    ) -> Frame:
        """Picture number ``index``, from 0; or, without a number, the one shown at ``at`` seconds."""
    @property
    def fps(self) -> float:
        """New pictures a second."""

@final
class Text(VideoSource):
    """Text, as a picture just large enough for it. Exact.

    ``text`` is a str or a function. Lines end at "\\n". Right-to-left scripts are laid out as they should be;
    characters the font does not have come from the system's fonts, those that none has are boxes, and emoji have
    no colours. A text without letters is one transparent pixel.

    A function is called with the time in seconds on a thread of its own and returns a str (None is ""): live at
    most ``rate`` times a second, offline once for each frame. Nobody waits for it live, and an exception leaves
    the text as it was; offline an exception ends the render with CallbackError. A text that did not change costs
    nothing.

    Lengths are in pixels, colours are CSS colours. ``font`` is a family's name or a font file; None is DejaVu
    Sans, which is built in. ``bold`` and ``italic`` are made from regular letters where a font has none of its
    own. ``outline`` is the colour of a line that reaches ``outline_width`` from the letters (None: a sixteenth
    of the font's size). ``background`` is the colour of a box that reaches ``padding`` from the lines, its
    corners rounded by ``radius``. Lines longer than ``width`` are broken, shorter ones lie in it as ``align``
    says; None is the width of the longest line. ``line_spacing`` is a multiple of the font's own.

    All of them can be set later and take effect at the next frame. Raises ParameterError for values out of their
    range, MediaNotFoundError for a font that is not there, MediaError for a file that is no font.
    """

    def __new__(
        cls,
        text: str | Callable[[float], str | None],
        *,
        font: _Path | None = None,
        font_size: float = 32.0,
        color: str = "white",
        bold: bool = False,
        italic: bool = False,
        outline: str | None = None,
        outline_width: float | None = None,
        background: str | None = None,
        padding: float = 0.0,
        radius: float = 0.0,
        width: float | None = None,
        align: _Align = "left",
        line_spacing: float = 1.0,
        rate: float = 10.0,
    ) -> Self: ...
    def size(self) -> tuple[int, int]:
        """(width, height) of the picture in pixels."""
    @property
    def text(self) -> str:
        """What it says; of a function, what that returned last (which cannot be set)."""
    @text.setter
    def text(self, value: str) -> None: ...
    @property
    def font(self) -> str | None:
        """The family's name or the font file; None is DejaVu Sans."""
    @font.setter
    def font(self, value: _Path | None) -> None: ...
    @property
    def font_size(self) -> float:
        """In pixels, 1 to 2000."""
    @font_size.setter
    def font_size(self, value: float) -> None: ...
    @property
    def color(self) -> str:
        """Of the letters, as "#rrggbbaa"."""
    @color.setter
    def color(self, value: str) -> None: ...
    @property
    def bold(self) -> bool:
        """Bold letters."""
    @bold.setter
    def bold(self, value: bool) -> None: ...
    @property
    def italic(self) -> bool:
        """Slanted letters."""
    @italic.setter
    def italic(self, value: bool) -> None: ...
    @property
    def outline(self) -> str | None:
        """The colour of the line around the letters, as "#rrggbbaa"; None: no line."""
    @outline.setter
    def outline(self, value: str | None) -> None: ...
    @property
    def outline_width(self) -> float | None:
        """How far the line reaches, in pixels; None is a sixteenth of the font's size."""
    @outline_width.setter
    def outline_width(self, value: float | None) -> None: ...
    @property
    def background(self) -> str | None:
        """The colour of the box, as "#rrggbbaa"; None: no box."""
    @background.setter
    def background(self, value: str | None) -> None: ...
    @property
    def padding(self) -> float:
        """Pixels between the lines and the edge of the box."""
    @padding.setter
    def padding(self, value: float) -> None: ...
    @property
    def radius(self) -> float:
        """Of the box's corners, in pixels."""
    @radius.setter
    def radius(self, value: float) -> None: ...
    @property
    def width(self) -> float | None:
        """The width of the lines in pixels; None is that of the longest."""
    @width.setter
    def width(self, value: float | None) -> None: ...
    @property
    def align(self) -> _Align:
        """Where lines lie in the width."""
    @align.setter
    def align(self, value: _Align) -> None: ...
    @property
    def line_spacing(self) -> float:
        """The distance of lines as a multiple of the font's own, 0.1 to 10."""
    @line_spacing.setter
    def line_spacing(self, value: float) -> None: ...

@final
class FunctionSource(VideoSource):
    """Pictures made by a Python function, exact offline.

    ``function(t)`` is called with the time in seconds, once for each frame, on a thread of its own, and
    returns an array in ``format`` (shapes: see :class:`Frame`; needed for arrays alone), a Frame, or None for
    nothing. Offline renders wait for it at most ``timeout`` seconds a frame (then DeadlineError). An exception in it
    ends the render with CallbackError.
    """

    def __new__(
        cls,
        function: Callable[[float], _Pixels | Frame | None],
        *,
        format: _PixelFormat | None = None,
        timeout: float = 10.0,
    ) -> Self: ...

@final
class ImageFile(VideoSource):
    """A picture file: png, jpeg, bmp, webp, gif (animated ones play).

    EXIF rotation is applied, colours with an ICC profile become sRGB. Raises MediaNotFoundError, MediaError.
    """

    def __new__(cls, filename: _Path) -> Self: ...
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""

@final
class LazyPlayer(VideoSource):
    """The pictures of a media file or URL, decoded when asked for; frame-exact. No sound.

    Display rotation and sample aspect are applied, interlaced video is deinterlaced unless
    ``deinterlace=False``. Numbered pictures are a clip as well: ``"slide%03d.png"`` from the first number there is,
    ``"slide*.png"`` in the order of their names; 25 a second, unless ``options={"framerate": "12"}`` says otherwise.
    Opening and every read give up after ``timeout`` seconds (DeadlineError). Raises MediaNotFoundError, MediaError,
    StreamError, DeadlineError.
    """

    def __new__(
        cls,
        filename: _Path,
        *,
        loop: bool = False,
        rate: float = 1.0,
        timeout: float = 10.0,
        deinterlace: bool = True,
        decoder: str | None = None,
        options: dict[str, str] | None = None,
    ) -> Self:
        """Opens it. ``loop`` begins again at the end, ``rate`` is the speed (2.0 is twice as fast),
        ``options`` are FFmpeg's for opening that container or protocol. ``decoder`` is FFmpeg's name of a decoder,
        for instance one that uses hardware ("h264_cuvid", "h264_qsv", "h264_v4l2m2m"): MediaError names those
        there are for the file if it is not one of them, or does not work on this machine.
        """
    def __iter__(self) -> _FileFrames:
        """The same as :meth:`frames`, as decoded."""
    # pyright wants a parameter by keyword to stay one by keyword alone
    def frame(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, at: float = 0.0, *, format: _PixelFormat | None = None
    ) -> Frame:
        """The frame shown at ``at`` seconds of the file: the last one whose timestamp is at most ``at`` + 1 ms.

        For times past the end that is the last frame. Does not move the player. In ``format``, or as decoded. Raises
        MediaError where not one picture can be decoded.
        """
    def frames(self, format: _PixelFormat | None = None) -> _FileFrames:
        """Every frame of the file once, in order, from the first. In ``format``, or as decoded."""
    def video_size(self) -> tuple[int, int]:
        """(width, height) in pixels, as displayed."""
    def is_playing(self) -> bool:
        """Whether it plays: neither stopped nor at the end."""
    def is_eof_reached(self) -> bool:
        """Whether the last picture read was past the end."""
    def get_duration(self) -> int:
        """The length in microseconds; 0 if unknown."""
    def get_position(self) -> int:
        """The position in microseconds."""
    def set_position(self, position: int) -> None:
        """Goes to a position in microseconds. An offline render starts from there."""
    def start(self) -> None:
        """Plays on from where it stands, or from the beginning if it had reached the end."""
    def stop(self) -> None:
        """Stands still where it is."""

@final
class Viewer:
    """A window that shows a source, on a thread of its own.

    ``draw()`` in a loop shows what the source shows; between the calls the window looks after itself. It keeps the
    picture's shape and shows black bars beside it. F11 makes it fill the screen and back, Escape back. Closed by its
    user, or when its display goes away, it stays closed; what it showed goes on. Dropping it closes it.

    It is a target as well: ``player.add_target(viewer)`` shows what is written to it, as long as it has no source.

    Args:
        window_width: columns of the screen inside the window.
        window_height: rows.
        title: what stands over it.
        fit: "contain": as large as goes; "none": the same, but never larger than it is; "stretch": all over it.
        margin: pixels kept free along its edges.
        display: the display, if not that of the session: ":0" is one of X11, "wayland-1" one of Wayland.

    Raises DisplayError where there is no display or it does not answer within 5 s, FormatError, ParameterError.
    """

    def __new__(
        cls,
        window_width: int,
        window_height: int,
        title: str = "LiveKit",
        *,
        fit: Literal["contain", "none", "stretch"] = "contain",
        margin: int = 0,
        display: str | None = None,
    ) -> Self: ...
    def set_source(self, source: _Source | None) -> None:
        """Shows another source from the next :meth:`draw` on, which also starts one that nobody has started."""
    def draw(self) -> bool:
        """Shows the newest frame and waits for the display's next picture, never for the display itself. False once
        the window is closed. Raises what reading the source raises, and BusyError if it is on another clock."""
    def run(self, seconds: float | None = None, *, until: Callable[[], object] | None = None) -> None:
        """Draws until the window is closed, ``seconds`` have passed or ``until()`` is true."""
    def set_margin(self, margin: int) -> None:
        """Keeps ``margin`` pixels free along the edges."""
    def size(self) -> tuple[int, int]:
        """(width, height) of the inside of the window now."""
    @property
    def title(self) -> str:
        """What stands over it."""
    @title.setter
    def title(self, value: str) -> None: ...
    @property
    def fullscreen(self) -> bool:
        """Whether it is to fill the screen."""
    @fullscreen.setter
    def fullscreen(self, value: bool) -> None: ...
    @property
    def closed(self) -> bool:
        """Whether it is closed."""
    @property
    def error(self) -> LiveKitError | None:
        """Why it closed, if neither its user nor the program closed it."""
    def screenshot(self, path: _Path | None = None) -> Frame:
        """What the window shows, bars and all; saved as a picture if there is a ``path``. Raises ClosedError."""
    def close(self) -> None:
        """Closes it."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *args: object) -> None: ...

def cameras() -> list[CameraInfo]:
    """The cameras there are, without starting any: first those of the kernel, by their device nodes. Empty where there
    are none."""

@final
class CameraList:
    """The names of the cameras there were when it was made; see :func:`cameras`."""

    def __new__(cls) -> Self: ...
    def size(self) -> int:
        """How many there are."""
    def get(self, i: int) -> str:
        """The name of camera ``i``, counted from 0; SlotError (an IndexError) if there is none."""
    def to_pylist(self) -> list[str]:
        """All names."""
    def __len__(self) -> int: ...

@final
class CameraWatch:
    """Tells of cameras that come and go: events of kind "device_state" whose ``source`` is the camera's name and whose
    ``reason`` is its id, from "" to "present" and from "present" to "gone"."""

    def __new__(cls) -> Self: ...
    def on(self, kind: _EventKind, function: Callable[[Event], object]) -> Callable[[], None]:
        """Calls ``function`` with every event of ``kind`` ("*": all) from now on, on a thread of its own; what is
        returned ends that."""
    def events(self) -> _EventStream:
        """Everything that happens from now on, for ``for`` and ``async for``."""
    def close(self) -> None:
        """Ends it."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *args: object) -> None: ...

@final
class Camera(VideoSource):
    """A camera as a live source. It runs from here on; its frames lie at the times at which they were taken.

    What is not asked for is chosen: the largest size that reaches the rate, 30 frames a second where none is given.
    A camera that gives no pictures for a second is "stalled", and is started afresh every five seconds; one that is
    unplugged is "reconnecting" until the same one is there again, in the same mode. Meanwhile its last frame stays, or
    the ``fallback`` of the layer that shows it. Changes are events of kind "source_state". Offline renders need a policy
    for it (``offline="freeze"``).

    ``lk.open("camera:NAME")`` is the same, and "camera:NAME" (or "camera", the first one) stands for it wherever a
    source is taken.

    Args:
        idx: its place in :func:`cameras`, its name, id or device node ("/dev/video0"), a part of one of these that only
            one has, or a :class:`CameraInfo`.
        size: (width, height) in pixels.
        fps: frames a second.
        format: how the pictures come: a pixel format, or "mjpeg".

    Raises DeviceNotFoundError (a LookupError; its hint lists and suggests), DeviceBusyError (it names the program that
    has it), DeviceError without the permission to open it, DeviceLostError when it is unplugged meanwhile, FormatError
    for a mode it does not have (the hint lists those it has), DeadlineError when it does not answer.
    """

    def __new__(
        cls,
        idx: int | str | CameraInfo = 0,
        *,
        size: tuple[int, int] | None = None,
        fps: _Rate | None = None,
        format: str | None = None,
    ) -> Self: ...
    def size(self) -> tuple[int, int]:
        """(width, height) of its pictures."""
    @property
    def info(self) -> CameraInfo:
        """What it is, and where it was last."""
    @property
    def mode(self) -> CameraMode:
        """How its pictures come."""
    @property
    def state(self) -> str:
        """ "starting", "live", "stalled", "reconnecting" or "closed"."""
    def frame(
        self, timeout: float | None = 2.0, *, at: float = 0.0, format: _PixelFormat | None = None
    ) -> Frame:
        """The newest frame that this method has not given yet: waits for the next one if there is none, ``timeout``
        seconds at most (None: for ever), then raises DeadlineError. So a loop around it sees fresh frames at the rate of
        the camera. Raises ClosedError once closed."""
    def frames(self, *, timeout: float | None = None) -> _CameraFrames:
        """An iterator over the frames from the newest on, each once. It ends when the camera is closed, or when no frame
        has come for ``timeout`` seconds. A reader that is more than 8 frames or 250 ms behind loses those in between."""
    def add_target(self, target: VideoTarget | Viewer) -> None:
        """Gives every frame to ``target`` from now on, the newest at once. The target does not keep the camera."""
    def remove_target(self, target: VideoTarget | Viewer) -> None:
        """Gives ``target`` no more frames."""
    def statistics(self) -> CameraStatistics:
        """Counts since it was opened."""
    def on(self, kind: _EventKind, function: Callable[[Event], object]) -> Callable[[], None]:
        """Calls ``function`` with every event of ``kind`` ("*": all kinds), on LiveKit's service thread. What is
        returned ends that when called.
        """
    def events(self) -> _EventStream:
        """An iterator, also for ``async for``, over the events from now on."""
    def close(self) -> None:
        """Lets the camera go; its last frame stays with those who show it."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *args: object) -> None: ...

@final
class _CameraFrames:
    """The frames of a camera, one after the other: what :meth:`Camera.frames` gives."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Frame: ...

@final
class WindowList:
    """The titles of the windows there were when it was made, in the order they were opened; see :func:`windows`.

    Raises DisplayError.
    """

    def __new__(cls) -> Self: ...
    def size(self) -> int:
        """How many there are."""
    def get(self, i: int) -> str:
        """The title of window ``i``, counted from 0; SlotError (an IndexError) if there is none."""
    def to_pylist(self) -> list[str]:
        """All titles."""
    def __len__(self) -> int: ...

def doctor() -> Diagnosis:
    """What of LiveKit works on this machine, part by part, and what mends the rest; ``print`` it.

    Opens no device and changes nothing. Parts: the renderer, FFmpeg, sound, cameras, virtual cameras,
    the desktop with its screens and its portal, pictures between processes.
    """

def licenses() -> Licenses:
    """What is inside this build of LiveKit, under which licences, and where its source is; ``print`` it.

    Libraries that the wheel brings along (or the FFmpeg of this system), fonts, Rust crates.
    """

def windows(*, display: str | None = None) -> list[WindowInfo]:
    """The windows of the desktop in the order they were opened. Raises DisplayError.

    In a Wayland session they are those of Xwayland, and where there is a desktop portal, an entry called
    "Choose a window..." with the id 0: capturing it has the user choose.
    """

@final
class WindowCapture(VideoSource):
    """A window of the desktop as a live source, whole even where it is covered.

    It follows the window when it is resized, and makes a frame when something was drawn. Iconified or closed its
    last frame stays, or the ``fallback`` of the layer that shows it; one that fits the same rule and is opened later
    is captured in its place. Offline renders need a policy for it (``offline="freeze"``).

    Args:
        idx: its place in :class:`WindowList`.
        title: its title: the same, else the same but for case, else one that contains it.
        application: its application, in the same way.
        pid: its process.
        id: the display's number for it, which does not come back.
        cursor: whether the mouse pointer is in the picture.
        fps: frames a second at the most.
        display: the X display, if not that of the session; "portal" asks the user. On Windows, "wgc" or "gdi" is the way
            to see the one desktop there is; None is the first of them that works.
        remember: a name under which it is remembered what the user chose, so that the next capture with that name does
            not ask. None asks every time.
        timeout: seconds the user may take to choose; Ctrl-C ends the waiting.

    In a Wayland session the entry "Choose a window..." of :class:`WindowList` has the user choose in the desktop's
    dialog (a whole screen where the desktop offers no windows there). What was chosen is "ended" when the user or the
    desktop ends it, and "failed" when it is lost and the desktop does not remember what was allowed.

    Raises SlotError (an IndexError) for an index that is not there, DeviceNotFoundError (a LookupError; its hint lists
    and suggests), DisplayError (also when the user refuses), DeadlineError (nobody has chosen in time), ParameterError
    unless the window is chosen in exactly one way.
    """

    def __new__(
        cls,
        idx: int | None = None,
        *,
        title: str | None = None,
        application: str | None = None,
        pid: int | None = None,
        id: int | None = None,
        cursor: bool = False,
        fps: _Rate = 60,
        display: str | None = None,
        remember: str | None = None,
        timeout: float = 300.0,
    ) -> Self: ...
    @property
    def window(self) -> WindowInfo | None:
        """The window that is captured, or was when it was there last."""
    def size(self) -> tuple[int, int]:
        """(width, height) of its newest frame; (0, 0) before the first."""
    @property
    def frames(self) -> int:
        """How many frames were taken so far: one whenever something was drawn, at most ``fps`` a second."""
    @property
    def state(self) -> str:
        """ "starting", "live", "stalled" (iconified), "reconnecting" (closed and looked for), "ended" or "failed"."""
    def on(self, kind: _EventKind, function: Callable[[Event], object]) -> Callable[[], None]:
        """Calls ``function`` with every event of ``kind`` ("*": all kinds), on LiveKit's service thread. What is
        returned ends that when called.
        """
    def events(self) -> _EventStream:
        """An iterator, also for ``async for``, over the events from now on."""
    def close(self) -> None:
        """Ends it; the last frame stays."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *args: object) -> None: ...

@final
class ScreenCapture(VideoSource):
    """A screen, or a part of it, as a live source.

    Args:
        display: the display, if not that of the session: ":0" is one of X11, "wayland-1" or the path of a socket one
            of Wayland, "portal" asks the user. On Windows, "wgc" or "gdi" is the way to see the one desktop there is;
            None is the first of them that works.
        region: (x, y, width, height) in pixels from the top left; None is all of it.
        output: the screen by its name ("HDMI-A-1") or its number. None is the first on Wayland, and all of them
            together on X11. Windows takes none: there they are one.
        cursor: whether the mouse pointer is in the picture.
        fps: frames a second at the most.
        remember: a name under which it is remembered what the user chose, so that the next capture with that name does
            not ask. None asks every time.
        timeout: seconds the user may take to choose; Ctrl-C ends the waiting.

    On Wayland it is read by wlr-screencopy (sway and others); where the compositor has none, the user chooses a screen
    in the desktop's dialog, and ``output`` must be None. What was chosen is "ended" when the user or the desktop ends
    it, and "failed" when it is lost and the desktop does not remember what was allowed.

    Raises DisplayError (also when the user refuses), DeadlineError (nobody has chosen in time), DeviceNotFoundError for
    a screen that is not there (its hint lists them), and ParameterError for a region that is not on the screen.
    """

    def __new__(
        cls,
        display: str | None = None,
        region: tuple[int, int, int, int] | None = None,
        *,
        output: int | str | None = None,
        cursor: bool = True,
        fps: _Rate = 60,
        remember: str | None = None,
        timeout: float = 300.0,
    ) -> Self: ...
    def size(self) -> tuple[int, int]:
        """(width, height) of its newest frame; (0, 0) before the first."""
    @property
    def frames(self) -> int:
        """How many frames were taken so far: one whenever something was drawn, at most ``fps`` a second."""
    @property
    def state(self) -> str:
        """ "starting", "live", "stalled" (iconified), "reconnecting" (closed and looked for), "ended" or "failed"."""
    def on(self, kind: _EventKind, function: Callable[[Event], object]) -> Callable[[], None]:
        """Calls ``function`` with every event of ``kind`` ("*": all kinds), on LiveKit's service thread. What is
        returned ends that when called.
        """
    def events(self) -> _EventStream:
        """An iterator, also for ``async for``, over the events from now on."""
    def close(self) -> None:
        """Ends it; the last frame stays."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *args: object) -> None: ...

@final
class Player(VideoSource):
    """A media file, an address or a pipe, played in real time on threads of its own.

    It is made standing at its beginning, whose picture is there at once, and plays from :meth:`start` on; a live
    scene or a recorder that shows a player nobody has started or stopped starts it. Frames go to every target and
    can be read from the player itself, which is a source: ``scene.add(player)`` brings its sound along, and so
    does ``scene.audio.add(player)`` without the pictures. Played at the rate of the scene every frame is seen
    exactly once. Pictures and sound never part.

    A pipe, or an address without a length, is a live input: it cannot be sent to another place, and may stall
    without holding anybody up. Events are of kind "source_state". It stops when the object goes and nothing shows
    it any more.

    Args:
        filename: a file, numbered pictures (see :class:`LazyPlayer`), an address or a named pipe.
        play_audio: whether its sound is played.
        play_video: whether its pictures are played.
        audio_device_id: where it is heard besides, from :meth:`start` on: the number or name of a speaker (see
            :func:`speakers`); a negative number is an in-process channel, heard by all who read ``AudioPort(id)``.
            0 is the default speaker, or silence where there is none.
        loop: begins again at the end.
        rate: seconds of the media in a second, 1/64 to 64. Sound changes its pitch with it.
        timeout: seconds that opening it may take.
        deinterlace: whether interlaced pictures are deinterlaced.
        decoder: FFmpeg's name of the decoder of its pictures, for instance one that uses hardware ("h264_cuvid").
        options: FFmpeg's for opening that container or protocol.

    Raises MediaNotFoundError, MediaError, StreamError, DeadlineError and ParameterError; DeviceNotFoundError and
    DeviceError for a speaker. Once closed, everything but ``state``, ``error`` and :meth:`statistics` raises
    ClosedError.
    """

    def __new__(
        cls,
        filename: _Path,
        play_audio: bool = True,
        play_video: bool = True,
        audio_device_id: _Device = 0,
        *,
        loop: bool = False,
        rate: float = 1.0,
        timeout: float = 10.0,
        deinterlace: bool = True,
        decoder: str | None = None,
        options: dict[str, str] | None = None,
    ) -> Self: ...
    def add_target(self, target: VideoTarget | Viewer) -> None:
        """Gives every frame to ``target`` from now on, the one it shows at once. The target does not keep the
        player. Raises FormatError for what is no target.
        """
    def remove_target(self, target: VideoTarget | Viewer) -> None:
        """Gives ``target`` no more frames. Nothing if it was given none."""
    def video_size(self) -> tuple[int, int]:
        """(width, height) in pixels, as displayed; (0, 0) without pictures."""
    def is_playing(self) -> bool:
        """Whether it plays: started, not stopped and not at the end."""
    def is_eof_reached(self) -> bool:
        """Whether it has played to the end."""
    def get_duration(self) -> int:
        """The length in microseconds; 0 if unknown."""
    def get_position(self) -> int:
        """The place it stands at, in microseconds."""
    def set_position(self, position: int) -> None:
        """Goes to a place in microseconds, playing or not. Returns at once; the frame follows when it is decoded.
        A live input stays where it is.
        """
    def start(self) -> None:
        """Plays on from where it stands, or from the beginning if it had reached the end."""
    def stop(self) -> None:
        """Stands still where it is: the last frame stays, and it is silent."""
    def set_audio_device(self, id: _Device) -> None:
        """Lets it be heard elsewhere from now on: see ``audio_device_id``. A lost device is an event of kind
        "target_state" of the player, and comes back by itself. Raises DeviceNotFoundError and DeviceError."""
    @property
    def audio_device(self) -> AudioDevice | None:
        """The speaker it is heard on, once it is."""
    @property
    def volume(self) -> float:
        """What its sound is multiplied by: 1 is unchanged; ``gain`` in another unit. Set within a ramp."""
    @volume.setter
    def volume(self, value: float) -> None: ...
    @property
    def muted(self) -> bool:
        """The same as ``mute``."""
    @muted.setter
    def muted(self, value: bool) -> None: ...
    @property
    def loop(self) -> bool:
        """Whether it begins again at the end."""
    @loop.setter
    def loop(self, value: bool) -> None: ...
    @property
    def rate(self) -> float:
        """Seconds of the media in a second, 1/64 to 64. Raises ParameterError for others."""
    @rate.setter
    def rate(self, value: float) -> None: ...
    @property
    def gain(self) -> float:
        """How much louder it is than the media, in dB."""
    @gain.setter
    def gain(self, value: float) -> None: ...
    @property
    def mute(self) -> bool:
        """Whether its sound, which goes on, is silenced."""
    @mute.setter
    def mute(self, value: bool) -> None: ...
    @property
    def state(self) -> str:
        """Where it stands: "starting", "live" (also while it stands still), "stalled", "ended", "failed" or
        "closed".
        """
    @property
    def error(self) -> LiveKitError | None:
        """Why it has failed."""
    def statistics(self) -> PlayerStatistics:
        """The counts so far."""
    def wait(self, timeout: float | None = None) -> bool:
        """Waits until it has played to the end, at most ``timeout`` seconds; False if it has not, and where the
        program ends meanwhile. Raises the error it failed with. One that loops, or that nobody starts, never ends.
        """
    def on(self, kind: _EventKind, function: Callable[[Event], object]) -> Callable[[], None]:
        """Calls ``function`` with every event of ``kind`` ("*": all kinds), on LiveKit's service thread. What is
        returned ends that when called.
        """
    def events(self) -> _EventStream:
        """An iterator, also for ``async for``, over the events from now on."""
    def close(self) -> None:
        """Ends its threads and closes the file; its last frame stays with those who show it."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *_args: object) -> None: ...

@final
class _FileFrames:
    """The frames of a file, one after the other: what :meth:`LazyPlayer.frames` gives."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Frame: ...

@final
class MediaInfo:
    """What a media file holds. Raises as :class:`LazyPlayer` does."""

    def __new__(cls, filename: _Path, *, timeout: float = 10.0) -> Self: ...
    def duration(self) -> int:
        """The length in microseconds; 0 if unknown."""
    def has_video(self) -> bool:
        """Whether there are pictures in it."""
    def video_size(self) -> tuple[int, int]:
        """(width, height) in pixels as displayed; (0, 0) without video."""
    def video_fps(self) -> float:
        """Frames a second; 0.0 without video."""
    def video_bitrate(self) -> int:
        """Bits a second; 0 if unknown."""
    def has_audio(self) -> bool:
        """Whether there is sound in it."""
    def audio_sample_rate(self) -> int:
        """Samples a second; 0 without sound."""
    def audio_number_of_channels(self) -> int:
        """2 for stereo; 0 without sound."""
    def audio_bitrate(self) -> int:
        """Bits a second; 0 if unknown."""
    def to_dict(self) -> dict[str, Any]:
        """Everything known about the file, as ``livekit-studio probe --json` prints it."""

@final
class IPCTarget(VideoTarget):
    """Shares pictures with other processes of this user, under a name; :class:`IPCSource` reads them.

    Add it to a :class:`Compositor`, a :class:`Player` or whatever has ``add_target``, or push arrays. A scene of the
    same size renders straight into the shared memory, and readers look at that memory: nothing is copied. Nobody
    waits for a reader; those that are slow miss pictures. The name is free again once this is closed, dropped, or its
    process has ended in whatever way.

    Args:
        mapping_name: up to 64 bytes, without slashes.
        width, height: of what is shared, in pixels; yuv420p and nv12 need even sides.
        has_alpha: BGRA instead of BGR.
        format: "bgr24", "bgra", "yuv420p" or "nv12" instead.
        fit: how pictures of another size are scaled: "stretch", "contain" or "cover". Without it they are centred, and
            cut off or surrounded by black (transparent in BGRA).

    Raises BusyError if the name has a writer, ParameterError for names that cannot be, FormatError for sizes and
    formats that cannot be, OutputError where the system refuses: no permission, a folder of somebody else, no
    descriptors. Once closed, :meth:`push` raises ClosedError.
    """

    def __new__(
        cls,
        mapping_name: str,
        width: int,
        height: int,
        has_alpha: bool = False,
        *,
        format: _PixelFormat | None = None,
        fit: Literal["stretch", "contain", "cover"] | None = None,
    ) -> Self: ...
    def push(self, array: _Pixels, is_flipped: bool = False, *, format: _PixelFormat | None = None) -> None:
        """Shares an array, copied once. Without ``format`` it is BGR (height, width, 3) or BGRA (height, width, 4),
        or, two-dimensional, in the target's own format (height * 3 / 2, width).

        ``is_flipped``: the first row of the array is the bottom one (packed formats only). Raises FormatError for a
        wrong shape or dtype.
        """
    def size(self) -> tuple[int, int]:
        """(width, height) of what is shared, in pixels."""
    def set_size(self, width: int, height: int) -> None:
        """Shares pictures of another size from now on; readers follow. Raises FormatError for impossible sizes."""
    @property
    def format(self) -> _PixelFormat:
        """The format of what is shared."""
    @property
    def readers(self) -> int:
        """Readers now, 64 at most."""
    def statistics(self) -> IPCTargetStatistics:
        """The counts so far."""
    def close(self) -> None:
        """Gives the name back; readers keep the last picture."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *_args: object) -> None: ...

@final
class IPCSource(VideoSource):
    """The pictures that another process shares as ``mapping_name``: see :class:`IPCTarget`.

    Nobody needs to write there yet: the first writer is followed as soon as it comes, and so is every later one of
    that name, and every change of size. When the writer has died the last picture stays and ``state`` is
    "reconnecting"; a layer's ``fallback`` is shown instead. While a writer lives but makes no pictures for a second
    where it did before, the state is "stalled". Changes are events of kind "source_state". Live only.

    Frames are views of the shared memory: ``frame.array`` copies nothing, is read-only, and keeps its picture as long
    as it lives, also beyond the writer. A program that holds more than a few gets copies.

    ``lk.open("ipc:NAME")`` is the same, and "ipc:NAME" stands for it wherever a source is taken. Raises ParameterError
    for names that cannot be, StreamError for what belongs to another user or is no writer, and where the system
    refuses.
    """

    def __new__(cls, mapping_name: str) -> Self: ...
    def size(self) -> tuple[int, int]:
        """(width, height) of the newest picture, or of those to come; (0, 0) while there is no writer."""
    def frame(
        self, *, timeout: float | None = 10.0, at: float = 0.0, format: _PixelFormat | None = None
    ) -> Frame:
        """The newest picture that is due. Waits for the first one, ``timeout`` seconds at most, then raises
        DeadlineError. Raises ClosedError once closed.
        """
    def frames(self, *, timeout: float | None = None) -> _IPCFrames:
        """An iterator over the pictures from the newest on, each once. It ends when the source is closed, or when no
        picture has come for ``timeout`` seconds.
        """
    @property
    def state(self) -> str:
        """Where it stands: "starting", "live", "stalled", "reconnecting", "failed" or "closed"."""
    @property
    def error(self) -> LiveKitError | None:
        """Why it has failed."""
    def statistics(self) -> IPCSourceStatistics:
        """The counts so far."""
    def on(self, kind: _EventKind, function: Callable[[Event], object]) -> Callable[[], None]:
        """Calls ``function`` with every event of ``kind`` ("*": all kinds), on LiveKit's service thread. What is
        returned ends that when called.
        """
    def events(self) -> _EventStream:
        """An iterator, also for ``async for``, over the events from now on."""
    def close(self) -> None:
        """Leaves the writer; the last picture stays with those who show it."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *_args: object) -> None: ...

@final
class _IPCFrames:
    """The pictures of a source, one after the other: what :meth:`IPCSource.frames` gives."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Frame: ...

@final
class NullTarget(VideoTarget):
    """Takes frames in ``format``, counts them and lets them go: for measuring."""

    def __new__(cls, format: _PixelFormat = "yuv420p") -> Self: ...
    def push(self, array: _Pixels, is_flipped: bool = False) -> None:
        """Takes an array, BGR (height, width, 3) or BGRA (height, width, 4). Raises FormatError for others."""
    @property
    def frames(self) -> int:
        """Frames taken."""
    def latest(self) -> Frame | None:
        """The last frame taken; None before the first."""

@final
class Statistics:
    """What an offline run did, and where its time went. ``print`` it to read why a scene is slow."""

    @property
    def frames(self) -> int:
        """Frames made."""
    @property
    def samples(self) -> int:
        """Sound samples mixed, per channel, at 48 kHz."""
    @property
    def elapsed(self) -> float:
        """Seconds of real time."""
    @property
    def cpu(self) -> float:
        """Seconds of CPU time of the whole process."""
    @property
    def compositing(self) -> float:
        """Seconds of CPU time of compositing, by the clocks of the threads that do it: the tick and all render
        threads. Decoding is not in it."""
    @property
    def sampling(self) -> float:
        """Seconds spent waiting for the pictures of sources, decoding included."""
    @property
    def rendering(self) -> float:
        """Seconds spent rendering."""
    @property
    def delivering(self) -> float:
        """Seconds spent handing frames and sound to targets and waiting for those that are busy."""
    @property
    def mixing(self) -> float:
        """Seconds spent reading sounds and mixing them."""
    @property
    def render(self) -> RenderStatistics:
        """What the renderer did, and what it could leave out."""
    def to_dict(self) -> dict[str, Any]:
        """All of them by name."""

@final
class RenderStatistics:
    """What a renderer did since its run began, and how much of it could be left out."""

    @property
    def frames(self) -> int:
        """Frames asked for."""
    @property
    def repeated(self) -> int:
        """Of these, handed out again as they were because nothing had changed."""
    @property
    def reclaimed(self) -> int:
        """Frames drawn over older ones, so that only the difference had to be drawn."""
    @property
    def written(self) -> int:
        """Frames written: one for each format wanted, however many targets want it."""
    @property
    def damaged(self) -> float:
        """The share of all canvases that had to be drawn, from 0 to 1."""
    @property
    def layers(self) -> int:
        """Layers that had something to show, of all frames that were not repeated; counted for RGB and for Y'CbCr if
        both are wanted."""
    @property
    def culled(self) -> int:
        """Of these, left out: hidden by an opaque layer above, clear, or outside the canvas."""
    @property
    def cache_hits(self) -> int:
        """Of these, shown from a picture that was kept scaled and converted."""
    @property
    def cache_bytes(self) -> int:
        """Bytes of such pictures that are kept now."""
    def to_dict(self) -> dict[str, float]:
        """All of them by name."""

@final
class AudioPort:
    """A target and a source of sound in one: what is pushed in is heard wherever the port is added. 48 kHz.

    ``AudioPort(-1)`` is the in-process channel of that number: the same sound for everybody who asks for it, as
    long as anybody holds it. Without ``id`` the port is a new one. It keeps the last two seconds at their times on
    the live clock; what nobody wrote is silence. Pushed sound has no exact times: an offline render refuses it
    (LiveSourceError). Raises ParameterError for numbers from 0 on, which are devices.
    """

    def __new__(cls, id: int | None = None) -> Self: ...
    def push(
        self, array: npt.NDArray[np.float32 | np.float64 | np.int16] | memoryview, *, wait: bool = False
    ) -> int:
        """Copies samples in, after those pushed before, or at the present when those are over; how many were
        taken.

        The array is float32 (or float64) from -1 to 1 or int16, of shape (n, 2), left and right, or (n,) for
        both alike. A port takes at most a second and a half in advance: with ``wait=True`` the call waits until
        all samples are in, without it the rest is left out. Raises FormatError for another shape or dtype.
        """
    @property
    def room(self) -> int:
        """How many samples :meth:`push` would take now."""
    def pull(self, n: int = 480, *, at: float | None = None) -> _Samples:
        """The newest ``n`` samples that are due, or those from ``at`` seconds of the live clock
        (``time.monotonic()``) on; a new float32 array of shape (n, 2). At most two seconds, else ParameterError.
        """
    def samples(self, block: int = 480) -> _AudioBlocks:
        """An endless iterator over the sound from now on, each sample once, in float32 arrays of shape (block,
        2). It waits until a block is over and written; what is 0.2 s late is silence."""
    def peak(self, seconds: float = 0.1) -> tuple[float, float]:
        """The highest sample of the last ``seconds``, left and right, in dB of full scale; silence is
        negative infinity."""
    def rms(self, seconds: float = 0.1) -> tuple[float, float]:
        """The root mean square of the last ``seconds``, left and right, in dB of full scale (a full sine is
        -3)."""
    @property
    def name(self) -> str:
        """What messages call it."""

def microphones() -> list[AudioDevice]:
    """What can be heard: microphones, then the monitors of speakers ("what is heard"); the default comes first.
    Empty where there is neither a sound server nor a sound card; ``livekit-studio devices`` says why."""

def speakers() -> list[AudioDevice]:
    """What can be played on, the default first. Empty as above."""

@final
class AudioInputDeviceList:
    """The names of what can be heard, as they are when the list is made; the default comes first. Empty without devices."""

    def __new__(cls) -> Self: ...
    def size(self) -> int:
        """How many there are."""
    def get(self, i: int) -> str:
        """The name of one. SlotError if there is none of that number."""
    def to_pylist(self) -> list[str]:
        """All names."""
    @property
    def id_default(self) -> int:
        """The number of the default one; -1 if there is none."""
    def __len__(self) -> int: ...

@final
class AudioOutputDeviceList:
    """The names of what can be played on, as they are when the list is made; the default comes first. Empty without devices."""

    def __new__(cls) -> Self: ...
    def size(self) -> int:
        """How many there are."""
    def get(self, i: int) -> str:
        """The name of one. SlotError if there is none of that number."""
    def to_pylist(self) -> list[str]:
        """All names."""
    @property
    def id_default(self) -> int:
        """The number of the default one; -1 if there is none."""
    def __len__(self) -> int: ...

@final
class AudioDeviceWatch:
    """Tells of sound devices that come and go: events of kind "device_state" whose ``source`` is the device's name,
    from "" to "present" or "default", between those, and to "gone". A sound server that is not there yet, or goes,
    is waited for."""

    def __new__(cls) -> Self: ...
    def on(self, kind: _EventKind, function: Callable[[Event], object]) -> Callable[[], None]:
        """Calls ``function`` with every event of ``kind`` ("*": all) from now on, on a thread of its own; what is
        returned ends that."""
    def events(self) -> _EventStream:
        """Everything that happens from now on, for ``for`` and ``async for``."""
    def close(self) -> None:
        """Ends it."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *args: object) -> None: ...

@final
class Microphone:
    """What a device hears, as a source of sound for mixers and recorders.

    Its sound lies at the time at which it was heard, at most 30 ms back, and follows the device's clock by
    resampling. A lost device is silence and an event of kind "source_state", and comes back by itself.

    Args:
        device: a number or name (or a unique part of one) of :func:`microphones`, or one of these; None or
            "default" is the user's choice, followed when it changes. The monitor of a speaker hears what it plays.

    Raises DeviceNotFoundError, which lists and suggests, DeviceBusyError, and DeviceError without sound server and card.
    """

    def __new__(cls, device: _Device | None = None) -> Self: ...
    @property
    def device(self) -> AudioDevice:
        """The device it was opened on."""
    @property
    def name(self) -> str:
        """What people call it."""
    @property
    def state(self) -> str:
        """The state in a word: "live", "reconnecting" while a device is lost, or "closed"."""
    def statistics(self) -> DeviceStatistics:
        """Counts so far."""
    def on(self, kind: _EventKind, function: Callable[[Event], object]) -> Callable[[], None]:
        """Calls ``function`` with every event of ``kind`` ("*": all) from now on, on a thread of its own; what is
        returned ends that."""
    def events(self) -> _EventStream:
        """Everything that happens from now on, for ``for`` and ``async for``."""
    def close(self) -> None:
        """Lets the device go. Calling it again does nothing."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *args: object) -> None: ...

@final
class Speaker:
    """A device that plays: a target of mixes (``scene.audio.play_to(speaker)``), or, with ``source``, of any sound.

    It plays at a constant time after the sound's own (:attr:`latency`), following the device's clock by resampling;
    a Player is heard exactly at its time. A lost device is an event of kind "target_state" and comes back by itself;
    what belongs to the time between is not played later.

    Args:
        device: a number or name (or a unique part of one) of :func:`speakers`, or one of these; None or "default"
            is the user's choice, followed when it changes.
        source: what is played: anything a mixer takes. None: the mix that is played to it, one at a time.
        volume: what the sound is multiplied by, 0 to 16.
        muted: whether it is silent.

    Raises DeviceNotFoundError, which lists and suggests, DeviceBusyError, and DeviceError without sound server and card.
    """

    def __new__(
        cls,
        device: _Device | None = None,
        *,
        source: _Sound | None = None,
        volume: float = 1.0,
        muted: bool = False,
    ) -> Self: ...
    @property
    def device(self) -> AudioDevice:
        """The device it was opened on."""
    @property
    def volume(self) -> float:
        """What its sound is multiplied by, 0 to 16; changed within a ramp of 10 ms."""
    @volume.setter
    def volume(self, value: float) -> None: ...
    @property
    def muted(self) -> bool:
        """Whether it is silenced."""
    @muted.setter
    def muted(self, value: bool) -> None: ...
    @property
    def latency(self) -> float:
        """Seconds from a sound's own time until it is heard, as far as the device tells."""
    @property
    def name(self) -> str:
        """What people call it."""
    @property
    def state(self) -> str:
        """The state in a word: "live", "reconnecting" while a device is lost, or "closed"."""
    def statistics(self) -> DeviceStatistics:
        """Counts so far."""
    def on(self, kind: _EventKind, function: Callable[[Event], object]) -> Callable[[], None]:
        """Calls ``function`` with every event of ``kind`` ("*": all) from now on, on a thread of its own; what is
        returned ends that."""
    def events(self) -> _EventStream:
        """Everything that happens from now on, for ``for`` and ``async for``."""
    def close(self) -> None:
        """Lets the device go. Calling it again does nothing."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *args: object) -> None: ...

@final
class AudioRepeater:
    """Plays what one device hears on another one, until it is closed or goes; either may be lost and come back.

    Args:
        audio_device_id_in: a number or name of :func:`microphones`, or the negative number of a channel.
        audio_device_id_out: a number or name of :func:`speakers`, or the negative number of a channel.

    From device to device it comes as close as goes well: a few milliseconds more than the devices need. Raises what
    :class:`Microphone` and :class:`Speaker` raise, and ParameterError for a channel to itself.
    """

    def __new__(cls, audio_device_id_in: _Device, audio_device_id_out: _Device) -> Self: ...
    @property
    def latency(self) -> float:
        """Seconds from hearing to playing, as far as the devices tell; 0 into a channel."""
    @property
    def name(self) -> str:
        """What people call it."""
    @property
    def state(self) -> str:
        """The state in a word: "live", "reconnecting" while a device is lost, or "closed"."""
    def statistics(self) -> DeviceStatistics:
        """Counts so far."""
    def on(self, kind: _EventKind, function: Callable[[Event], object]) -> Callable[[], None]:
        """Calls ``function`` with every event of ``kind`` ("*": all) from now on, on a thread of its own; what is
        returned ends that."""
    def events(self) -> _EventStream:
        """Everything that happens from now on, for ``for`` and ``async for``."""
    def close(self) -> None:
        """Lets the device go. Calling it again does nothing."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *args: object) -> None: ...

@final
class VirtualCamera(VideoTarget):
    """A camera that other programs can choose, and that shows what it is given.

    Add it to a :class:`Compositor`, a :class:`Player` or whatever has ``add_target``, or :meth:`send` arrays. One picture
    goes out in each period of its rate: a new one as soon as it comes, of several the newest, and the last one again
    when none has come; black before the first. Pictures of any size and format are converted once. A way out that is
    lost (PipeWire is restarted, say) is looked for until it is back. The camera is gone once this is closed or dropped,
    or its process has ended in whatever way.

    Args:
        width, height: of its pictures, in pixels; even.
        fps: its pictures a second: a number, "30000/1001", or (30000, 1001).
        format: of the arrays that are sent. What is Y'CbCr goes out as it is, where the device takes it.
        name: what people choose it by; a device of v4l2loopback's has its name already.
        device: "v4l2loopback", "pipewire", a file "/dev/video10", or (a part of) the name of a v4l2loopback device.
            Without it, the first v4l2loopback device that is free, or PipeWire if there is none.

    Raises DeviceError if there is no way out on this machine (the message has the commands) or no permission,
    DeviceNotFoundError if there is no such device or it is no output, DeviceBusyError if another program writes to it,
    FormatError for sizes that cannot be. Once closed, :meth:`send` raises ClosedError.
    """

    def __new__(
        cls,
        width: int,
        height: int,
        fps: _Rate,
        *,
        format: _PixelFormat = "rgb24",
        name: str = "LiveKit",
        device: str | None = None,
    ) -> Self: ...
    def send(self, array: _Pixels) -> None:
        """Shows an array of the camera's size in ``format``; uint8, copied.

        (height, width, 3 or 4); yuyv422: (height, width, 2); yuv420p and nv12: (height * 3 / 2, width). Never waits.
        Raises FormatError for another shape or dtype.
        """
    def push(self, array: _Pixels, is_flipped: bool = False) -> None:
        """Shows a BGR (height, width, 3) or BGRA (height, width, 4) array of any size, as every target does."""
    def sleep_until_next_frame(self) -> None:
        """Waits until the next array is to be sent; ``fps`` is kept on average, however long making them takes."""
    @property
    def width(self) -> int:
        """Columns."""
    @property
    def height(self) -> int:
        """Rows."""
    @property
    def fps(self) -> float:
        """Its pictures a second."""
    @property
    def format(self) -> _PixelFormat:
        """Of the arrays that are sent."""
    @property
    def native_format(self) -> _PixelFormat:
        """Of the pictures that go out. On PipeWire who looks chooses."""
    @property
    def device(self) -> str:
        """What other programs find it by: "/dev/video10", or its name."""
    @property
    def backend(self) -> Literal["v4l2loopback", "pipewire"]:
        """Where it is."""
    @property
    def frames_sent(self) -> int:
        """Arrays sent."""
    @property
    def current_fps(self) -> float:
        """Arrays sent a second at present; ``fps`` before there are two."""
    @property
    def state(self) -> Literal["starting", "live", "reconnecting", "ended"]:
        """``"starting"`` until the first picture, ``"reconnecting"`` while its way out is lost."""
    def statistics(self) -> VirtualCameraStatistics:
        """The counts so far."""
    def close(self) -> None:
        """Takes the camera away."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *_args: object) -> None: ...

@final
class VirtualMicrophone:
    """A microphone that any program can choose, fed from here: a target of mixes, or, with ``source``, of any sound.

    It needs PipeWire or PulseAudio and nothing to be installed, and is gone with the object; what killed programs
    left behind is taken away when another one is made. A sound server that comes back gets it again.

    Args:
        name: what programs list it as.
        source: what it hears; see :class:`Speaker`.
        volume: what the sound is multiplied by, 0 to 16.
        muted: whether it is silent.

    Raises DeviceBusyError if a device has that name, ParameterError for no name, DeviceError without a sound server.
    """

    def __new__(
        cls,
        name: str = "LiveKit",
        *,
        source: _Sound | None = None,
        volume: float = 1.0,
        muted: bool = False,
    ) -> Self: ...
    @property
    def volume(self) -> float:
        """What its sound is multiplied by, 0 to 16; changed within a ramp of 10 ms."""
    @volume.setter
    def volume(self, value: float) -> None: ...
    @property
    def muted(self) -> bool:
        """Whether it is silenced."""
    @muted.setter
    def muted(self, value: bool) -> None: ...
    @property
    def latency(self) -> float:
        """Seconds from a sound's own time until it is heard, as far as the device tells."""
    @property
    def name(self) -> str:
        """What people call it."""
    @property
    def state(self) -> str:
        """The state in a word: "live", "reconnecting" while a device is lost, or "closed"."""
    def statistics(self) -> DeviceStatistics:
        """Counts so far."""
    def on(self, kind: _EventKind, function: Callable[[Event], object]) -> Callable[[], None]:
        """Calls ``function`` with every event of ``kind`` ("*": all) from now on, on a thread of its own; what is
        returned ends that."""
    def events(self) -> _EventStream:
        """Everything that happens from now on, for ``for`` and ``async for``."""
    def close(self) -> None:
        """Lets the device go. Calling it again does nothing."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *args: object) -> None: ...

@final
class VirtualSpeaker:
    """A speaker that any program can choose, and whose sound is a source here, like a :class:`Microphone`.

    It is gone with the object; see :class:`VirtualMicrophone`, also for what it raises.
    """

    def __new__(cls, name: str = "LiveKit") -> Self: ...
    @property
    def name(self) -> str:
        """What people call it."""
    @property
    def state(self) -> str:
        """The state in a word: "live", "reconnecting" while a device is lost, or "closed"."""
    def statistics(self) -> DeviceStatistics:
        """Counts so far."""
    def on(self, kind: _EventKind, function: Callable[[Event], object]) -> Callable[[], None]:
        """Calls ``function`` with every event of ``kind`` ("*": all) from now on, on a thread of its own; what is
        returned ends that."""
    def events(self) -> _EventStream:
        """Everything that happens from now on, for ``for`` and ``async for``."""
    def close(self) -> None:
        """Lets the device go. Calling it again does nothing."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *args: object) -> None: ...

@final
class _AudioBlocks:
    """The sound of a port, block by block: what :meth:`AudioPort.samples` gives."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> _Samples: ...
    @property
    def lost(self) -> int:
        """Samples left out because they were read more than two seconds late."""
    def close(self) -> None:
        """Ends the iteration, also one that waits in another thread."""

@final
class _EventStream:
    """What happens to an object, one event after the other: what ``events()`` gives, for ``for`` and ``async
    for``. Ends when the object is closed or gone. At most 1024 events wait to be read; then the oldest are lost.
    """

    def __iter__(self) -> Self: ...
    def __next__(self) -> Event: ...
    def __aiter__(self) -> AsyncEvents: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *args: object) -> None: ...
    def close(self) -> None:
        """Ends the iteration, also one that waits elsewhere."""
    def _take(self) -> Event | None: ...
    def _on_ready(self, function: Callable[[], object]) -> None: ...

@final
class _Subscription:
    """A function that hears of events; ``on()`` gives its :meth:`off`."""

    def off(self) -> None:
        """Ends it. Calling it again does nothing."""

@final
class _FunctionWorker:
    """What the thread of a :class:`FunctionSource` asks and answers."""

    @property
    def function(self) -> Callable[[float], Any]: ...
    def next(self) -> tuple[int, float] | None: ...
    def made(self, at: int, value: Any) -> None: ...
    def failed(self, at: int, error: BaseException) -> None: ...
    def ended(self) -> None: ...

@final
class _TargetQueue:
    """How a :class:`VideoTarget` of the user's finds its queue."""

@final
class _TargetWorker:
    """What the thread of a :class:`VideoTarget` asks and answers."""

    @property
    def push(self) -> Callable[[_Array, bool], object]: ...
    def next(self) -> _Array | None: ...
    def pushed(self) -> None: ...
    def failed(self, error: BaseException) -> None: ...
    def ended(self) -> None: ...

@final
class MixerInput:
    """One sound in the mixer. Properties are live: writing one takes effect at the next commit, without a click.

    Values out of range raise ParameterError; once the sound is removed everything but ``name`` raises
    SlotError. Levels are measured behind gain, mute and pan.
    """

    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    @property
    def name(self) -> str:
        """What messages call it."""
    @property
    def gain(self) -> float:
        """In dB: 0 is unchanged, negative infinity is silence; at most 60."""
    @gain.setter
    def gain(self, value: float) -> None: ...
    @property
    def mute(self) -> bool:
        """Whether it is silent."""
    @mute.setter
    def mute(self, value: bool) -> None: ...
    @property
    def pan(self) -> float:
        """Balance, from -1 (the left side alone) over 0 to 1 (the right side alone): the side it moves away from is
        multiplied by cos(abs(pan) * 90 degrees), -3 dB half way; the other stays as it is."""
    @pan.setter
    def pan(self, value: float) -> None: ...
    @property
    def mono(self) -> bool:
        """Whether both sides are the mean of the two, before ``pan``."""
    @mono.setter
    def mono(self, value: bool) -> None: ...
    @property
    def sync_offset(self) -> float:
        """Seconds by which it is heard later (negative: earlier), rounded to the sample; within an hour.

        Offline anything is possible. Live, a file is read ahead as far as it takes; sound that comes in live can be
        delayed by up to 1.9 s, and advanced by the 60 ms that live sound is mixed behind, less its own delay.
        """
    @sync_offset.setter
    def sync_offset(self, value: float) -> None: ...
    @property
    def mixes(self) -> tuple[str, ...]:
        """The names of the mixes it goes to: at first "main". A name, a :class:`Mix` or several can be written;
        unknown ones raise ParameterError."""
    @mixes.setter
    def mixes(self, value: str | Mix | Iterable[str | Mix]) -> None: ...
    @property
    def monitor(self) -> _Monitor:
        """Whether it goes to :attr:`Mixer.monitor`: "off", "on", or "only", which is to no other mix."""
    @monitor.setter
    def monitor(self, value: _Monitor) -> None: ...
    @property
    def solo(self) -> bool:
        """Whether the monitor has it alone, together with others of which this is said. What the audience hears
        stays as it is."""
    @solo.setter
    def solo(self, value: bool) -> None: ...
    @property
    def peak(self) -> tuple[float, float]:
        """The highest sample of the last 300 ms of a live run, left and right, in dB of full scale; silence
        is negative infinity."""
    @property
    def rms(self) -> tuple[float, float]:
        """The root mean square of the last 300 ms, left and right, in dB of full scale (a full sine is -3)."""
    @property
    def hold(self) -> tuple[float, float]:
        """The highest peak, left and right, in dB of full scale. One that is not reached again for 2 s gives way to
        the present one."""
    @property
    def clips(self) -> int:
        """Samples beyond full scale since the run began or :meth:`Mixer.reset_meters`, both sides together."""
    def remove(self) -> None:
        """Takes it out of the mixer; it fades within 10 ms."""

@disjoint_base
class Mix:
    """One of the mixes of a scene: a sum of inputs with a gain, a limiter and meters of its own.

    It is a source of sound: it can be a track of a :class:`Recorder`, an input of another scene, and be read through
    its :attr:`port`. Once it is removed its properties raise SlotError. Levels are measured behind the limiter.
    """

    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    @property
    def name(self) -> str:
        """Its name, unique in the scene."""
    @name.setter
    def name(self, value: str) -> None: ...
    @property
    def gain(self) -> float:
        """Of the sum, in dB; at most 60."""
    @gain.setter
    def gain(self, value: float) -> None: ...
    @property
    def mute(self) -> bool:
        """Whether it is silent."""
    @mute.setter
    def mute(self, value: bool) -> None: ...
    @property
    def limiter(self) -> bool:
        """Whether no sample goes beyond ``ceiling``; off at first. What stays below passes bit by bit.

        It looks 5 ms ahead: sound keeps its place, and edits take effect 5 ms later.
        """
    @limiter.setter
    def limiter(self, value: bool) -> None: ...
    @property
    def ceiling(self) -> float:
        """The highest sample that the limiter lets through, in dB of full scale: -60 to 0, at first -1."""
    @ceiling.setter
    def ceiling(self, value: float) -> None: ...
    @property
    def peak(self) -> tuple[float, float]:
        """The highest sample of the last 300 ms of a live run, left and right, in dB of full scale; silence
        is negative infinity."""
    @property
    def rms(self) -> tuple[float, float]:
        """The root mean square of the last 300 ms, left and right, in dB of full scale (a full sine is -3)."""
    @property
    def hold(self) -> tuple[float, float]:
        """The highest peak, left and right, in dB of full scale. One that is not reached again for 2 s gives way to
        the present one."""
    @property
    def clips(self) -> int:
        """Samples beyond full scale since the run began or :meth:`Mixer.reset_meters`, both sides together."""
    @property
    def port(self) -> AudioPort:
        """What live runs mix, to be read."""
    def play_to(self, target: _SoundTarget) -> MixPlayback:
        """Plays what live runs mix to ``target``, until :meth:`MixPlayback.stop`: an :class:`AudioPort` or the
        negative number of one, a :class:`Speaker`, a :class:`VirtualMicrophone`, or the number or name of a speaker. A target that fails is told as an event ("target_state"); one that is slow loses
        sound by itself. Neither disturbs anybody else.
        """
    def remove(self) -> None:
        """Takes it out of the scene; inputs that went to it do not any more. The main mix and the monitor stay:
        ParameterError."""

@final
class MixPlayback:
    """A mix that is played to a target: what :meth:`Mix.play_to` gives. It goes on when this object is dropped."""

    @property
    def name(self) -> str:
        """What messages call the target."""
    @property
    def is_playing(self) -> bool:
        """Whether it was neither stopped nor has failed, and its mix is still there."""
    @property
    def played(self) -> int:
        """Samples that the target was given."""
    @property
    def dropped(self) -> int:
        """Samples lost: more than 200 ms were waiting for the target."""
    @property
    def error(self) -> LiveKitError | None:
        """What it failed with."""
    def stop(self) -> None:
        """Ends it. Calling it again does nothing."""

@disjoint_base
class Mixer(Mix):
    """The sounds of a scene, its mixes, and itself the main one: 48 kHz float stereo, summed in the order the sounds
    were added. Whatever is changed, added or removed does so by a ramp of 10 ms.

    ::

        voice = scene.audio.add_mix("voice")
        mic = scene.audio.add(port, gain=3, mixes=("main", "voice"))
        scene.audio.limiter = True
        recorder = lk.Recorder("show.mkv", source=scene, audio=["source", voice])
    """

    def add(
        self,
        source: _Sound,
        *,
        gain: float = 0.0,
        mute: bool = False,
        sync_offset: float = 0.0,
        pan: float = 0.0,
        mono: bool = False,
        mixes: str | Mix | Iterable[str | Mix] | None = None,
        monitor: _Monitor = "off",
        solo: bool = False,
        loop: bool = False,
        timeout: float = 10.0,
    ) -> MixerInput:
        """Adds the sound of a file or URL, heard from the beginning of the run, an :class:`AudioPort` or the
        negative number of one, a :class:`Mix` of another scene, an :class:`AudioMixer`, another scene's main mix, a
        source that brings sound, or an array of samples at 48 kHz, heard from the beginning of the run: shapes and
        dtypes are those of :meth:`AudioPort.push`; it is copied.

        ``gain`` is in dB, ``sync_offset`` and ``timeout`` are in seconds; the others are those of
        :class:`MixerInput`. Without ``mixes`` it goes to the main one. Raises as :class:`LazyPlayer` does, and
        MediaError if there is no sound in it.
        """
    @property
    def inputs(self) -> list[MixerInput]:
        """All sounds, in the order they were added."""
    def add_mix(
        self,
        name: str,
        *,
        gain: float = 0.0,
        mute: bool = False,
        limiter: bool = False,
        ceiling: float = -1.0,
    ) -> Mix:
        """Adds a mix, to which nothing goes yet. Raises ParameterError for a name that is taken, and from the 33rd
        on."""
    @property
    def mixes(self) -> list[Mix]:
        """The main mix and those that were added; the monitor is none of them."""
    def mix(self, name: str) -> Mix:
        """The mix of that name. Raises ParameterError, which lists what there is."""
    @property
    def monitor(self) -> Mix:
        """What is heard by the one who works with the scene: see :attr:`MixerInput.monitor`. It has to be played
        somewhere: ``scene.audio.monitor.play_to(...)``."""
    def reset_meters(self) -> None:
        """Lets all meters, held peaks and counts of clips begin again."""

@final
class Recorder:
    """Records pictures and sound into a file while they happen.

    ::

        with lk.Recorder("show.mp4", source=scene):          # the scene's pictures, and its sound
            scene.run(seconds=60)

        recorder = lk.Recorder("show.mp4", True, 1280, 720)  # as in 2020
        recorder.set_source(port)
        recorder.start()

    Making it opens the file and the encoders; :meth:`start` begins, and starts a scene that is not running. One tick
    of a scene is one frame of the file. Other sources are read on a grid of the recorder's own, and stretched to its
    size. A frame that is missing or came too late repeats the one before, and is counted; sound never moves against
    the pictures.

    What is recorded is in the file within a second: a program that is killed loses no more (``at_risk_seconds``),
    and with ``durable`` a power failure does not lose more than two. However it ends, by :meth:`stop`, by leaving
    ``with``, because the object goes or because the program ends, the file becomes an ordinary one. If nothing was
    recorded there is no file. In a forked child it does nothing.

    Events are of kind "recorder_state"; a full disk is one of them ("failed"), and what was written plays.

    Args:
        filename: the file, or an address.
        mp4: the form of 2020: True is MP4, False FLV, H.264 and AAC in both, odd sizes one less. None: the
            container is what the name ends in, or ``format``.
        video_width: width of the pictures in pixels; None: that of ``source``.
        video_height: height of the pictures in pixels; None: that of ``source``. A source whose size is not known
            before its first picture is waited for, at most 5 seconds (DeadlineError).
        record_audio: records what is heard at ``audio_device_id``: the number or name of a microphone (see
            :func:`microphones`), or the negative number of an in-process channel. 0 is the default one.
        audio_device_id: see ``record_audio``.
        source: what is recorded: a scene, any other source, or a name to open. None: see :meth:`set_source`;
            without a size and with ``audio``, sound alone is recorded.
        audio: what is heard: "source" is the main mix of a scene, or a source's own sound if it has any; None is
            nothing. "default", "microphone:NAME", a Microphone, a :class:`Mix`, an AudioPort, the number of a
            device or channel, a Player or a file is a sound of its own. A list of these makes a track of each.
        fps: frames a second; None is the rate of the scene, 30 for other sources.
        video_codec: FFmpeg's name of a codec or encoder.
        quality: constant quality on x264's scale: 0 is the best, 51 the worst, 23 usual.
        bitrate: bits a second of the pictures, instead of a quality.
        audio_codec: FFmpeg's name of a codec or encoder.
        options: FFmpeg's, for the encoders and the container; a name that ends in ":v" or ":a" is for that encoder,
            and "strict" is for all.
        format: the container by FFmpeg's name.
        durable: brings what is written to the disk again and again.
        overwrite: whether an existing file is replaced; False makes it an OutputError.

    Raises EncoderError, OutputError, FormatError, ParameterError and what opening ``source`` raises.
    """

    def __new__(
        cls,
        filename: _Path,
        mp4: bool | None = None,
        video_width: int | None = None,
        video_height: int | None = None,
        record_audio: bool = False,
        audio_device_id: _Device = 0,
        *,
        source: Compositor | _Source | None = None,
        audio: _Track | Sequence[_Track] | bool | None = "source",
        fps: _Rate | None = None,
        video_codec: str | None = None,
        quality: float | None = None,
        bitrate: int | None = None,
        audio_codec: str | None = None,
        options: dict[str, Any] | None = None,
        format: str | None = None,
        durable: bool = False,
        overwrite: bool = True,
    ) -> Self: ...
    def set_source(self, source: Compositor | _Source | None) -> None:
        """Records ``source``. Once it has begun, a scene can be exchanged for another; for other sources that is a
        BusyError: record a VideoPort and exchange what it shows.
        """
    def start(self) -> None:
        """Records from now on, and after a pause again. Nothing if it records already. Raises ClosedError once it
        is stopped, and the error it failed with.
        """
    def pause(self) -> None:
        """Cuts here: what happens until :meth:`resume` is not in the file."""
    def resume(self) -> None:
        """Goes on after a pause."""
    def stop(self) -> RecordingReport:
        """Ends the recording after the newest frame, and waits until the file is whole. Further calls answer the
        same. Raises the error the recording failed with (DiskFullError); what was written plays all the same.
        Ctrl-C leaves at once, and the file is ended all the same.
        """
    def is_recording(self) -> bool:
        """Whether it records: started, not paused and not stopped."""
    @property
    def state(self) -> str:
        """Where it stands: "ready", "recording", "paused", "finalising", "stopped" or "failed"."""
    @property
    def error(self) -> LiveKitError | None:
        """The error it failed with."""
    @property
    def at_risk_seconds(self) -> float:
        """How much would be lost if the program ended this moment without being able to do anything."""
    @property
    def video_size(self) -> tuple[int, int] | None:
        """(width, height) of the file in pixels; None if it records sound alone."""
    @property
    def fps(self) -> float | None:
        """Frames a second of the file; None if it records sound alone."""
    def statistics(self) -> RecorderStatistics:
        """The counts so far."""
    def on(self, kind: _EventKind, function: Callable[[Event], object]) -> Callable[[], None]:
        """Calls ``function`` with every event of ``kind`` ("*": all kinds), on LiveKit's service thread. What is
        returned ends that when called.
        """
    def events(self) -> _EventStream:
        """An iterator, also for ``async for``, over the events from now on."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *args: object) -> None: ...

@final
class Copier:
    """Copies a file or a stream into another container without encoding, on a thread of its own.

    Pictures, sound, subtitles, attachments, chapters, tags and rotation are kept; times begin at 0 and rise.
    Creating it opens both sides and starts. However it ends, by :meth:`cancel`, a lost connection, or the end of
    the program, what was copied until then is finished as a file that plays. Dropping it cancels it: keep it,
    and :meth:`wait`. Leaving a ``with`` block waits for the end, or cancels when an exception leaves it.

    The container is what ``filename_out`` ends in, or ``format``. Codecs it cannot hold are an EncoderError that
    names the stream, or are left out with ``skip_unsupported=True``. ``options`` are FFmpeg's for the container,
    ``input_options`` those for opening the input; ``timeout`` in seconds holds for each reading. Raises
    MediaNotFoundError, MediaError, StreamError, DeadlineError for the input, OutputError, EncoderError for the
    output, ParameterError if both are one file.
    """

    def __new__(
        cls,
        filename_in: _Path,
        filename_out: _Path,
        *,
        format: str | None = None,
        options: dict[str, str] | None = None,
        input_options: dict[str, str] | None = None,
        overwrite: bool = True,
        skip_unsupported: bool = False,
        timeout: float = 10.0,
    ) -> Self: ...
    def is_copying(self) -> bool:
        """Whether it is still at it."""
    def progress(self) -> float:
        """How much of the input is copied, 0 to 1; nan for streams, whose length nobody knows."""
    def cancel(self) -> None:
        """Asks it to end now; the file is finished first. Does not wait."""
    def wait(self, timeout: float | None = None) -> bool:
        """Waits for its end, at most ``timeout`` seconds; False if it has not ended. Raises the error it ended
        with. A copy that was cancelled is no error.
        """
    @property
    def error(self) -> LiveKitError | None:
        """The error it ended with."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *args: object) -> None: ...

@final
class Layer:
    """One source shown in a compositor. Properties are live: reading gives what was written, writing takes
    effect at the next commit. They take what :meth:`Compositor.add` takes.

    Values out of range and unknown words raise ParameterError; once the layer is removed everything raises
    SlotError. Two of these are equal when they are the same layer; they cannot be keys of a dict.
    """

    @property
    def name(self) -> str | None:
        """What ``scene[name]`` finds it by."""
    @property
    def source_name(self) -> str:
        """What messages call what it shows."""
    @property
    def slot(self) -> int:
        """Its place in the pile: higher is further in front."""
    @property
    def audio(self) -> MixerInput | None:
        """The sound that came with the source, if it has any."""
    @property
    def at(self) -> tuple[float, float] | None:
        """Where the anchor point lies on the canvas, in pixels from its top left."""
    @at.setter
    def at(self, value: tuple[float, float] | None) -> None: ...
    @property
    def size(self) -> tuple[float | None, float | None]:
        """(width, height) of its box in pixels; a side that is None keeps the shape. Writing None is (None,
        None).
        """
    @size.setter
    def size(self, value: tuple[float | None, float | None] | None) -> None: ...
    @property
    def fit(self) -> _Fit | None:
        """How the picture fills its box; None where nothing was said."""
    @fit.setter
    def fit(self, value: str | None) -> None: ...
    @property
    def anchor(self) -> _Anchor | None:
        """The point of the box that lies at ``at``, or at the same point of the canvas."""
    @anchor.setter
    def anchor(self, value: str | None) -> None: ...
    @property
    def margin(self) -> float:
        """Pixels between an anchored layer and the edges of the canvas."""
    @margin.setter
    def margin(self, value: float) -> None: ...
    @property
    def crop(self) -> tuple[int, int, int, int]:
        """Pixels cut from (left, top, right, bottom). Writing None cuts nothing."""
    @crop.setter
    def crop(self, value: tuple[int, int, int, int] | None) -> None: ...
    @property
    def flip(self) -> _Flip | None:
        """Which way the picture is mirrored."""
    @flip.setter
    def flip(self, value: str | None) -> None: ...
    @property
    def rotation(self) -> float:
        """Degrees clockwise."""
    @rotation.setter
    def rotation(self, value: float) -> None: ...
    @property
    def opacity(self) -> float:
        """0.0 to 1.0."""
    @opacity.setter
    def opacity(self, value: float) -> None: ...
    @property
    def blend(self) -> _Blend:
        """How it is put on what lies below it."""
    @blend.setter
    def blend(self, value: str) -> None: ...
    @property
    def visible(self) -> bool:
        """Whether it is seen; its sound goes on either way (see ``audio.mute``)."""
    @visible.setter
    def visible(self, value: bool) -> None: ...
    @property
    def start(self) -> float:
        """Seconds after the beginning of the run (or after it was added to one that goes on) at which it begins."""
    @property
    def offline(self) -> _Offline | None:
        """What an offline render does with a source that cannot be exact; None refuses it."""
    @offline.setter
    def offline(self, value: str | None) -> None: ...
    def set_source(self, source: _Source) -> None:
        """Shows another source in the same place. The sound of the first goes on; the new one brings none."""
    def remove(self) -> None:
        """Takes it off the canvas, and its sound out of the mixer."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Compositor:
    """A canvas with layers in slots (slot order is z-order) and a mixer.

    ``window_width``, ``window_height`` and ``title`` ask for a window, which :meth:`draw` and :meth:`run` keep up to
    date: the picture in its middle, smaller than it is where there is no room. The run never depends on the window:
    where there is no display there is a RuntimeWarning, and closed, it goes on. ``fps`` is a number, a string such as
    "30000/1001" or a pair; 29.97 means 30000/1001. ``background`` is a CSS colour. ``threads`` bounds the render threads
    (default: see :func:`set_threads`). Raises FormatError for sides outside 1 to 16384, ParameterError.
    """

    def __new__(
        cls,
        video_width: int,
        video_height: int,
        window_width: int | None = None,
        window_height: int | None = None,
        title: str | None = None,
        *,
        fps: _Rate = 30,
        background: str = "black",
        threads: int | None = None,
    ) -> Self: ...
    def add(
        self,
        source: _Source,
        *,
        name: str | None = None,
        at: tuple[float, float] | None = None,
        size: tuple[float | None, float | None] | None = None,
        fit: _Fit | None = None,
        anchor: _Anchor | None = None,
        margin: float = 0.0,
        crop: tuple[int, int, int, int] | None = None,
        flip: _Flip | None = None,
        rotation: float = 0.0,
        opacity: float = 1.0,
        blend: _Blend = "normal",
        visible: bool = True,
        slot: int | None = None,
        above: Layer | None = None,
        below: Layer | None = None,
        fallback: _Source | None = None,
        offline: _Offline | None = None,
        audio: bool = True,
        loop: bool = False,
        start: float = 0.0,
    ) -> Layer:
        """Shows a source. A string or path opens a picture, a media file or a URL; with ``audio=True`` the
        sound of a media file goes to the mixer (:attr:`Layer.audio`); with ``loop=True`` both start again at
        the end.

        Place: with nothing else said the picture is stretched over the canvas; with only ``at`` or ``anchor``
        it keeps its own size; ``size`` is a box in pixels (a side that is None keeps the shape), and ``fit``
        says how it is filled: "stretch" whatever that does to the shape, "contain" so that all is seen,
        "cover" so that nothing stays empty, "none" in its own size. ``anchor`` is the point of the box that
        lies at ``at`` or, without ``at``, at the same point of the canvas, ``margin`` pixels in. ``crop`` is
        cut off first (left, top, right, bottom), in pixels; ``rotation`` is in degrees clockwise.

        Order: on top of all layers, or in a given ``slot`` (0 to 65535, in place of what was there), or
        directly ``above`` or ``below`` another layer.

        Time: ``start`` seconds after the run has begun, or after this call while one goes on, the layer begins. Nothing of
        it is seen or heard before; files and whatever is computed begin at their own beginning then, so one clip may
        be added several times with starts of its own. Cameras, players and ports go on by themselves and are only hidden.

        ``fallback`` is shown while the source has nothing or is lost; without one the last picture of a source that is
        lost stays. ``offline`` says what an offline render does with
        a source that cannot be exact. Raises ParameterError, SlotError, and what opening raises (see
        :class:`LazyPlayer`).
        """
    def draw(self) -> bool:
        """Shows the newest frame in the window and waits for the display's next picture (without a window, for the
        time of a frame). The first call starts the run. False once the window is closed: the run goes on."""
    def set_margin(self, margin: int) -> None:
        """Keeps ``margin`` pixels free along the edges of the window."""
    def __getitem__(self, name: str, /) -> Layer:
        """The layer called ``name``; SlotError (a KeyError) if there is none."""
    @property
    def layers(self) -> list[Layer]:
        """All layers, the lowest first."""
    @property
    def audio(self) -> Mixer:
        """The mixer of its sounds."""
    @property
    def fps(self) -> float:
        """Frames a second."""
    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the canvas in pixels."""
    @property
    def background(self) -> str:
        """The colour behind all layers; any CSS colour may be written, "#rrggbbaa" is read."""
    @background.setter
    def background(self, value: str) -> None: ...
    def batch(self) -> _Batch:
        """``with scene.batch(): ...``: edits inside take effect together; an exception undoes them."""
    def set_source(
        self,
        idx: int,
        source: _Source,
        upper_left: tuple[float, float] | None = None,
        lower_right: tuple[float, float] | None = None,
    ) -> None:
        """Shows a source in slot ``idx``: over the whole canvas, in its own size with its top left at
        ``upper_left``, or stretched over the rectangle from ``upper_left`` to ``lower_right`` (exclusive)."""
    def remove_source(self, idx: int) -> None:
        """Empties a slot."""
    def set_video_resolution(self, video_width: int, video_height: int) -> None:
        """Changes the size of the canvas, in pixels; layers stay where they are. Raises FormatError."""
    def video_size(self) -> tuple[int, int]:
        """The same as :attr:`size`."""
    def add_target(self, target: VideoTarget | Viewer) -> None:
        """Has every run write its frames to ``target`` too."""
    def render(
        self,
        out: _Target | Sequence[_Target],
        *,
        seconds: float | None = None,
        frames: int | None = None,
        progress: _Progress = False,
        video_codec: str | None = None,
        quality: float | None = None,
        bitrate: int | None = None,
        audio: _RenderTrack | Sequence[_RenderTrack] | bool | None = "source",
        audio_codec: str | None = None,
        options: dict[str, Any] | None = None,
        format: str | None = None,
        overwrite: bool = True,
        each: Callable[[float], object] | None = None,
    ) -> Statistics:
        """Renders offline: every frame exact, as fast as it goes, the same on every run.

        ``out`` is a file (its ending says the container: .mp4 .mkv .mov .flv .webm .ts and what else FFmpeg
        writes), a VideoTarget, or a list or tuple of several. ``seconds`` or ``frames`` say how long it is;
        without either it goes on until the longest clip or sound has ended.

        Codecs are FFmpeg's names (default: H.264 and AAC, or what the container takes). ``quality`` is
        constant, on x264's CRF scale (0 is the best, 51 the worst, 23 usual); ``bitrate`` is an average in
        bits a second. ``options`` are any of FFmpeg's for the encoders and the container (preset, crf, g,
        movflags); those whose name ends in ":a" are for the sound, "strict" is for all. ``format`` is the container,
        where the ending does not say it. ``overwrite=False`` refuses to replace a file.

        ``audio`` is what files have for sound: "source", the main mix, where the scene has any; a :class:`Mix` of
        the scene; None for none. A list of these makes a track of each, in its order, also of silence.

        ``progress=True`` draws a bar on a terminal; a function is called now and then with (frames done,
        frames in all).

        ``each`` is called before every frame with its time in seconds, here, on the thread that renders; what it
        changes takes effect with that frame. Its exceptions end the render and are raised as they are.

        Raises LiveSourceError, EncoderError, OutputError, DiskFullError, DeadlineError, BusyError,
        ParameterError, CallbackError. When it fails the file holds what was made before.
        """
    def start(self, *, ready_timeout: float = 5.0) -> None:
        """Starts the scene live: a frame at the time of each tick, the sound 60 ms behind, until :meth:`stop`.

        Waits at most ``ready_timeout`` seconds for the first frame of every visible source, and warns
        (RuntimeWarning) of those that show nothing by then; 0 waits for none. Does nothing if it runs already. Sources that keep a
        place (a clip) begin with the run, or when they are added. Raises BusyError while it is rendered or a
        source is used by another scene, ClosedError.
        """
    def stop(self) -> None:
        """Ends the live run with the frame that is due and its sound. It can be started again."""
    def close(self) -> None:
        """The same for good: starting or rendering it afterwards raises ClosedError."""
    def is_running(self) -> bool:
        """Whether it runs live."""
    def run(
        self,
        seconds: float | None = None,
        *,
        frames: int | None = None,
        until: Callable[[], object] | None = None,
        on_error: Literal["raise", "continue"] = "raise",
    ) -> LiveStatistics:
        """Runs live for ``seconds`` or ``frames``, or until ``until()`` is true (asked every 50 ms), or for ever.

        It is started if it does not run yet, and stopped at the end. A target that fails ends the run and its
        error is raised; with ``on_error="continue"`` the others go on. Ctrl-C ends it too (KeyboardInterrupt).
        """
    def wait(self) -> Coroutine[Any, Any, None]:
        """``await scene.wait()``: until the live run is over."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *args: object) -> None: ...
    @overload
    def frames(
        self, format: _PixelFormat, *, realtime: Literal[True] = True, seconds: float | None = None
    ) -> _LiveFrames:
        """The composed frames in ``format``, one after the other, for ``seconds`` or without end.

        Live (``for`` or ``async for``) each frame of the run once as it is made; the first one asked for starts
        the scene. Whoever is slower than the run loses the oldest frames (eight wait). With ``realtime=False``
        offline and exact; edits made between two frames take effect with the next.
        """
    @overload
    def frames(
        self, format: _PixelFormat, *, realtime: Literal[False], seconds: float | None = None
    ) -> _SceneFrames: ...
    def frame(self, format: _PixelFormat = "rgb24", *, at: float = 0.0) -> Frame:
        """One composed frame: the newest while it runs live, else the offline one shown at ``at`` seconds."""
    def screenshot(self, path: _Path, *, at: float = 0.0) -> None:
        """Writes :meth:`frame` to a picture file (see :meth:`Frame.save`), with alpha if the background has
        any.
        """
    def on(self, kind: _EventKind, function: Callable[[Event], object]) -> Callable[[], None]:
        """Has ``function`` called with every event of ``kind`` from now on ("*": all kinds); what is returned
        ends that when called.

        It runs on LiveKit's service thread, one call at a time, and may take its time: nothing of the engine
        waits for it. Its exceptions go to the log ("livekit_studio"). Raises ParameterError for an unknown kind.
        """
    def events(self) -> _EventStream:
        """Everything that happens from now on: ``for event in scene.events()`` or ``async for``."""
    def remove_target(self, target: VideoTarget | Viewer) -> None:
        """Lets runs write no more to ``target``."""
    def statistics(self) -> Statistics | LiveStatistics | None:
        """What the live run does, or the last :meth:`render` did; None before the first."""
    def _repr_html_(self) -> str: ...

@final
class _SceneFrames:
    """The frames of a scene, one after the other: what :meth:`Compositor.frames` gives."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Frame: ...
    def statistics(self) -> Statistics:
        """What the run did so far."""
    def close(self) -> None:
        """Ends the run and lets go of the scene; asking for more frames raises StopIteration."""

@final
class _LiveFrames:
    """The frames of a live run as they are made: what :meth:`Compositor.frames` gives."""

    @property
    def dropped(self) -> int:
        """Frames lost because nobody asked for them in time."""
    def __iter__(self) -> Self: ...
    def __next__(self) -> Frame: ...
    def __aiter__(self) -> AsyncFrames: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *args: object) -> None: ...
    def close(self) -> None:
        """Ends the iteration; the scene goes on."""
    def _next(self, seconds: float) -> Frame | None: ...
    def _over(self) -> bool: ...

@final
class LiveStatistics:
    """What a live run did, and where its time went. ``print`` it to read why a scene is slow."""

    @property
    def ticks(self) -> int:
        """Frames that came due."""
    @property
    def missed(self) -> int:
        """Of these, skipped because the machine was busy; recordings repeat the frame before."""
    @property
    def late_frames(self) -> int:
        """Times a clip's frame was not decoded in time and the one before was shown again."""
    @property
    def samples(self) -> int:
        """Sound samples mixed, per channel, at 48 kHz."""
    @property
    def late_samples(self) -> int:
        """Samples of all sounds that were not there in time and are silent."""
    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
    @property
    def tick_cpu(self) -> float:
        """Seconds of CPU time of the tick, further render threads not included."""
    @property
    def mixer_cpu(self) -> float:
        """Seconds of CPU time of the mixer."""
    @property
    def compositing(self) -> float:
        """Seconds of CPU time of compositing, by the clocks of the threads that do it: the tick and all render
        threads. Decoding is not in it."""
    @property
    def sampling(self) -> float:
        """Seconds spent waiting for the pictures of sources: next to nothing, since they are read ahead."""
    @property
    def rendering(self) -> float:
        """Seconds spent rendering."""
    @property
    def delivering(self) -> float:
        """Seconds spent handing frames to targets and waiting for those that are busy."""
    @property
    def mixing(self) -> float:
        """Seconds spent reading sounds and mixing them."""
    @property
    def render(self) -> RenderStatistics:
        """What the renderer did, and what it could leave out."""
    @property
    def lateness(self) -> tuple[float, float, float, float]:
        """How late ticks began, in seconds: half of them, 99 %, 99.9 %, all began no later."""
    def to_dict(self) -> dict[str, Any]:
        """All of them by name."""

@final
class AudioMixer(Mixer):
    """A mixer without pictures: sounds mixed live into one, which is a source of sound itself.

    It takes what :class:`Mixer` takes, can be given to ``scene.audio.add`` and recorders, and is heard through
    ``port``. It works from the moment it is made until :meth:`close`.
    """

    def __new__(cls) -> Self: ...
    def close(self) -> None:
        """Ends it."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *args: object) -> None: ...

@final
class _Batch:
    """Edits that take effect together: what :meth:`Compositor.batch` gives."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *args: object) -> None: ...

def open(source: _Source | _Pixels, *, format: _PixelFormat | None = None) -> VideoSource:
    """A source from what people write: an :class:`ImageFile` or :class:`LazyPlayer` from a file name or URL,
    a :class:`Camera` from "camera:NAME", a :class:`Color` from "color:#203040", a :class:`StillSource` from a Frame,
    an image of Pillow's or an array (for arrays alone, ``format`` says what they hold).
    Sources stay what they are. Raises as they do, and FormatError.
    """

def read_audio(
    filename: _Path, *, start: float = 0.0, seconds: float | None = None, timeout: float = 10.0
) -> _Samples:
    """The sound of a file or address as a new array: float32 of shape (n, 2), left and right, 48000 samples a second, -1.0
    to 1.0 at full scale.

    Row k lies at ``start`` + k / 48000 seconds of the file, on the time line of its pictures: sound that begins later than
    they do begins with silence, and encoder priming is left out. Mono goes to both sides at -3 dB, surround is mixed
    down. ``seconds`` is how much of it is wanted, all by default; the array is shorter where the sound ends before. A
    minute takes 23 MB. Opening and each read give up after ``timeout`` seconds. Raises as :class:`LazyPlayer` does,
    MediaError if there is no sound in it, and LiveSourceError for an address without an end where ``seconds`` is not
    said.
    """

def render(scene: Compositor, out: _Target | Sequence[_Target], **options: Any) -> Statistics:
    """The same as ``scene.render(out, ...)``."""

def set_threads(n: int) -> None:
    """Bounds the threads of new runs and players: 1 to 1024, else ParameterError.

    The default is what the environment's LIVEKIT_THREADS says, else what the machine allows.
    """

def set_frame_memory(megabytes: int) -> None:
    """Bounds the memory of all frames alive in this process (default 1024 MB); past it FrameMemoryError."""

def _cli(args: list[str], program: list[str]) -> int:
    """Runs the command line and gives its exit status; ``program`` is how the same command is started again."""

def _service_next() -> tuple[Callable[..., object], tuple[Any, ...]] | None:
    """Waits for the next call the service thread has to make; None when it is to end."""

def _service_ended() -> None:
    """Says that the service thread has ended."""

def _show(source: _Source, title: str, size: tuple[int, int] | None, seconds: float | None) -> None:
    """Shows a source in a window of its own until that is closed, or a player until its end."""

# SPDX-License-Identifier: GPL-2.0-or-later
"""LiveKit: compose live video from Python.

Sources (files, pictures, arrays) are put together by a :class:`Compositor` and written to targets (a file, a
NumPy array, another compositor's port)::

    import LiveKit as lk

    scene = lk.Compositor(1280, 720, fps=30)
    scene.add("bg.jpg", fit="cover")
    scene.add("clip.mp4", at=(820, 440), size=(420, None), opacity=0.9)
    scene.render("out.mp4", seconds=10, progress=True)

Not affiliated with LiveKit Inc.
"""

from . import (
    _interpreter as _interpreter,  # first: what follows must not begin in a subinterpreter
)
from ._abc import VideoTarget
from ._errors import (
    BusyError,
    CallbackError,
    CancelledError,
    ClosedError,
    DeadlineError,
    DeviceNotFoundError,
    DiskFullError,
    DisplayError,
    EncoderError,
    FormatError,
    FrameMemoryError,
    InternalError,
    LiveKitError,
    LiveSourceError,
    MediaError,
    MediaNotFoundError,
    OutputError,
    ParameterError,
    SlotError,
    StreamError,
)
from ._events import Event
from ._native import (
    AudioMixer,
    AudioPort,
    Color,
    Compositor,
    Copier,
    Frame,
    FunctionSource,
    ImageFile,
    Layer,
    LazyPlayer,
    LiveStatistics,
    MediaInfo,
    Mixer,
    MixerInput,
    NullTarget,
    Player,
    Recorder,
    ScreenCapture,
    Statistics,
    StillSource,
    TestPattern,
    Text,
    VideoPort,
    VideoSource,
    Viewer,
    WindowCapture,
    WindowList,
    __version__,
    open,
    render,
    set_frame_memory,
    set_threads,
    windows,
)
from ._reports import (
    PlayerStatistics,
    RecorderStatistics,
    RecordingReport,
    TrackStatistics,
    WindowInfo,
)

__all__ = [
    "AudioMixer",
    "AudioPort",
    "BusyError",
    "CallbackError",
    "CancelledError",
    "ClosedError",
    "Color",
    "Compositor",
    "Copier",
    "DeadlineError",
    "DeviceNotFoundError",
    "DiskFullError",
    "DisplayError",
    "EncoderError",
    "Event",
    "FormatError",
    "Frame",
    "FrameMemoryError",
    "FunctionSource",
    "ImageFile",
    "InternalError",
    "Layer",
    "LazyPlayer",
    "LiveKitError",
    "LiveSourceError",
    "LiveStatistics",
    "MediaError",
    "MediaInfo",
    "MediaNotFoundError",
    "Mixer",
    "MixerInput",
    "NullTarget",
    "OutputError",
    "ParameterError",
    "Player",
    "PlayerStatistics",
    "Recorder",
    "RecorderStatistics",
    "RecordingReport",
    "ScreenCapture",
    "SlotError",
    "Statistics",
    "StillSource",
    "StreamError",
    "TestPattern",
    "Text",
    "TrackStatistics",
    "VideoPort",
    "VideoSource",
    "VideoTarget",
    "Viewer",
    "WindowCapture",
    "WindowInfo",
    "WindowList",
    "__version__",
    "open",
    "render",
    "set_frame_memory",
    "set_threads",
    "windows",
]

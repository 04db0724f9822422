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
    DiskFullError,
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
    IPCSource,
    IPCTarget,
    Layer,
    LazyPlayer,
    LiveStatistics,
    MediaInfo,
    Mixer,
    MixerInput,
    NullTarget,
    Player,
    Recorder,
    Statistics,
    StillSource,
    TestPattern,
    Text,
    VideoPort,
    VideoSource,
    __version__,
    open,
    render,
    set_frame_memory,
    set_threads,
)
from ._reports import (
    IPCSourceStatistics,
    IPCTargetStatistics,
    PlayerStatistics,
    RecorderStatistics,
    RecordingReport,
    TrackStatistics,
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
    "DiskFullError",
    "EncoderError",
    "Event",
    "FormatError",
    "Frame",
    "FrameMemoryError",
    "FunctionSource",
    "IPCSource",
    "IPCSourceStatistics",
    "IPCTarget",
    "IPCTargetStatistics",
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
    "__version__",
    "open",
    "render",
    "set_frame_memory",
    "set_threads",
]

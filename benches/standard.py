# SPDX-License-Identifier: GPL-2.0-or-later
"""The standard scenes as data: what is shown where, what it goes to, and what it may cost."""

from __future__ import annotations

from dataclasses import dataclass, field

WIDTH, HEIGHT, FPS = 1920, 1080, 30
CLIP_FRAMES = 300  # the clips are ten seconds long


@dataclass(frozen=True)
class Part:
    """One picture of a scene: a file of the inputs, where it lies, and the size it is scaled to."""

    file: str
    x: int = 0
    y: int = 0
    size: tuple[int, int] | None = None

    @property
    def moves(self) -> bool:
        return self.file.endswith(".mp4")

    @property
    def has_alpha(self) -> bool:
        return self.file.endswith(".png") and self.file != "bg.png"


@dataclass(frozen=True)
class Goal:
    """CPU milliseconds a frame that compositing may take, and the whole process as a share of the best peer."""

    compositing: float | None = None
    share: float | None = None


@dataclass(frozen=True)
class Scene:
    """What is shown, the lowest part first, and the format or encoder it goes to.

    Scenes that change by a program between frames (``edit``: "fade", "swap" or "roam") are compared with the peers'
    runs of the scene ``like``, who draw every layer anew in any case; without ``like`` with nobody.
    """

    title: str
    parts: tuple[Part, ...]
    output: str
    goal: Goal = field(default_factory=Goal)
    edit: str | None = None
    like: str | None = None
    lengths: int = 1  # so many times the usual number of frames


LOGO = Part("logo.png", 60, 60)
LOWER_THIRD = Part("lower_third.png", 60, 880)
STUDIO = (
    Part("bg.jpg"),
    Part("v1080b.mp4"),
    Part("v720.mp4", 1400, 60, (480, 270)),
    LOGO,
    LOWER_THIRD,
)
QUADRANTS = tuple(
    Part(f"v1080{name}.mp4", 960 * (i % 2), 540 * (i // 2), (960, 540)) for i, name in enumerate("abcd")
)
EIGHT = (Part("bg.png"), *(Part(f"layer{i}.png") for i in range(8)))
# twelve stills, most of them small
TWELVE = (
    Part("bg.jpg"),
    LOGO,
    LOWER_THIRD,
    *(Part("logo.png", 200 * i, 100 * i, (128 + 16 * i, 128)) for i in range(9)),
)

SCENES = {
    "s1": Scene(
        "picture in picture",
        (Part("bg.jpg"), Part("v720.mp4", 100, 100)),
        "yuv420p",
        Goal(0.15, 0.9),
    ),
    "s2": Scene("four-up", QUADRANTS, "yuv420p", Goal(1.0, 0.95)),
    "s3": Scene("eight alpha stills", EIGHT, "bgra", Goal(0.05, 0.1)),
    "s3y": Scene("the same, I420", EIGHT, "yuv420p", Goal(0.05)),
    "s3b": Scene("all opacities change, I420", EIGHT, "yuv420p", Goal(3, 0.5), "fade", "s3"),
    "s3b-bgra": Scene("the same, BGRA", EIGHT, "bgra", Goal(6, 0.5), "fade", "s3"),
    "s3c": Scene("eight new BGRA frames a tick", EIGHT, "bgra", Goal(8), "swap"),
    "s4r": Scene("studio, no encoder", STUDIO, "yuv420p", Goal(0.8, 0.95)),
    "s4": Scene("studio and x264", STUDIO, "x264", Goal(0.9, 1.0)),
    "s6": Scene(
        "nothing changes",
        (Part("bg.jpg"), LOGO, LOWER_THIRD),
        "yuv420p",
        Goal(0.02, 0.05),
        lengths=40,
    ),
    "roam": Scene("320x180 moving over 12 stills", TWELVE, "yuv420p", Goal(0.15), "roam"),
}

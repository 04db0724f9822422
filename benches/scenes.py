#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The standard scenes, built with the public API: how much CPU time does a frame take?

    scenes.py --scene s1 --data DIR --frames 300 --out FILE [--save-frame PNG]

prints ``BENCH frames=N elapsed=S cpu=S``: real and CPU seconds of the render, start-up left out. DIR holds what
tools/bench_inputs.sh makes; FILE is written by s4 only. Look at a frame (--save-frame) before believing a figure.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import LiveKit as lk

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


@dataclass(frozen=True)
class Scene:
    """What is shown, the lowest part first, and the format or encoder it goes to."""

    title: str
    parts: tuple[Part, ...]
    output: str


LOGO = Part("logo.png", 60, 60)
LOWER_THIRD = Part("lower_third.png", 60, 880)
STUDIO = (Part("bg.jpg"), Part("v1080b.mp4"), Part("v720.mp4", 1400, 60, (480, 270)), LOGO, LOWER_THIRD)
QUADRANTS = tuple(
    Part(f"v1080{name}.mp4", 960 * (i % 2), 540 * (i // 2), (960, 540)) for i, name in enumerate("abcd")
)

SCENES = {
    "s1": Scene("picture in picture", (Part("bg.jpg"), Part("v720.mp4", 100, 100)), "yuv420p"),
    "s2": Scene("four-up", QUADRANTS, "yuv420p"),
    "s3": Scene("eight alpha layers", (Part("bg.png"), *(Part(f"layer{i}.png") for i in range(8))), "bgra"),
    "s4": Scene("studio and x264", STUDIO, "x264"),
    "s4r": Scene("studio, no encoder", STUDIO, "yuv420p"),
    "s6": Scene("nothing moves", (Part("bg.jpg"), LOGO, LOWER_THIRD), "yuv420p"),
}


def build(scene: Scene, data: Path, frames: int) -> lk.Compositor:
    compositor = lk.Compositor(WIDTH, HEIGHT, fps=FPS)
    for part in scene.parts:
        path = data / part.file
        source = lk.LazyPlayer(path, loop=frames > CLIP_FRAMES) if part.moves else lk.ImageFile(path)
        compositor.add(source, at=(part.x, part.y), size=part.size)
    return compositor


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scene", required=True, choices=SCENES)
    parser.add_argument("--data", required=True, type=Path, help="the folder of inputs")
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--out", type=Path, default=Path("bench.mp4"), help="the file s4 writes")
    parser.add_argument("--save-frame", type=Path, metavar="PNG", help="also save the last frame")
    options = parser.parse_args()

    scene = SCENES[options.scene]
    compositor = build(scene, options.data, options.frames)
    if scene.output == "x264":
        settings = {"preset": "veryfast", "crf": "23"}
        statistics = compositor.render(
            options.out, frames=options.frames, video_codec="libx264", options=settings
        )
        last = lk.LazyPlayer(options.out).frame(options.frames / FPS) if options.save_frame else None
    else:
        target = lk.NullTarget("bgra" if scene.output == "bgra" else "yuv420p")
        statistics = compositor.render(target, frames=options.frames)
        last = target.latest()
    print(f"BENCH frames={statistics.frames} elapsed={statistics.elapsed:.4f} cpu={statistics.cpu:.4f}")
    if options.save_frame and last is not None:
        last.save(options.save_frame)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The standard scenes (standard.py), built with the public API: how much CPU time does a frame take?

    scenes.py --scene s1 --data DIR --frames 300 --out FILE [--save-frame PNG]

prints ``BENCH frames=N elapsed=S cpu=S compositing=S resident=MB``: real and CPU seconds of the render, start-up left
out; the part of the CPU time that is compositing, by thread clocks; the most memory the process had. DIR holds what
tools/bench_inputs.sh makes; FILE is written by s4 only. Look at a frame (--save-frame) before believing a figure.
"""

from __future__ import annotations

import argparse
import resource
from itertools import count
from pathlib import Path

import LiveKit as lk
from standard import CLIP_FRAMES, FPS, HEIGHT, SCENES, WIDTH, Scene


def turning(path: Path) -> lk.FunctionSource:
    """Three pictures in turn, made into frames once: new ones at each tick that cost nothing to make."""
    import numpy as np

    picture = lk.ImageFile(path).pull()[0]
    assert picture is not None
    frames = [lk.Frame.from_ndarray(np.roll(picture, 40 * n, axis=1), "bgra") for n in range(3)]
    turn = count()
    return lk.FunctionSource(lambda _: frames[next(turn) % 3], format="bgra")


def build(scene: Scene, data: Path, frames: int) -> lk.Compositor:
    compositor = lk.Compositor(WIDTH, HEIGHT, fps=FPS)
    for part in scene.parts:
        path = data / part.file
        source: lk.VideoSource
        if part.moves:
            source = lk.LazyPlayer(path, loop=frames > CLIP_FRAMES)
        elif scene.edit == "swap" and part.has_alpha:
            source = turning(path)
        else:
            source = lk.ImageFile(path)
        compositor.add(source, at=(part.x, part.y), size=part.size)
    if scene.edit == "roam":
        import numpy as np

        gradient = np.linspace(0, 255, 180 * 320 * 3).astype(np.uint8).reshape(180, 320, 3)
        compositor.add(lk.StillSource(lk.Frame.from_ndarray(gradient, "rgb24")))
    return compositor


def edit(compositor: lk.Compositor, scene: Scene, n: int) -> None:
    """Changes the scene before frame ``n``."""
    if scene.edit == "fade":
        with compositor.batch():
            for number, layer in enumerate(compositor.layers[1:]):
                layer.opacity = 0.5 + (n * 7 + number * 5) % 50 / 100
    elif scene.edit == "roam":
        compositor.layers[-1].at = (n * 14 % 1600, n * 8 % 900)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scene", required=True, choices=SCENES)
    parser.add_argument("--data", required=True, type=Path, help="the folder of inputs")
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--out", type=Path, default=Path("bench.mp4"), help="the file s4 writes")
    parser.add_argument("--save-frame", type=Path, metavar="PNG", help="also save the last frame")
    parser.add_argument("--explain", action="store_true", help="also print all statistics")
    options = parser.parse_args()

    scene = SCENES[options.scene]
    compositor = build(scene, options.data, options.frames)
    last: lk.Frame | None = None
    if scene.output == "x264":
        settings = {"preset": "veryfast", "crf": "23"}
        statistics = compositor.render(
            options.out, frames=options.frames, video_codec="libx264", options=settings
        )
        last = lk.LazyPlayer(options.out).frame(options.frames / FPS) if options.save_frame else None
    elif scene.edit:
        edit(compositor, scene, 0)
        frames = compositor.frames(scene.output, realtime=False, seconds=options.frames / FPS)
        for n, frame in enumerate(frames, 1):
            last = frame
            edit(compositor, scene, n)
        statistics = frames.statistics()
    else:
        target = lk.NullTarget(scene.output)
        statistics = compositor.render(target, frames=options.frames)
        last = target.latest()
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(
        f"BENCH frames={statistics.frames} elapsed={statistics.elapsed:.4f} cpu={statistics.cpu:.4f}"
        f" compositing={statistics.compositing:.4f} resident={resident:.0f}"
    )
    if options.explain:
        print(statistics)
    if options.save_frame and last is not None:
        last.save(options.save_frame)


if __name__ == "__main__":
    main()

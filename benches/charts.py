#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Draws the charts of docs/ from measured figures.

    charts.py measure --out build/charts.json     measures what a frame costs by changed pixels and by still layers
                                                  (an environment with LiveKit)
    charts.py draw --curves build/charts.json --bench build/bench.json --out docs/charts
                                                  (an environment with requirements-peers.txt)

build/bench.json is what compare.py --json writes. What a frame costs is CPU time of compositing, by thread clocks,
the least of a few runs: neighbours only ever add to it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

FRAMES = 120
RUNS = 5
SIZES = (0, 160, 320, 480, 640, 800, 960, 1120, 1280)  # widths of what changes, 16:9
LAYERS = (0, 1, 2, 4, 8, 16, 32, 64, 96)


# ---- Measuring ---------------------------------------------------------------------------------------------------


def cost(still_layers: int, width: int) -> dict[str, float]:
    """One frame of stills under a picture ``width`` pixels wide that is new in every frame."""
    import LiveKit as lk
    import numpy as np

    random = np.random.default_rng(1)
    scene = lk.Compositor(1920, 1080, threads=1)
    scene.add(
        lk.StillSource(lk.Frame.from_ndarray(random.integers(0, 255, (1080, 1920, 3), np.uint8), "rgb24"))
    )
    for number in range(still_layers):
        glass = random.integers(0, 255, (180, 320, 4), np.uint8)
        at = (number * 173 % 1600, number * 97 % 900)
        scene.add(lk.StillSource(lk.Frame.from_ndarray(glass, "rgba")), at=at)
    if width:
        shape = (width * 9 // 16, width, 3)
        turns = [lk.Frame.from_ndarray(random.integers(0, 255, shape, np.uint8), "rgb24") for _ in range(3)]
        calls = iter(range(10**9))
        scene.add(lk.FunctionSource(lambda _: turns[next(calls) % 3], format="rgb24"), at=(320, 180))
    frames = scene.frames("yuv420p", realtime=False)
    for _ in range(10):
        next(frames)
    before = frames.statistics()
    for _ in range(FRAMES):
        next(frames)
    after = frames.statistics()
    pixels = after.render.damaged * after.frames - before.render.damaged * before.frames
    return {
        "ms": (after.compositing - before.compositing) * 1000 / FRAMES,
        "pixels": pixels * 1920 * 1080 / FRAMES,
    }


def least(still_layers: int, width: int) -> dict[str, float]:
    return min((cost(still_layers, width) for _ in range(RUNS)), key=lambda point: point["ms"])


def measure(out: Path) -> None:
    by_pixels = [least(12, width) for width in SIZES]
    by_layers = [{"layers": n, **least(n, 320)} for n in LAYERS]
    out.write_text(json.dumps({"by_pixels": by_pixels, "by_layers": by_layers}, indent=1) + "\n")


# ---- Drawing -----------------------------------------------------------------------------------------------------

OURS, OTHERS, INK = "#d9480f", ("#495057", "#868e96", "#adb5bd", "#ced4da"), "#212529"


def axes(width: float, height: float) -> tuple[Any, Any]:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "livekit", "font.size": 10, "font.family": "DejaVu Sans"})
    from matplotlib import pyplot

    figure, plot = pyplot.subplots(figsize=(width, height), layout="constrained")
    plot.spines[["top", "right"]].set_visible(False)
    plot.tick_params(colors=INK)
    return figure, plot


def save(figure: Any, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None}, facecolor="white")
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line.rstrip() for line in lines) + "\n")
    print(f"{path}: {path.stat().st_size} bytes")


def draw_pixels(points: list[dict[str, float]], path: Path) -> None:
    figure, plot = axes(6, 3.6)
    x = [p["pixels"] / 1e6 for p in points]
    y = [p["ms"] for p in points]
    slope = sum(a * b for a, b in zip(x, y, strict=True)) / sum(a * a for a in x)
    plot.plot([0, max(x)], [0, slope * max(x)], color=OTHERS[2], zorder=1)
    plot.scatter(x, y, color=OURS, zorder=2)
    plot.annotate(
        f"{slope:.2f} ms a megapixel", (max(x) / 2, slope * max(x) / 2), (8, -14), textcoords="offset points"
    )
    plot.set(xlabel="changed pixels, millions", ylabel="CPU ms a frame", xlim=(0, None), ylim=(0, None))
    plot.set_title("A frame costs what has changed in it", loc="left")
    save(figure, path)


def draw_layers(points: list[dict[str, float]], path: Path) -> None:
    figure, plot = axes(6, 3.6)
    y = [p["ms"] for p in points]
    plot.plot([p["layers"] for p in points], y, color=OURS, marker="o")
    plot.set(xlabel="still layers of 320x180 with alpha", ylabel="CPU ms a frame", ylim=(0, 4 * max(y)))
    plot.set_title("Layers that stand still cost next to nothing", loc="left")
    save(figure, path)


def draw_peers(bench: dict[str, Any], path: Path) -> None:
    from standard import SCENES

    measured = bench["scenes"]
    scenes = {key: measured[key] for key in SCENES if len(measured.get(key, {})) > 1}
    figure, plot = axes(8, 0.62 * len(scenes) + 1.2)
    peers = [name for name in next(iter(scenes.values())) if name != "livekit"]
    names = ["livekit", *peers]
    thick = 0.8 / len(names)
    for row, runs in enumerate(scenes.values()):
        ours = runs["livekit"]["whole"]
        for number, name in enumerate(names):
            if name not in runs:
                continue
            share = runs[name]["whole"] / ours
            color = OURS if name == "livekit" else OTHERS[number - 1]
            label = {
                "livekit": "LiveKit",
                "pyav": "PyAV",
                "opencv": "NumPy + OpenCV",
                "gstreamer": "GStreamer",
            }
            text = label.get(name, name) if row == 0 else None
            plot.barh(row + (number - 2) * thick, share, thick * 0.9, color=color, label=text)
            plot.annotate(
                f"{runs[name]['whole']:.1f}", (share, row + (number - 2) * thick), (3, 0),
                textcoords="offset points", va="center", fontsize=7, color=INK,
            )  # fmt: skip
    plot.set_yticks(range(len(scenes)), [f"{key} {SCENES[key].title}" for key in scenes])
    plot.invert_yaxis()
    plot.set_xscale("log")
    plot.set_xlim(0.7, None)
    plot.set_xticks([1, 2, 5, 10, 20, 50], ["1 x", "2 x", "5 x", "10 x", "20 x", "50 x"])
    plot.minorticks_off()
    plot.set_title("CPU time of the whole process (beside the bars: ms a frame)", loc="left")
    plot.legend(frameon=False, loc="upper right")
    save(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("measure", "draw"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--curves", type=Path)
    parser.add_argument("--bench", type=Path)
    options = parser.parse_args()
    if options.what == "measure":
        measure(options.out)
        return
    options.out.mkdir(parents=True, exist_ok=True)
    if options.curves:
        curves = json.loads(options.curves.read_text())
        draw_pixels(curves["by_pixels"], options.out / "changed-pixels.svg")
        draw_layers(curves["by_layers"], options.out / "still-layers.svg")
    if options.bench:
        draw_peers(json.loads(options.bench.read_text()), options.out / "peers.svg")


if __name__ == "__main__":
    main()

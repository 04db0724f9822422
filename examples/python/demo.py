#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The main job in one file: a photo, two clips with their sound and an animation of our own in demo.mp4."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import LiveKit as lk
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

WIDTH, HEIGHT, FPS = 1280, 720, 30
MEDIA = Path(__file__).parents[2] / "build" / "demo-media"

# ---- Pictures drawn by NumPy -------------------------------------------------------------------------------

COLOURS = np.array([(255, 96, 64), (255, 200, 60), (80, 190, 255)], np.float32)
DIGITS = dict(zip("0123456789:.", (0x7B6F, 0x2C97, 0x73E7, 0x73CF, 0x5BC9, 0x79CF,
                                   0x79EF, 0x7252, 0x7BEF, 0x7BCF, 0x0410, 0x0002), strict=True))  # fmt: skip


def label(seconds: float, pixel: int = 4) -> Picture:
    """The time as "0:02.5", white on a dark plate: each digit is 3 x 5 bits of a number."""
    text = f"{int(seconds) // 60}:{seconds % 60:04.1f}"
    bits = np.zeros((7, 4 * len(text) + 1), bool)
    for i, character in enumerate(text):
        rows = [[DIGITS[character] >> (14 - 3 * y - x) & 1 for x in range(3)] for y in range(5)]
        bits[1:6, 4 * i + 1 : 4 * i + 4] = rows
    plate: Picture = np.zeros((*bits.shape, 4), np.uint8)
    plate[...] = (0, 0, 0, 150)
    plate[bits] = 255
    return plate.repeat(pixel, axis=0).repeat(pixel, axis=1)


def ribbon(t: float) -> Picture:
    """Three glowing waves over a dark strip and a clock, as they look at t seconds: RGBA, straight alpha."""
    height = 110
    x = np.linspace(0, 1, WIDTH, dtype=np.float32)
    y = np.arange(height, dtype=np.float32)[:, np.newaxis]
    total = np.zeros((height, WIDTH), np.float32)
    colour = np.zeros((height, WIDTH, 3), np.float32)
    for k, rgb in enumerate(COLOURS):
        wave = height / 2 + 34 * np.sin(2 * np.pi * (1.5 * x + 0.3 * k) + (1.2 + 0.6 * k) * t) * np.sin(
            np.pi * x
        )
        glow = np.exp(-(((y - wave) / (3 + 2 * k)) ** 2))
        total += glow
        colour += glow[..., np.newaxis] * rgb
    alpha = 0.45 + 0.55 * np.minimum(total, 1)
    colour /= np.maximum(total, 1)[..., np.newaxis] * alpha[..., np.newaxis]
    picture: Picture = np.dstack([np.minimum(colour, 255), 255 * alpha]).astype(np.uint8)
    clock = label(t)
    picture[12 : 12 + clock.shape[0], 40 : 40 + clock.shape[1]] = clock
    return picture


# ---- The scene ---------------------------------------------------------------------------------------------


def build(media: Path) -> lk.Compositor:
    """What is added later lies on top."""
    scene = lk.Compositor(WIDTH, HEIGHT, fps=FPS)
    scene.add(media / "photo.jpg", fit="cover")
    scene.add(media / "film.mp4", at=(560, 40), size=(680, None), opacity=0.95)  # its sound comes along
    border = np.full((204, 358, 3), 255, np.uint8)
    scene.add(lk.open(border, format="rgb24"), at=(901, 297))
    rabbit = scene.add(media / "rabbit.mp4", at=(904, 300), size=(352, 198), loop=True)
    if rabbit.audio:
        rabbit.audio.gain = 6.0  # dB

    scene.add(lk.FunctionSource(ribbon, format="rgba"), at=(0, HEIGHT - 130))
    return scene


def contact_sheet(video: Path, seconds: float, picture: Path, columns: int = 4, rows: int = 3) -> None:
    """Reads the video back and lays out frames from all over it: a compositor makes still pictures too."""
    width, height, gap = 320, 180, 8
    sheet = lk.Compositor(columns * (width + gap) + gap, rows * (height + gap) + gap, background="#202428")
    player = lk.LazyPlayer(video)
    for i in range(columns * rows):
        t = seconds * i / (columns * rows)
        at = (gap + i % columns * (width + gap), gap + i // columns * (height + gap))
        if frame := player.frame(t):
            sheet.add(frame, at=at, size=(width, height))
        sheet.add(lk.open(label(t, pixel=2), format="rgba"), at=(at[0] + 6, at[1] + 6))
    sheet.screenshot(picture)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("demo.mp4"), help="the video to write (%(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="its length (%(default)s)")
    parser.add_argument("--media", type=Path, default=MEDIA, help="the folder with the photo and the clips")
    options = parser.parse_args()
    out, sheet = options.out, options.out.with_suffix(".png")
    if not (options.media / "photo.jpg").exists():
        sys.exit(f"no media in {options.media}: run make demo, or tools/demo_media.py {options.media}")

    scene = build(options.media)
    stats = scene.render(out, seconds=options.seconds, progress=True, options={"preset": "veryfast"})
    contact_sheet(out, options.seconds, sheet)

    megabytes, seconds = out.stat().st_size / 1e6, stats.frames / FPS
    print(f"{out.resolve()}: {megabytes:.1f} MB, {seconds:.1f} s, made in {stats.elapsed:.1f} s")
    print(f"{sheet.resolve()}: what is in it\nNext, try:")
    command, film = Path(sys.executable).with_name("livekit-studio"), options.media / "film.mp4"
    print(f"  {command} probe {out}")
    print(f"  {command} render mine.mp4 --layer {out} --layer {film},anchor=bottom-right,margin=20,size=400x")
    code = f"import LiveKit as lk; print(lk.LazyPlayer('{out}').frame(2.5).to_ndarray('rgb24').shape)"
    print(f'  {sys.executable} -c "{code}"')


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The standard scenes as a careful Python programmer would do them without LiveKit.

    python_peers.py pyav|opencv --scene s1 --data DIR --frames 300 --out FILE [--save-frame PNG]

pyav: a graph of FFmpeg's filters through PyAV. opencv: NumPy and OpenCV, in BGR, stills multiplied by their alpha
beforehand; it hands out BGR whatever the scene asks for, which is cheaper for it. Runs in an environment of its own
(requirements-peers.txt), without LiveKit.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from standard import FPS, HEIGHT, SCENES, WIDTH, Part, Scene

TICK = Fraction(1, FPS)


class Output:
    """Where frames go: an encoder, or nowhere."""

    def __init__(self, scene: Scene, out: Path) -> None:
        self.container: Any = None
        if scene.output == "x264":
            self.container = av.open(str(out), "w")
            options = {"preset": "veryfast", "crf": "23"}
            self.stream = self.container.add_stream("libx264", rate=FPS, options=options)
            self.stream.width, self.stream.height, self.stream.pix_fmt = (
                WIDTH,
                HEIGHT,
                "yuv420p",
            )

    def take(self, frame: av.VideoFrame | None) -> None:
        """Encodes a frame; None ends the file."""
        if self.container is None:
            return
        if frame is not None:
            # a graph passes on the kind of the still's frame, and the encoder would make each an I-frame
            frame.pict_type = av.video.frame.PictureType.NONE
        for packet in self.stream.encode(frame):
            self.container.mux(packet)
        if frame is None:
            self.container.close()


# ---- PyAV --------------------------------------------------------------------------------------------------------


def pictures(path: Path) -> Iterator[av.VideoFrame]:
    container = av.open(str(path))
    container.streams.video[0].thread_type = "AUTO"
    yield from container.decode(video=0)


class Graph:
    """A filter graph with an input for each part."""

    def __init__(self, scene: Scene, data: Path) -> None:
        self.graph = av.filter.Graph()
        self.rgb = scene.output == "bgra"
        self.inputs: list[tuple[Any, Callable[[], av.VideoFrame]]] = []
        tiles = all(part.moves and part.size for part in scene.parts)
        chains = [self.prepared(part, data) for part in scene.parts]
        if tiles:
            places = "|".join(f"{part.x}_{part.y}" for part in scene.parts)
            top = self.graph.add("xstack", f"inputs={len(chains)}:layout={places}")
            for number, chain in enumerate(chains):
                chain.link_to(top, 0, number)
        else:
            top = chains[0]
            for part, chain in zip(scene.parts[1:], chains[1:], strict=True):
                blend = "auto" if self.rgb else "yuv420"
                over = self.graph.add("overlay", f"{part.x}:{part.y}:format={blend}")
                top.link_to(over, 0, 0)
                chain.link_to(over, 0, 1)
                top = over
        wanted = self.graph.add("format", "bgra" if self.rgb else "yuv420p")
        self.sink = self.graph.add("buffersink")
        top.link_to(wanted)
        wanted.link_to(self.sink)
        self.graph.configure()

    def prepared(self, part: Part, data: Path) -> Any:
        """An input for ``part``, scaled to its size."""
        clip = pictures(data / part.file)
        first = next(clip)
        if part.moves:
            layout = first.format.name
            waiting = [first]
            read = lambda: waiting.pop() if waiting else next(clip)  # noqa: E731
        else:
            layout = "bgra" if self.rgb else "yuva420p" if part.has_alpha else "yuv420p"
            still = first.reformat(format=layout)
            read = lambda: still  # noqa: E731
        chain = self.graph.add_buffer(
            width=first.width,
            height=first.height,
            format=av.VideoFormat(layout),
            time_base=TICK,
        )
        self.inputs.append((chain, read))
        if part.size:
            scale = self.graph.add("scale", f"{part.size[0]}:{part.size[1]}:flags=bilinear")
            chain.link_to(scale)
            chain = scale
        return chain

    def frame(self, index: int) -> av.VideoFrame:
        for buffer, read in self.inputs:
            frame = read()
            frame.pts, frame.time_base = index, TICK
            buffer.push(frame)
        return self.sink.pull()


def pyav(scene: Scene, data: Path, frames: int, output: Output) -> Callable[[Path], None]:
    graph = Graph(scene, data)
    for index in range(frames):
        last = graph.frame(index)
        output.take(last)
    output.take(None)
    return lambda path: last.to_image().save(path)


# ---- NumPy and OpenCV --------------------------------------------------------------------------------------------


def opencv(scene: Scene, data: Path, frames: int, output: Output) -> Callable[[Path], None]:
    import cv2

    cv2.setNumThreads(2)
    canvas = np.empty((HEIGHT, WIDTH, 3), np.uint8)

    def clip(part: Part) -> Callable[[], None]:
        capture = cv2.VideoCapture(str(data / part.file))

        def draw() -> None:
            ok, picture = capture.read()
            assert ok, f"{part.file} is over"
            width, height = part.size or (picture.shape[1], picture.shape[0])
            place = canvas[part.y : part.y + height, part.x : part.x + width]
            if part.size:
                cv2.resize(picture, part.size, dst=place, interpolation=cv2.INTER_LINEAR)
            else:
                place[...] = picture

        return draw

    def still(part: Part) -> Callable[[], None]:
        flag = cv2.IMREAD_UNCHANGED if part.has_alpha else cv2.IMREAD_COLOR
        picture = cv2.imread(str(data / part.file), flag)
        height, width = picture.shape[:2]
        place = canvas[part.y : part.y + height, part.x : part.x + width]
        if not part.has_alpha:
            return lambda: np.copyto(place, picture)
        alpha = picture[..., 3:].astype(np.uint16)
        light = picture[..., :3] * alpha + 128
        rest = np.repeat(255 - alpha, 3, axis=2)
        work = np.empty_like(light)

        def draw() -> None:
            # (source * alpha + below * (255 - alpha)) / 255, rounded
            np.multiply(place, rest, out=work)
            np.add(work, light, out=work)
            np.add(work, work >> 8, out=work)
            np.right_shift(work, 8, out=work)
            np.copyto(place, work, casting="unsafe")

        return draw

    steps = [clip(part) if part.moves else still(part) for part in scene.parts]
    for _ in range(frames):
        for step in steps:
            step()
        if output.container is not None:
            output.take(av.VideoFrame.from_ndarray(canvas, "bgr24"))
    output.take(None)
    return lambda path: cv2.imwrite(str(path), canvas)


PEERS = {"pyav": pyav, "opencv": opencv}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("--scene", required=True, choices=[k for k, s in SCENES.items() if not s.edit])
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--out", type=Path, default=Path("peer.mp4"))
    parser.add_argument("--save-frame", type=Path, metavar="PNG")
    options = parser.parse_args()
    scene = SCENES[options.scene]
    output = Output(scene, options.out)
    save = PEERS[options.peer](scene, options.data, options.frames, output)
    if options.save_frame:
        save(options.save_frame)


if __name__ == "__main__":
    main()

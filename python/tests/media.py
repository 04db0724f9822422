# SPDX-License-Identifier: GPL-2.0-or-later
"""Media with known content, made and read back by the ffmpeg command line: what the tests measure against."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Samples = NDArray[np.float32]

RATE = 48000
DUE = Fraction(1, 1000)  # a frame is due at t if its time is at most t + 1 ms


def need(*programs: str) -> None:
    """Skips the test, saying why, if a program is not installed."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"needs the program {program}, which is not installed")


def run(*command: str | Path, stdin: bytes | None = None) -> bytes:
    """What a program wrote to its standard output; the test fails with its messages if it failed."""
    done = subprocess.run([str(part) for part in command], input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr.decode(errors='replace')[-2000:]}"
    return done.stdout


def ffmpeg(*arguments: str | Path, stdin: bytes | None = None) -> bytes:
    need("ffmpeg")
    quiet = ("-hide_banner", "-loglevel", "error", "-nostdin") if stdin is None else ("-loglevel", "error")
    return run("ffmpeg", *quiet, "-y", *arguments, stdin=stdin)


def need_encoder(name: str) -> None:
    """Skips the test if this ffmpeg has no such encoder."""
    if f" {name} " not in ffmpeg("-encoders").decode():
        pytest.skip(f"this machine's ffmpeg has no encoder {name}")


# ---- Pictures that carry a number ----------------------------------------------------------------------------

BLOCK = 32
COLUMNS, ROWS = 4, 3  # 12 bits
WIDTH, HEIGHT = COLUMNS * BLOCK, ROWS * BLOCK


def numbered_picture(number: int) -> Bytes:
    """A gray picture of 4 x 3 blocks: the bits of the number, white for 1, the lowest first."""
    assert 0 <= number < 1 << COLUMNS * ROWS
    bits = [number >> i & 1 for i in range(COLUMNS * ROWS)]
    blocks = np.array(bits, np.uint8).reshape(ROWS, COLUMNS) * 255
    return blocks.repeat(BLOCK, 0).repeat(BLOCK, 1)


def number_of(picture: Bytes) -> int:
    """The number in a picture of any size: gray (h, w), or with channels (h, w, c)."""
    gray = picture if picture.ndim == 2 else picture[..., :3].mean(axis=2)
    height, width = gray.shape[0] / ROWS, gray.shape[1] / COLUMNS
    number = 0
    for i in range(COLUMNS * ROWS):
        row, column = divmod(i, COLUMNS)
        inner = gray[
            int((row + 0.3) * height) : math.ceil((row + 0.7) * height),
            int((column + 0.3) * width) : math.ceil((column + 0.7) * width),
        ]
        level = float(inner.mean())
        assert level < 80 or level > 175, f"block {i} is neither black nor white but {level:.0f}"
        number |= (level > 128) << i
    return number


def luma(frame: Any) -> Bytes:
    """The luma plane of a LiveKit frame."""
    rows: Bytes = frame.to_ndarray("yuv420p")
    return rows[: frame.size[1]]


def numbered_clip(path: Path, frames: int, fps: str | int = 30, *options: str) -> Path:
    """Frame n shows n. H.264 with B-frames, unless the options say otherwise."""
    pictures = b"".join(numbered_picture(n).tobytes() for n in range(frames))
    codec = options or ("-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-g", "48")
    raw = ("-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(fps), "-i", "-")
    ffmpeg(*raw, "-pix_fmt", "yuv420p", *codec, path, stdin=pictures)
    return path


# ---- Reading files back --------------------------------------------------------------------------------------


def probe(path: Path, *, count: bool = True) -> dict[str, Any]:
    """Streams and container; with ``count`` the frames are counted by decoding them."""
    need("ffprobe")
    counted = ("-count_frames",) if count else ()
    shown = ("-show_streams", "-show_format", "-of", "json")
    text = run("ffprobe", "-v", "error", *counted, *shown, str(path))
    return dict(json.loads(text))


def stream(path: Path, kind: str, *, count: bool = True) -> dict[str, Any]:
    """The only stream of a kind ("video", "audio")."""
    found = [s for s in probe(path, count=count)["streams"] if s["codec_type"] == kind]
    assert len(found) == 1, f"{path.name} has {len(found)} {kind} streams"
    return dict(found[0])


def frame_times(path: Path, kind: str = "v", at_most: int | None = None) -> list[Fraction]:
    """The presentation times of the decoded frames, in order, in seconds."""
    need("ffprobe")
    few = () if at_most is None else ("-read_intervals", f"%+#{at_most}")
    shown = ("-show_entries", "frame=best_effort_timestamp_time", "-of", "csv=p=0")
    text = run("ffprobe", "-v", "error", "-select_streams", kind, *few, *shown, str(path)).decode()
    return [
        Fraction(line.split(",")[0]) for line in text.splitlines() if line[:1].isdigit() or line[:1] == "-"
    ]


def is_fragmented(path: Path) -> bool:
    """Whether an MP4 is made of fragments: what is being recorded is, an ordinary file is not."""
    data, at, kinds = path.read_bytes(), 0, []
    while at + 16 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        kinds.append(data[at + 4 : at + 8])
        size = int.from_bytes(data[at + 8 : at + 16], "big") if size == 1 else size
        if size < 8:
            break
        at += size
    return b"moof" in kinds


def decoded(path: Path, pix_fmt: str = "gray") -> Bytes:
    """All pictures of a file as ffmpeg decodes them: (frames, height, width) gray or (..., 3) rgb24."""
    video = stream(path, "video", count=False)
    shape = (video["height"], video["width"], *((3,) if pix_fmt == "rgb24" else ()))
    raw = ffmpeg(
        "-i", path, "-map", "0:v", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", pix_fmt, "-"
    )
    return np.frombuffer(raw, np.uint8).reshape(-1, *shape)


def decoded_numbers(path: Path) -> list[int]:
    return [number_of(picture) for picture in decoded(path)]


def decoded_sound(path: Path, rate: int = RATE) -> Samples:
    """All sound of a file: (samples, 2)."""
    raw = ffmpeg("-i", path, "-map", "0:a", "-f", "f32le", "-ac", "2", "-ar", str(rate), "-")
    return np.frombuffer(raw, np.float32).reshape(-1, 2)


# ---- Sounds --------------------------------------------------------------------------------------------------


def write_sound(path: Path, samples: NDArray[Any], rate: int = RATE, codec: str | None = None) -> Path:
    """A sound file, float by default, with these samples: (n, channels) between -1 and 1."""
    data = np.ascontiguousarray(samples, "<f4")
    raw = ("-f", "f32le", "-ac", str(data.shape[1]), "-ar", str(rate), "-i", "-")
    ffmpeg(*raw, "-c:a", codec or "pcm_f32le", path, stdin=data.tobytes())
    return path


def tone(seconds: float, hertz: float, amplitude: float = 0.25, phase: float = 0.0) -> Samples:
    """A stereo tone; the right side a third as loud, so that swapped sides are seen."""
    t = np.arange(round(seconds * RATE)) / RATE
    wave = amplitude * np.sin(2 * np.pi * hertz * t + phase)
    return np.stack([wave, wave / 3], axis=1).astype(np.float32)


# ---- Time ----------------------------------------------------------------------------------------------------


def shown_at(times: list[Fraction], t: Fraction) -> int:
    """The index of the frame shown at t: the last one due; the first before its time, the last after the end."""
    start = times[0]
    due = [i for i, time in enumerate(times) if time - start <= t + DUE]
    return due[-1] if due else 0

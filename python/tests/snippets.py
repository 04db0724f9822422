# SPDX-License-Identifier: GPL-2.0-or-later
"""The Python programs in README.md and docs/, and what they find around them when they are run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import LiveKit as lk
import media
import numpy as np

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FENCED = re.compile(r"^(#{1,6}) (.+?)$|^( *)```(\w*)\n(.*?)^\3```$", re.MULTILINE | re.DOTALL)

# What the programs of the pages leave out: pictures to draw and something that looks at them.
BEFORE = """
import numpy as np
seen = []
def process(picture):
    seen.append(picture)
    if len(seen) == 100:
        raise SystemExit
def draw(number):
    picture = np.zeros((360, 640, 3), np.uint8)
    picture[:, : 10 * number + 1] = 200
    return picture
image = draw(20)
"""


@dataclass(frozen=True)
class Snippet:
    """A program of a page."""

    page: Path
    line: int
    title: str
    code: str

    @property
    def name(self) -> str:
        where = self.page.relative_to(ROOT).with_suffix("").as_posix().removeprefix("docs/")
        return f"{where}:{self.line} {self.title}"

    @property
    def needs(self) -> str:
        """What its first line says it needs: "a camera and a display"."""
        first = self.code.partition("\n")[0]
        return first.removeprefix("# needs ") if first.startswith("# needs ") else ""

    @property
    def is_endless(self) -> bool:
        """Whether it says that somebody has to end it."""
        return "Ctrl-C" in self.code or "until it is closed" in self.code

    @property
    def lines(self) -> int:
        """Its lines that do something, blank ones and what it needs left out."""
        return sum(bool(line.strip()) and not line.startswith("# needs ") for line in self.code.splitlines())

    def program(self) -> str:
        """All of it."""
        return BEFORE + self.code


def pages() -> list[Path]:
    """README.md and the pages of docs/; none where there is no source tree."""
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))] if DOCS.is_dir() else []


def fenced(page: Path) -> Iterator[tuple[str, int, str, str]]:
    """(heading, line, language, text) of every fenced block of a page."""
    text, title = page.read_text(encoding="utf-8"), ""
    for found in FENCED.finditer(text):
        if found[2] is not None:
            title = found[2]
            continue
        indent = len(found[3])
        code = "".join(line[indent:] if line.strip() else line for line in found[5].splitlines(keepends=True))
        yield title, text.count("\n", 0, found.start()) + 1, found[4], code


@cache
def snippets() -> tuple[Snippet, ...]:
    """Ours: those marked ``python``. What other tools' programs look like is marked ``py``."""
    return tuple(
        Snippet(page, line, title, code)
        for page in pages()
        for title, line, language, code in fenced(page)
        if language == "python"
    )


# ---- What lies in the folder ------------------------------------------------------------------------------------


def _picture(width: int, height: int, seed: float) -> media.Bytes:
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : width / height : width * 1j]
    wave = np.sin(5 * x + 3 * np.sin(4 * y + seed)) + np.sin(6 * y - seed)
    return np.stack([70 + 30 * wave, 80 + 25 * wave + 40 * y, 120 + 40 * wave], axis=2).astype(np.uint8)


def _logo(size: int = 128) -> media.Bytes:
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    distance = np.hypot(x, y)
    picture = np.zeros((size, size, 4), np.uint8)
    picture[..., :3] = np.where((np.abs(distance - 0.55) < 0.2)[..., None], (255, 255, 255), (220, 40, 60))
    picture[..., 3] = (np.clip((0.97 - distance) * size / 2, 0, 1) * 255).astype(np.uint8)
    return picture


def make_media(folder: Path) -> None:
    """Every file that pages name: film with sound, pictures, music. Four seconds, 640x360, 30 frames a second."""
    folder.mkdir(parents=True, exist_ok=True)
    music = media.write_sound(folder / "music.wav", 0.3 * (media.tone(6, 440) + media.tone(6, 554)))
    media.ffmpeg("-i", music, folder / "music.mp3")
    for name, seed in (("clip.mp4", 0.0), ("talk.mp4", 2.0), ("b.mp4", 4.0)):
        frames = b"".join(_picture(320, 180, seed + n / 19).tobytes() for n in range(120))
        raw = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "320x180", "-r", "30", "-i", "-")
        picture = ("-vf", "scale=640:360", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast")
        media.ffmpeg(*raw, "-i", music, *picture, "-c:a", "aac", "-t", "4", folder / name, stdin=frames)
    for name in ("a.mp4", "interview.mp4", "film.mp4"):
        (folder / name).symlink_to("clip.mp4")
    media.ffmpeg("-i", folder / "clip.mp4", "-c", "copy", folder / "old.mkv")
    for name, seed in (("bg.jpg", 1.0), ("photo.jpg", 3.0), ("poster.jpg", 5.0)):
        lk.Frame.from_ndarray(_picture(1280, 720, seed), "rgb24").save(folder / name)
    for n in range(4):
        lk.Frame.from_ndarray(_picture(320, 180, float(n)), "rgb24").save(folder / f"slide{n + 1}.png")
    lk.Frame.from_ndarray(_logo(), "rgba").save(folder / "logo.png")

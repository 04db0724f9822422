# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the first program of the README as it is printed: first_program.py README FOLDER.

The files it names are made first, with LiveKit itself; the film it makes is FOLDER/film.mp4 afterwards.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import LiveKit as lk

readme, folder = Path(sys.argv[1]), Path(sys.argv[2])
program = re.findall(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)[0]
folder.mkdir(parents=True, exist_ok=True)
os.chdir(folder)

pattern = lk.Compositor(640, 360, fps=30)
pattern.add(lk.TestPattern(640, 360, fps=30))
pattern.render("clip.mp4", seconds=12)
pattern.screenshot("bg.jpg")
before = set(Path().iterdir())

exec(compile(program, "README.md", "exec"), {"__name__": "__main__"})

(made,) = set(Path().glob("*.mp4")) - before
made.rename("film.mp4")
info = lk.MediaInfo("film.mp4")
print(f"  {made}: {info}")
assert info.has_video(), info

# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the first program of the README as it is printed, where NumPy can be had: first_program.py README FOLDER.

Then a film, FOLDER/film.mp4, of what the program made, of a clip and of a title.
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

try:
    import numpy  # noqa: F401
except ImportError as error:
    # its wheel wants the system's C++ library, which the slimmest machines lack; ours does not
    print(f"  the README's program is left out: NumPy cannot be imported ({str(error).splitlines()[-1]})")
    made = Path("hello.png")
    words = lk.Compositor(640, 360)
    words.add(lk.Text("LiveKit", font_size=90, bold=True), anchor="center")
    words.screenshot(made)
else:
    before = set(Path().iterdir())
    exec(compile(program, "README.md", "exec"), {"__name__": "__main__"})
    (made,) = set(Path().iterdir()) - before

clip = lk.Compositor(640, 360, fps=30)
clip.add(lk.TestPattern(640, 360, fps=30))
clip.render("clip.mp4", seconds=12)

film = lk.Compositor(1280, 720, fps=30)
film.add("clip.mp4", fit="cover")
film.add(str(made), anchor="bottom-right", margin=40)
film.add(lk.Text("a film", font_size=60), at=(40, 40))
film.render("film.mp4", seconds=10)
print(f"  {made}: {made.stat().st_size / 1e3:.0f} kB; film.mp4: {lk.MediaInfo('film.mp4')}")

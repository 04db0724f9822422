#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes docs/pictures anew: runs the programs whose pictures their pages show, and keeps those."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

from snippets import DOCS, make_media, snippets


def main() -> None:
    pictures = DOCS / "pictures"
    pictures.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        make_media(Path(folder))
        os.chdir(folder)
        for snippet in snippets():
            text = snippet.page.read_text(encoding="utf-8")
            named = re.findall(r'"([\w.-]+\.(?:png|webp))"', snippet.code)
            wanted = [name for name in named if f"pictures/{name})" in text and not snippet.needs]
            if wanted:
                exec(compile(snippet.program(), snippet.name, "exec"), {"__name__": "__main__"})
            for name in wanted:
                shutil.copy(name, pictures / name)
                print(f"{snippet.name}: {name}, {(pictures / name).stat().st_size} bytes")


main()

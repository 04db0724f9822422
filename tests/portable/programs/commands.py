# SPDX-License-Identifier: GPL-2.0-or-later
"""What `doctor` and `licenses` say on a machine with nothing but the wheel."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import LiveKit as lk

PROGRAM = Path(sys.executable).parent / "livekit-studio"


def said(*arguments: str) -> Any:
    done = subprocess.run([PROGRAM, *arguments, "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    return json.loads(done.stdout)


doctor = said("doctor")
for finding in doctor["findings"]:
    works = finding["health"] == "works"
    assert works or finding["mend"], f"nothing mends {finding}"
health = {finding["topic"]: finding["health"] for finding in doctor["findings"]}
assert health["media"] == health["network"] == health["between processes"] == "works", doctor

licenses = said("licenses")
bundled = {part["name"] for part in licenses["components"] if part["kind"] == "bundled"}
assert {"FFmpeg", "x264", "x265", "SRT", "OpenSSL", "zlib"} <= bundled, bundled
assert all(part["license"] and part["source"] for part in licenses["components"])
assert [part.name for part in lk.licenses().components] == [part["name"] for part in licenses["components"]]

# every library that came along is told of, and its licence came along too
folder = Path(lk.__file__).parent.parent
libraries = {path.name.split("-")[0].removeprefix("lib") for path in folder.glob("livekit_studio.libs/*.so*")}
texts = {path.stem for path in folder.glob("livekit_studio-*.dist-info/licenses/bundled/*.txt")}
print(f"  libraries: {', '.join(sorted(libraries))}")
print(f"  licences: {', '.join(sorted(texts))}")
assert len(texts) > len(bundled), (texts, bundled)  # and those of the crates

encoders = {encoder["name"] for encoder in said("encoders")["encoders"]}
assert {
    "libx264",
    "libx265",
    "libvpx-vp9",
    "libsvtav1",
    "aac",
    "libopus",
    "libmp3lame",
    "ffv1",
    "prores_ks",
} <= encoders, encoders

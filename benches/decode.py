#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Decoding alone: our player, pulled frame by frame, against ``ffmpeg -f null`` on the same clips and threads.

    decode.py --data build/bench-data [--clips v1080a,v1080c] [--laps 4] [--repeat 5] [--threads 2]

CPU time of the whole process without start-up: what a lap more costs, as the difference between one lap and
1 + ``laps`` of them. The runs take turns; ratios of the least and of the medians are printed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

OURS = """
import sys
import LiveKit as lk
for _ in range(int(sys.argv[2])):
    assert sum(1 for _ in lk.LazyPlayer(sys.argv[1]).frames()) == 300
"""


def cpu(command: list[str], threads: int) -> float:
    environment = {**os.environ, "LIVEKIT_THREADS": str(threads)}
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--clips", default="v1080a,v1080c")
    parser.add_argument("--laps", type=int, default=4)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()

    def ours(clip: str, laps: int) -> float:
        return cpu([sys.executable, "-c", OURS, clip, str(laps)], options.threads)

    def theirs(clip: str, laps: int) -> float:
        command = ["ffmpeg", "-v", "error", "-nostdin", "-threads", str(options.threads)]
        loop = [
            "-stream_loop",
            str(laps - 1),
            "-i",
            clip,
            "-an",
            "-fps_mode",
            "passthrough",
            "-f",
            "null",
            "-",
        ]
        return cpu([*command, *loop], options.threads)

    for name in options.clips.split(","):
        clip = str(options.data / f"{name}.mp4")
        costs: dict[str, list[float]] = {"ours": [], "ffmpeg": []}
        for _ in range(options.repeat):
            for who, run in (("ours", ours), ("ffmpeg", theirs)):
                once, more = run(clip, 1), run(clip, 1 + options.laps)
                costs[who].append((more - once) * 1000 / (300 * options.laps))
        mine, other = costs["ours"], costs["ffmpeg"]
        print(
            f"{name}, {options.threads} threads: ours {min(mine):.2f} to {max(mine):.2f} ms a frame,"
            f" ffmpeg {min(other):.2f} to {max(other):.2f};"
            f" ratio of the least {min(mine) / min(other):.3f}, of the medians {median(mine) / median(other):.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()

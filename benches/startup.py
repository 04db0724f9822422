#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How long from the start of the interpreter to the first frame of one picture?

    startup.py --picture build/bench-data/bg.jpg [--runs 20]

prints the least and the median of real and CPU time of the whole process, in milliseconds, files in the page cache.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

PROGRAM = """
import sys
import LiveKit as lk
scene = lk.Compositor(1920, 1080)
scene.add(sys.argv[1])
assert scene.frame("bgra").size == (1920, 1080)
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--picture", required=True, type=Path)
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    real, cpu = [], []
    for run in range(options.runs + 1):
        begun = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(options.picture)])
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        if run:  # the first one fills the page cache
            real.append((time.perf_counter() - begun) * 1000)
            cpu.append((usage.ru_utime + usage.ru_stime) * 1000)
    for name, times in (("real", real), ("CPU", cpu)):
        print(f"{name} time: least {min(times):.0f} ms, median {median(times):.0f} ms")


if __name__ == "__main__":
    main()

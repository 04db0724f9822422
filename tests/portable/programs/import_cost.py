# SPDX-License-Identifier: GPL-2.0-or-later
"""What `import LiveKit` costs in a fresh interpreter: told, not judged: how busy a machine is counts too."""

from __future__ import annotations

import subprocess
import sys
from statistics import median

CODE = """
import resource, time
def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
def private():
    with open("/proc/self/smaps_rollup") as status:
        return sum(int(line.split()[1]) for line in status if line.startswith("Private"))
before, own, begun = resident(), private(), time.perf_counter()
import LiveKit
print((time.perf_counter() - begun) * 1000, (resident() - before) / 1024, (private() - own) / 1024, resident() / 1024)
"""
RUNS = 15

rows = []
for _ in range(RUNS + 1):  # the first reads the files
    done = subprocess.run([sys.executable, "-P", "-c", CODE], capture_output=True, text=True, check=True)
    rows.append([float(number) for number in done.stdout.split()])
times = [row[0] for row in rows[1:]]
_, grown, private, whole = (median(column) for column in zip(*rows[1:], strict=True))
spread = f"least {min(times):.0f}, most {max(times):.0f}; first {rows[0][0]:.0f}"
print(f"  import LiveKit: median {median(times):.0f} ms, {spread} ms")
print(f"  goal 120 ms: {'met' if median(times) <= 120 else 'NOT MET'}")
print(
    f"  memory: {grown:.1f} MB more resident ({private:.1f} MB of it its own), the whole process {whole:.1f} MB"
)
print(f"  goal 40 MB: {'met' if grown <= 40 else 'NOT MET'}")

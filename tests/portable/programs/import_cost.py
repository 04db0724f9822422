# SPDX-License-Identifier: GPL-2.0-or-later
"""What `import LiveKit` costs in a fresh interpreter: told, not judged: how busy a machine is counts too."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
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
RUNS = 25


def run() -> list[float]:
    """What the program says, then the milliseconds of its whole process: by the clock, and of CPU."""
    used, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([sys.executable, "-P", "-c", CODE], capture_output=True, text=True, check=True)
    took, now = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    return [*(float(number) for number in done.stdout.split()), took * 1000, cpu * 1000]


first, *rows = [run() for _ in range(RUNS + 1)]  # the first reads the files
alone, grown, private, resident, whole, cpu = zip(*rows, strict=True)
print(f"  import LiveKit: least {min(alone):.0f}, median {median(alone):.0f} ms; first {first[0]:.0f} ms")
print(f"  the whole process: least {min(whole):.0f}, median {median(whole):.0f} ms; CPU {median(cpu):.0f} ms")
print(f"  goal 120 ms for the whole: {'met' if median(whole) <= 120 else 'NOT MET'}")
print(
    f"  memory: {median(grown):.1f} MB more resident ({median(private):.1f} MB of it its own), "
    f"the whole process {median(resident):.1f} MB"
)
print(f"  goal 40 MB: {'met' if median(grown) <= 40 else 'NOT MET'}")

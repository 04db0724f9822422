# SPDX-License-Identifier: GPL-2.0-or-later
"""One process composes, another looks: the pictures lie in memory that both see, and are not copied."""

import os
import subprocess
import sys

import LiveKit as lk


def look(name: str) -> None:
    with lk.IPCSource(name) as source:
        for number, frame in enumerate(source.frames(timeout=10), start=1):
            if number % 10 == 0:
                print(f"picture {number}: {frame.size}, mean {frame.array[::8, ::8].mean():.1f}")
            if number == 30:
                return


def compose(name: str) -> None:
    with lk.Compositor(1280, 720, fps=30) as scene, lk.IPCTarget(name, 1280, 720) as target:
        scene.add(lk.TestPattern(1280, 720))
        scene.add_target(target)
        other = subprocess.Popen([sys.executable, __file__, name])
        scene.run(until=lambda: other.poll() is not None)
        print(target.statistics())


if len(sys.argv) > 1:
    look(sys.argv[1])
else:
    compose(f"example-{os.getpid()}")

# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a program that somebody has to end, and ends it as they would: with Ctrl-C.

python endless.py PROGRAM SECONDS. Says how it ended; anything but the Ctrl-C is an error.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading

import LiveKit as lk


def main(program: str, seconds: float) -> int:
    print("with", lk.__version__)
    timer = threading.Timer(seconds, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    try:
        runpy.run_path(program)
    except KeyboardInterrupt:
        print("ended by Ctrl-C")
        return 0
    except SystemExit:  # it has seen enough pictures
        print("has seen enough")
        return 0
    finally:
        timer.cancel()
    print("ended by itself, though it says that it does not")
    return 1


sys.exit(main(sys.argv[1], float(sys.argv[2])))

# SPDX-License-Identifier: GPL-2.0-or-later
"""tone.py make OUT.wav HERTZ DBFS: ten seconds of a tone; levels as sines have them.
tone.py heard IN.raw HERTZ DBFS: whether a recording (48 kHz, two channels of 16 bits) has a second of that tone."""

from __future__ import annotations

import sys
import wave

import numpy as np

RATE = 48000


def make(path: str, hertz: float, level: float) -> None:
    t = np.arange(10 * RATE) / RATE
    samples = np.round(32767 * 10 ** (level / 20) * np.sin(2 * np.pi * hertz * t)).astype("<i2")
    with wave.open(path, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.repeat(2).tobytes())


def heard(path: str, hertz: float, level: float) -> bool:
    """Prints what the loudest second was."""
    with open(path, "rb") as file:
        data = file.read()
    sound = np.frombuffer(data[: len(data) // 4 * 4], "<i2").reshape(-1, 2) / 32768
    # by tenths of a second, so that the second lies within the tone
    tenths = len(sound) // (RATE // 10)
    power = (sound[: tenths * (RATE // 10)] ** 2).reshape(tenths, -1).mean(axis=1)
    seconds = np.array([power[i : i + 10].min() for i in range(max(tenths - 9, 0))])
    if not seconds.size or seconds.max() == 0:
        print("nothing was heard")
        return False
    start = int(seconds.argmax()) * (RATE // 10)
    second = sound[start : start + RATE]
    peak = int(np.abs(np.fft.rfft(second[:, 0] * np.hanning(RATE))).argmax())
    levels = 10 * np.log10(2 * (second**2).mean(axis=0))
    print(f"{peak} Hz at {levels[0]:.2f} and {levels[1]:.2f} dBFS, {tenths / 10} s were recorded")
    return abs(peak - hertz) <= 1 and bool((np.abs(levels - level) < 0.5).all())


if __name__ == "__main__":
    what, path, hertz, level = sys.argv[1:5]
    if what == "make":
        make(path, float(hertz), float(level))
    else:
        sys.exit(not heard(path, float(hertz), float(level)))

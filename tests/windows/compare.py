# SPDX-License-Identifier: GPL-2.0-or-later
"""compare.py A.npz B.npz: whether two renders are the same within 1/255."""

from __future__ import annotations

import sys

import numpy as np

a, b = (np.load(name) for name in sys.argv[1:3])
worst = 0
for name in sorted(a.files):
    assert a[name].shape == b[name].shape, (name, a[name].shape, b[name].shape)
    assert a[name].std() > 20, f"{name} shows nothing"
    difference = np.abs(a[name].astype(int) - b[name])
    print(f"{name}: {np.mean(difference > 0):.4%} of the values differ, by at most {difference.max()}")
    worst = max(worst, int(difference.max()))
sys.exit(worst > 1)

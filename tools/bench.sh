#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The standard scenes (benches/scenes.py), one BENCH line each. SCENES="s1 s3" and FRAMES=600 choose; DATA=dir brings inputs.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT"
tools/wheel.sh install
data=${DATA:-$ROOT/build/bench-data}
[ -n "${DATA:-}" ] || tools/bench_inputs.sh "$data"
for scene in ${SCENES:-s1 s2 s3 s3y s3b s3b-bgra s3c s4r s4 s6 roam}; do
    printf '%-9s ' "$scene"
    "$PY" benches/scenes.py --scene "$scene" --data "$data" --frames "${FRAMES:-300}" --out "$ROOT/build/bench-$scene.mp4" |
        grep '^BENCH'
done

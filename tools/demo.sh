#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The main job, once: wheel, media, the demo program, and five seconds of it live. Extra arguments go to the program.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT"
tools/wheel.sh install
"$PY" tools/demo_media.py build/demo-media
title "examples/python/demo.py"
"$PY" examples/python/demo.py "$@"
title "examples/python/record_live.py"
"$PY" examples/python/record_live.py demo.mp4 live.mp4 5
say "the results: demo.mp4 (offline), demo.png (its contact sheet), live.mp4 (recorded live)"

#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The main job, once: wheel, media, then the demo program. Extra arguments go to the program.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT"
tools/wheel.sh install
"$PY" tools/demo_media.py build/demo-media
title "examples/python/demo.py"
"$PY" examples/python/demo.py "$@"

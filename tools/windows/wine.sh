#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# wine.sh PROGRAM.exe ARGUMENTS...: runs a Windows program in the tool chain's Wine, with FFmpeg's DLLs on its path.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
wine_env
export WINEPATH="Z:${FFMPEG_WINDOWS//\//\\}\\bin"
exec "$WINE" "$@"

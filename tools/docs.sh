#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# docs.sh build      the site, into build/site, from docs/ and the stubs
# docs.sh pictures   the pictures that pages make, by their own lines, into docs/pictures
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT"
DOCS_VENV=$ROOT/build/docs-venv

case ${1:-build} in
    build)
        key=$(sha256sum tools/requirements-docs.txt | cut -d' ' -f1)
        if [ "$(cat "$DOCS_VENV/.stamp" 2>/dev/null)" != "$key" ]; then
            title "mkdocs and its theme into $DOCS_VENV"
            rm -rf "$DOCS_VENV"
            "$PY" -m venv "$DOCS_VENV"
            "$DOCS_VENV/bin/pip" install --quiet -r tools/requirements-docs.txt
            echo "$key" >"$DOCS_VENV/.stamp"
        fi
        # the theme tells of another generator at every build
        NO_MKDOCS_2_WARNING=1 "$DOCS_VENV/bin/mkdocs" build --strict --clean
        say "the site: $ROOT/build/site/index.html"
        ;;
    pictures)
        tools/wheel.sh install
        "$PY" python/tests/docs_pictures.py
        ;;
    *) die "usage: docs.sh build | pictures" ;;
esac

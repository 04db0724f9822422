#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# wheel.sh           the portable wheel, into dist/portable, if a source changed since; says what it installs first
# wheel.sh sources   the source packages of all libraries inside, into build/portable/sources (to go beside a release)
# PROFILE=ci builds it faster and slower to run, for trying.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../env.sh"
. "$ROOT/tools/portable/libraries.sh"
find_rust || die "no Rust tool chain: run make setup"
cd "$ROOT"
PROFILE=${PROFILE:-release}
OUT=$ROOT/dist/portable
TOOLS=$BASE/tools

wheel() { find "$OUT" -maxdepth 1 -name '*.whl' 2>/dev/null | head -n1; }

sources() {
    {
        find crates python tools/portable tools/licences.py Cargo.toml Cargo.lock pyproject.toml README.md LICENSE LICENSES \
            NOTICE -type f ! -path '*/__pycache__/*' ! -path 'python/tests/*' ! -name '*.so' -print0 | sort -z | xargs -0 sha256sum
        cat "$PREFIX/key"
        echo "$PROFILE"
        rustc --version
    } | sha256sum | cut -d' ' -f1
}

# Name, version, licence and source of each library inside, between tabs. The licences are those of what is used, by
# each library's debian/copyright, which goes into the wheel.
bundled() {
    local -A licences=([ffmpeg]="GPL-3.0-or-later" [x264]="GPL-2.0-or-later" [x265]="GPL-2.0-or-later" [numactl]="LGPL-2.1-only" [srt]="MPL-2.0" [openssl]="Apache-2.0"
        [libvpx]="BSD-3-Clause" [libwebp]="BSD-3-Clause" [svt-av1]="BSD-3-Clause-Clear AND BSD-2-Clause AND MIT" [dav1d]="BSD-2-Clause" [opus]="BSD-3-Clause"
        [lame]="LGPL-2.0-or-later" [zlib]="Zlib" [nv-codec-headers]="MIT")
    local -A names=([ffmpeg]=FFmpeg [srt]=SRT [openssl]=OpenSSL [svt-av1]=SVT-AV1 [opus]=Opus [lame]=LAME [numactl]=libnuma)
    while IFS='=' read -r source version; do
        printf '%s\t%s\t%s\tDebian source package %s %s, https://tracker.debian.org/pkg/%s\n' \
            "${names[$source]:-$source}" "$version" "${licences[$source]}" "$source" "$version" "$source"
    done < <(all_sources)
    printf 'libstdc++\t%s\tGPL-3.0-or-later WITH GCC-exception-3.1\tDebian source package gcc-12, https://tracker.debian.org/pkg/gcc-12\n' \
        "$(dpkg-query -W -f='${Version}' libstdc++-12-dev)"
}

build() {
    local key
    key=$(sources)
    if [ -n "$(wheel)" ] && [ "$(cat "$OUT/.sources" 2>/dev/null)" = "$key" ]; then
        say "wheel: $(wheel) is up to date"
        return
    fi
    if [ "$(cat "$TOOLS/.installed" 2>/dev/null)" != "${PYTHON_TOOLS[*]}" ]; then
        title "Python packages into $TOOLS: ${PYTHON_TOOLS[*]}"
        rm -rf "$TOOLS"
        "$PY" -m venv "$TOOLS"
        "$TOOLS/bin/pip" install --quiet "${PYTHON_TOOLS[@]}"
        echo "${PYTHON_TOOLS[*]}" >"$TOOLS/.installed"
    fi
    title "The portable wheel (the first time takes minutes)"
    rm -rf "$OUT" "$BASE/wheel"
    mkdir -p "$OUT" "$BASE/wheel"
    tools/licences.py --texts >"$BASE/crates.txt"
    # the name of a library at run time is the one auditwheel gives it; until then it is found where it was built
    PKG_CONFIG_PATH=$PREFIX/lib/pkgconfig LD_LIBRARY_PATH=$PREFIX/lib CARGO_TARGET_DIR=$BASE/target LIVEKIT_BUNDLED=$(bundled) \
        "$VENV/bin/maturin" build --profile "$PROFILE" --strip --compatibility linux --out "$BASE/wheel" --interpreter "$PY" "${LOCKED[@]}" \
        -- -C "link-arg=$WRAP" -C "link-arg=$PREFIX/lib/libglibc.a"
    PATH=$TOOLS/bin:$PATH LD_LIBRARY_PATH=$PREFIX/lib "$TOOLS/bin/auditwheel" repair --strip \
        --wheel-dir "$BASE/wheel/repaired" "$BASE"/wheel/*.whl
    "$TOOLS/bin/python" tools/portable/bundle.py "$BASE"/wheel/repaired/*.whl "$OUT" "$PREFIX/licences" "$BASE/crates.txt"
    echo "$key" >"$OUT/.sources"
    say "wheel: $(wheel)"
}

"$ROOT/tools/portable/prefix.sh"
case ${1:-build} in
    build) build ;;
    sources)
        title "Sources of all libraries inside, to $SOURCES"
        cd "$SOURCES"
        private_apt update
        absent=()
        while read -r package; do
            private_apt source --download-only --only-source "$package" || absent+=("$package")
        done < <(all_sources)
        ls -lh "$SOURCES"
        [ ${#absent[@]} -eq 0 ] ||
            die "the mirror has no source of ${absent[*]} (see above); LK_DEBIAN_MIRROR names another, snapshot.debian.org has all"
        ;;
    *) die "usage: wheel.sh [build | sources]" ;;
esac

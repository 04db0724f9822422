#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh [STAGE...]: what a user meets who installs the portable wheel on a machine with nothing but Python.
#   debian12   a chroot of Debian 12 with Python alone: install, first program, doctor, import, errors that help, neighbours
#   debian13   the same with a newer C library and Python
#   ubuntu24   the same with Ubuntu's Python on Ubuntu's files
#   ubuntu22   the same with an older C library, and the Python 3.11 that is there beside 3.10
#   slim       Debian 12's essential packages and Python: no C++ library, no package manager
#   windows    Debian 12 with an X server: opencv-python with its own windows beside ours, and with the other neighbours
#   container  the Dockerfile of docs/guide/headless.md, built by buildah on Debian 13, run and stopped
#   host       this machine: opencv-python beside the others, and the Python tests against this wheel
#   sdist      the source archive, installed by pip in a chroot with what docs/install.md names and this machine's Rust
#   deb        the Debian package of `make deb`, installed by apt in a chroot of Debian 12
#   conda      the conda package, built and tested by rattler-build; without conda-forge the recipe is only read
# WHEEL names a wheel to try; without it the one of tools/portable/wheel.sh is tried.
# What cannot be made here is told as skipped, with the reason. Logs and the chroots are in build/portable/tests.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../tools/env.sh"
. "$ROOT/tools/apt.sh"
HERE=$ROOT/tests/portable
WORK=$ROOT/build/portable/tests
LOGS=$WORK/logs
mkdir -p "$LOGS"
failed=()

skip() { # skip WHAT REASON
    say "SKIPPED $1: $2"
    [ -z "${LK_SKIP_LOG:-}" ] || printf '%s: %s\n' "$1" "$2" >>"$LK_SKIP_LOG"
}

# stage NAME COMMAND...: says ok or FAILED; what it prints is shown and kept.
stage() {
    local name=$1
    shift
    title "$name"
    if "$@" 2>&1 | tee "$LOGS/${name// /-}.txt"; then
        say "ok $name"
    else
        say "FAILED $name"
        failed+=("$name")
    fi
}

# ---- Chroots --------------------------------------------------------------------------------------------------

# Ubuntu's key, from Ubuntu, by its checksum: Debian has no package of it.
ubuntu_key() {
    local deb=$WORK/ubuntu-keyring.deb
    [ -f "$WORK/ubuntu-key/usr/share/keyrings/ubuntu-archive-keyring.gpg" ] && return
    curl -fsSL --max-time 60 -o "$deb" "$UBUNTU/pool/main/u/ubuntu-keyring/ubuntu-keyring_2023.11.28.1_all.deb" || return 1
    echo "36de43b15853ccae0028e9a767613770c704833f82586f28eb262f0311adb8a8  $deb" | sha256sum --quiet -c || return 1
    dpkg -x "$deb" "$WORK/ubuntu-key"
}

UBUNTU=${LK_UBUNTU_MIRROR:-http://archive.ubuntu.com/ubuntu}
DEBIAN=${LK_DEBIAN_MIRROR:-http://deb.debian.org/debian}
python_of() { if [ "$1" = ubuntu22 ]; then echo python3.11; else echo python3; fi; }
ubuntu() { # ubuntu SUITE PACKAGES TAR
    ubuntu_key || return 1
    mmdebstrap --variant=apt --include="$2" --keyring="$WORK/ubuntu-key/usr/share/keyrings/ubuntu-archive-keyring.gpg" \
        "$1" "$3" "deb $UBUNTU $1 main universe" "deb $UBUNTU $1-updates main universe"
}
bootstrap() { # bootstrap NAME TAR
    local python
    python=$(python_of "$1"),$(python_of "$1")-venv,ca-certificates
    case $1 in
        debian12) mmdebstrap --variant=apt --include="$python" bookworm "$2" "$DEBIAN" ;;
        debian13) mmdebstrap --variant=apt --include="$python" trixie "$2" "$DEBIAN" ;;
        slim) mmdebstrap --variant=essential --include="$python" bookworm "$2" "$DEBIAN" ;;
        ubuntu24) ubuntu noble "$python" "$2" ;;
        ubuntu22) ubuntu jammy "$python" "$2" ;;
    esac
}

# chroot_of NAME [SYSTEM]: a fresh one, from an archive that is made once; false, having told why, if it cannot be had.
chroot_of() {
    local name=${2:-$1} tar=$WORK/${2:-$1}.tar
    root=$WORK/roots/$1
    if [ "$(id -u)" != 0 ]; then
        skip "$name" "chroots are made by root alone"
        return 1
    fi
    if [ ! -f "$tar" ]; then
        if [ -n "$(missing_of mmdebstrap)" ]; then
            say "  system (apt-get install): mmdebstrap, to make chroots in $WORK"
            (apt_install mmdebstrap) >"$LOGS/mmdebstrap.txt" 2>&1 || { skip "$name" "mmdebstrap cannot be installed"; return 1; }
        fi
        if ! bootstrap "$name" "$WORK/$name.part.tar" >"$LOGS/$name-bootstrap.txt" 2>&1; then
            skip "$name" "the chroot cannot be made: $(grep -m1 '^E:' "$LOGS/$name-bootstrap.txt" || tail -n1 "$LOGS/$name-bootstrap.txt")"
            return 1
        fi
        mv "$WORK/$name.part.tar" "$tar"
    fi
    rm -rf "$root"
    mkdir -p "$root"
    tar -C "$root" --exclude='./dev/*' -xf "$tar" || die "$tar cannot be unpacked"
    mkdir -p "$root/work/programs"
    cp "$HERE"/programs/*.py "$ROOT/README.md" ${WHEEL:+"$WHEEL"} "$root/work/"
    # the network as this machine has it
    cp -L /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null || true
    cp -L /etc/ssl/certs/ca-certificates.crt "$root/work/ca.crt"
}

# inside ROOT COMMAND...: in the chroot, with its own mounts and no variables of ours. The folders that BINDS names are
# there too.
inside() {
    local root=$1
    shift
    unshare --mount --pid --fork --kill-child bash -c '
        mount -t proc proc "$0/proc" && mount -t tmpfs tmpfs "$0/dev" && cd "$0/dev" &&
            for node in null zero full random urandom; do touch $node && mount --bind /dev/$node $node; done &&
            mkdir shm && mount -t tmpfs tmpfs shm && cd / || exit 125
        for folder in ${BINDS:-}; do mkdir -p "$0$folder" && mount --bind "$folder" "$0$folder" || exit 125; done
        exec chroot "$0" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin PIP_CERT=/work/ca.crt \
            PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_DEFAULT_TIMEOUT=60 \
            ${PIP_INDEX_URL:+PIP_INDEX_URL=$PIP_INDEX_URL} "$@"' "$root" "$@"
}

# The clean machine: from nothing to a film, timed.
first_program() { # first_program ROOT PYTHON
    local root=$1 begun ended
    begun=$(date +%s.%N)
    inside "$root" "$2" -m venv /work/venv &&
        inside "$root" /work/venv/bin/pip install --quiet "/work/$(basename "$WHEEL")" &&
        inside "$root" /work/venv/bin/python -P /work/first_program.py /work/README.md /work/film || return 1
    ended=$(date +%s.%N)
    figure "clean machine to a film" "$(bc <<<"$ended - $begun")" 60 s
    # not judged by itself alone: the FFmpeg of this machine plays all of it
    local frames wrong
    frames=$(ffprobe -v error -count_frames -select_streams v -show_entries stream=nb_read_frames -of csv=p=0 "$root/work/film/film.mp4")
    [ "$frames" = 300 ] || { say "the film has $frames pictures"; return 1; }
    wrong=$(ffmpeg -v error -i "$root/work/film/film.mp4" -f null - 2>&1)
    [ -z "$wrong" ] || { say "the film does not play: $wrong"; return 1; }
}

# figure WHAT VALUE GOAL UNIT: told, not judged: how busy a machine is decides it as well.
figure() {
    local verdict=met
    [ "$(bc <<<"$2 <= $3")" = 1 ] || verdict="NOT MET"
    printf '  %s: %.1f %s (goal %s %s: %s)\n' "$1" "$2" "$4" "$3" "$4" "$verdict"
}

commands() {
    local root=$1
    inside "$root" /work/venv/bin/livekit-studio doctor &&
        inside "$root" /work/venv/bin/python -P /work/commands.py
}

# ---- Stages ---------------------------------------------------------------------------------------------------

chroot_stages() { # chroot_stages NAME
    chroot_of "$1" || return 0
    inside "$root" true || die "nothing can be run in $root"
    local python=(inside "$root" /work/venv/bin/python -P)
    if ! inside "$root" "$(python_of "$1")" -c 'import ssl, urllib.request as r; c = ssl.create_default_context(cafile="/work/ca.crt")
r.urlopen("'"${PIP_INDEX_URL:-https://pypi.org/simple}"'/numpy/", timeout=30, context=c)' \
        >"$LOGS/$1-network.txt" 2>&1; then
        skip "$1" "PyPI is not reachable from the chroot: $(tail -n1 "$LOGS/$1-network.txt")"
        return 0
    fi
    stage "$1 first program" first_program "$root" "$(python_of "$1")"
    stage "$1 commands" commands "$root"
    stage "$1 import" "${python[@]}" /work/import_cost.py
    stage "$1 nothing there" "${python[@]}" /work/nothing_there.py
    # numpy and the neighbours want the C++ library of the system
    [ "$1" != slim ] || return 0
    if ! inside "$root" /work/venv/bin/pip install --quiet av opencv-python-headless livekit >"$LOGS/$1-pip.txt" 2>&1; then
        skip "$1 neighbours" "pip cannot install them: $(tail -n1 "$LOGS/$1-pip.txt")"
        return 0
    fi
    stage "$1 neighbours" "${python[@]}" /work/neighbours.py /work/film/clip.mp4
}

# What opencv-python's own windows want of a system, as its page at PyPI says, and a display.
WINDOW_PACKAGES=(xvfb libgl1 libglib2.0-0 fontconfig)

windows() {
    inside "$root" sh -c "apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
        install ${WINDOW_PACKAGES[*]}" >"$LOGS/windows-apt.txt" 2>&1 || { tail -n 5 "$LOGS/windows-apt.txt"; return 1; }
    first_program "$root" python3 || return 1
    if ! inside "$root" /work/venv/bin/pip install --quiet av opencv-python livekit >"$LOGS/windows-pip.txt" 2>&1; then
        skip windows "pip cannot install the neighbours: $(tail -n1 "$LOGS/windows-pip.txt")"
        return 0
    fi
    inside "$root" /work/venv/bin/python -P /work/window_neighbours.py &&
        inside "$root" /work/venv/bin/python -P /work/neighbours.py /work/film/clip.mp4
}

# The Dockerfile of the guide as it is printed; its base image is made of Debian 13, where Docker's cannot be had.
container() {
    local folder=$WORK/container base=docker.io/library/python:3.12-slim made tree frames
    local tool=(buildah --root "$WORK/images" --runroot "$WORK/images-run" --storage-driver vfs)
    if [ -n "$(missing_of buildah)" ]; then
        say "  system (apt-get install): buildah"
        (apt_install buildah) >"$LOGS/buildah.txt" 2>&1 || { skip container "buildah cannot be installed"; return 0; }
    fi
    rm -rf "$folder" "$WORK/images" "$WORK/images-run"
    mkdir -p "$folder"
    cp "$WHEEL" "$folder/"
    "$PY" - "$ROOT/docs/guide/headless.md" "$folder" <<'PROGRAM' || return 1
import pathlib, re, sys
page, folder = (pathlib.Path(argument) for argument in sys.argv[1:])
for language, name in (("python", "show.py"), ("dockerfile", "Dockerfile")):
    (folder / name).write_text(re.search(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)[1])
PROGRAM
    # python:*-slim has the program as python, useradd, and a pip that may install
    inside "$root" sh -c "apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
        install python3-pip passwd" >"$LOGS/container-apt.txt" 2>&1 || { tail -n 5 "$LOGS/container-apt.txt"; return 1; }
    ln -sf python3 "$root/usr/bin/python" && rm -f "$root"/usr/lib/python3.*/EXTERNALLY-MANAGED
    made=$("${tool[@]}" from scratch) && "${tool[@]}" copy --quiet "$made" "$root" / >/dev/null &&
        "${tool[@]}" config --env "PIP_CERT=/work/ca.crt" ${PIP_INDEX_URL:+--env "PIP_INDEX_URL=$PIP_INDEX_URL"} "$made" &&
        "${tool[@]}" commit --quiet "$made" "$base" >/dev/null || return 1
    "${tool[@]}" build --isolation chroot --pull-never --file "$folder/Dockerfile" --tag studio "$folder" || return 1
    made=$("${tool[@]}" from --pull-never studio) && tree=$("${tool[@]}" mount "$made")/home/studio || return 1
    ffmpeg -v error -f lavfi -i testsrc2=size=640x360:rate=30 -t 4 -pix_fmt yuv420p -y "$tree/clip.mp4" || return 1
    # what an engine does: the command of the image by the user of the image, then its stop signal
    local status=0
    "${tool[@]}" run --isolation chroot "$made" -- timeout --signal=INT 8 python show.py || status=$?
    [ "$status" = 124 ] || { say "it ended by itself, with $status"; return 1; }
    ls -l "$tree"
    frames=$(ffprobe -v error -count_frames -select_streams v -show_entries stream=nb_read_frames -of csv=p=0 "$tree/show.mkv")
    [ "${frames:-0}" -gt 30 ] && [ -z "$(ffmpeg -v error -i "$tree/show.mkv" -f null - 2>&1)" ] ||
        { say "what it recorded does not play"; return 1; }
    say "  image: $("${tool[@]}" inspect --format '{{.OCIv1.Config.User}} {{.OCIv1.Config.StopSignal}} {{.OCIv1.Config.Cmd}}' --type image studio); $frames frames recorded until its stop signal"
}

host() {
    local venv=$WORK/venv
    "$PY" -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet "$WHEEL"
    if "$venv/bin/pip" install --quiet av opencv-python livekit >"$LOGS/host-pip.txt" 2>&1; then
        rm -rf "$WORK/film"
        stage "host first program" "$venv/bin/python" -P "$HERE/programs/first_program.py" "$ROOT/README.md" "$WORK/film"
        stage "host neighbours" "$venv/bin/python" -P "$HERE/programs/neighbours.py" "$WORK/film/clip.mp4"
    else
        skip "host neighbours" "pip cannot install them: $(tail -n1 "$LOGS/host-pip.txt")"
    fi
    stage "host import" "$venv/bin/python" -P "$HERE/programs/import_cost.py"
    "$venv/bin/pip" install --quiet -r "$ROOT/tools/requirements-dev.txt"
    read -r -a pytest_args <<<"${PYTEST_ARGS:-}"
    stage "host Python tests" pytest_host "$venv" "${pytest_args[@]}"
}

pytest_host() {
    local venv=$1
    shift
    cd "$WORK" && "$venv/bin/python" -P -m pytest "$ROOT/python/tests" --import-mode=importlib -rs --timeout=600 \
        -o "pythonpath=$ROOT/python/tests" -o "cache_dir=$WORK/cache" "$@"
}

# What docs/install.md says that building from the archive takes.
SDIST_PACKAGES=(clang pkg-config libavcodec-dev libavformat-dev libavutil-dev libavfilter-dev libswscale-dev
    libswresample-dev)

# As a user would, but for the profile and the folder, which spare building every crate again.
sdist() {
    local out=$WORK/sdist target=$ROOT/build/portable/target rust cargo=${CARGO_HOME:-$HOME/.cargo} inside_it
    rust=$(rustc --print sysroot)
    rm -rf "$out"
    "$VENV/bin/maturin" sdist --manifest-path "$ROOT/crates/lk-python/Cargo.toml" --out "$out" || return 1
    inside "$root" sh -c "apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
        install ${SDIST_PACKAGES[*]}" >"$LOGS/sdist-apt.txt" 2>&1 || { tail -n 5 "$LOGS/sdist-apt.txt"; return 1; }
    cp "$out"/*.tar.gz "$root/work/"
    mkdir -p "$target" "$cargo"
    inside_it=(env "PATH=$rust/bin:/usr/sbin:/usr/bin:/sbin:/bin" "CARGO_HOME=$cargo" "CARGO_TARGET_DIR=$target"
        "MATURIN_PEP517_ARGS=--profile ${PROFILE:-release}")
    export BINDS="$rust $cargo $target"
    inside "$root" python3 -m venv /work/venv &&
        inside "$root" "${inside_it[@]}" /work/venv/bin/pip install "/work/$(basename "$out"/*.tar.gz)" &&
        inside "$root" /work/venv/bin/python -P /work/first_program.py /work/README.md /work/film &&
        inside "$root" /work/venv/bin/livekit-studio doctor
}

deb() {
    "$ROOT/tools/deb.sh" || return 1
    cp "$ROOT"/dist/python3-livekit-studio_*.deb "$root/work/"
    inside "$root" sh -c "apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
        install /work/python3-livekit-studio_*.deb" >"$LOGS/deb-apt.txt" 2>&1 || { tail -n 5 "$LOGS/deb-apt.txt"; return 1; }
    inside "$root" livekit-studio doctor &&
        inside "$root" /usr/bin/python3 -P /work/first_program.py /work/README.md /work/film &&
        inside "$root" dpkg --verify python3-livekit-studio &&
        inside "$root" apt-get -q -y remove python3-livekit-studio || return 1
    ! find "$root/usr/lib/python3/dist-packages" -iname '*livekit*' | grep . || { say "it leaves these behind"; return 1; }
}

conda() {
    local venv=$WORK/conda-venv
    "$PY" -m venv --clear "$venv" && "$venv/bin/pip" install --quiet py-rattler-build==0.73.0 || return 1
    rm -f "$ROOT"/dist/*.tar.gz
    "$VENV/bin/maturin" sdist --manifest-path "$ROOT/crates/lk-python/Cargo.toml" --out "$ROOT/dist" || return 1
    local status=0
    "$venv/bin/python" "$HERE/conda.py" "$ROOT/packaging/conda/recipe.yaml" "$WORK/conda" || status=$?
    [ $status != 77 ] || { skip "conda package" "conda-forge is not reachable; the recipe was read"; return 0; }
    return $status
}

# The wheel that is tried.
the_wheel() {
    [ -z "${WHEEL:-}" ] || return 0
    "$ROOT/tools/portable/wheel.sh"
    WHEEL=$(find "$ROOT/dist/portable" -name '*.whl')
}

stages=("$@")
[ $# -gt 0 ] || stages=(debian12 debian13 ubuntu24 ubuntu22 slim windows container host sdist deb conda)
for name in "${stages[@]}"; do
    case $name in
        debian12 | debian13 | ubuntu24 | ubuntu22 | slim) the_wheel; chroot_stages "$name" ;;
        windows) the_wheel; if chroot_of windows debian12; then stage windows windows; fi ;;
        container) the_wheel; if chroot_of container debian13; then stage container container; fi ;;
        host) the_wheel; host ;;
        sdist) if find_rust && chroot_of sdist debian12; then stage sdist sdist; fi ;;
        deb) if find_rust && chroot_of deb debian12; then stage deb deb; fi ;;
        conda) if find_rust; then stage "conda recipe" conda; fi ;;
        *) die "there is no stage $name" ;;
    esac
done
[ ${#failed[@]} -eq 0 ] || printf 'FAILED: %s\n' "${failed[@]}"
[ ${#failed[@]} -eq 0 ]

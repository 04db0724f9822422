# SPDX-License-Identifier: GPL-2.0-or-later
# The Python tests of cameras, on vivid. PYTHON is an interpreter with the wheel, SOURCE the source tree.
# limit: 240
# wheel
set -u
modprobe -r v4l2loopback 2>/dev/null # with devices of another job
modprobe vivid n_devs=1 node_types=0x1 2>/dev/null
[ -e /dev/video0 ] || exit 11
cd /tmp && exec "$PYTHON" -P -m pytest "$SOURCE/python/tests/test_cameras.py" --import-mode=importlib \
    -o "pythonpath=$SOURCE/python/tests" -p no:cacheprovider -rs --durations=8

# SPDX-License-Identifier: GPL-2.0-or-later
# Virtual cameras on v4l2loopback, read back by v4l2-ctl to the byte in each of its formats; a second writer, devices by
# name and the first that is free. CAMERA_PATTERN is the program of crates/lk-io/examples/camera_pattern.
# limit: 120
set -u
modprobe v4l2loopback exclusive_caps=1,0 video_nr=10,11 card_label=vcam,second || exit 11
for both in yuyv422:YUYV yuv420p:YU12 nv12:NV12 rgb24:RGB3 bgr24:BGR3 bgra:BGR4; do
    format=${both%%:*}
    "$CAMERA_PATTERN" write vcam "$format" 320x180 10 30 >said 2>&1 &
    writer=$!
    for _ in $(seq 100); do
        grep -q "^v4l2loopback /dev/video10 320x180 $format" said && break
        sleep 0.1
    done
    cat said
    v4l2-ctl -d /dev/video10 --get-fmt-video | grep -q "'${both##*:}'" || exit 20
    timeout 30 v4l2-ctl -d /dev/video10 --stream-mmap=3 --stream-count=20 --stream-to=read >/dev/null 2>&1 || exit 21
    "$CAMERA_PATTERN" check "$format" 320x180 read || exit 22
    "$CAMERA_PATTERN" write /dev/video10 "$format" 320x180 10 1 2>&1 | grep "another program writes to" || exit 23
    "$CAMERA_PATTERN" write "" "$format" 320x180 10 1 | grep "^v4l2loopback /dev/video11" || exit 24
    kill -9 $writer
    wait $writer
    # killed or not, a writer that has gone leaves the device to the next one
done
"$CAMERA_PATTERN" write sec yuyv422 320x180 10 0.5 | grep "^v4l2loopback /dev/video11" || exit 30
"$CAMERA_PATTERN" write nobody yuyv422 320x180 10 0.5 2>&1 | grep '"vcam" (/dev/video10), "second"' || exit 31
exit 0

# SPDX-License-Identifier: GPL-2.0-or-later
# A virtual camera on v4l2loopback: what v4l2-ctl reads from it is what was written, to the byte, in each format; a
# second writer is refused; devices are found by name, by place, and when none is named.
# limit: 120
# example: camera_pattern
set -u
modprobe v4l2loopback exclusive_caps=1,0 video_nr=10,11 card_label=vcam,second || exit 12
size=320x180
for format in yuyv422 yuv420p nv12 rgb24 bgr24 bgra; do
    # ended by us when it was read
    "$EXAMPLE_camera_pattern" write vcam $format $size 10 60 >writes 2>&1 &
    writer=$!
    for _ in $(seq 100); do
        grep -q v4l2loopback writes && break
        sleep 0.1
    done
    cat writes
    timeout 60 v4l2-ctl -d /dev/video10 --stream-mmap=3 --stream-count=30 --stream-to=read >/dev/null 2>&1 || exit 20
    "$EXAMPLE_camera_pattern" check $format $size read || exit 21
    "$EXAMPLE_camera_pattern" write /dev/video10 $format $size 10 1 >second 2>&1 && exit 22
    grep -q "another program writes" second || { cat second; exit 23; }
    kill $writer
    wait $writer
done
"$EXAMPLE_camera_pattern" write second yuyv422 $size 10 0.5 || exit 30
"$EXAMPLE_camera_pattern" write "" yuyv422 $size 10 0.5 || exit 31
"$EXAMPLE_camera_pattern" write nobody yuyv422 $size 10 0.5 >unknown 2>&1 && exit 32
grep -q '"second" (/dev/video11)' unknown || { cat unknown; exit 33; }

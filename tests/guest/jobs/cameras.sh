# SPDX-License-Identifier: GPL-2.0-or-later
# Cameras against the kernel's own: vivid in each of its formats, stalled, unplugged and plugged in again; JPEGs and
# raw pictures through v4l2loopback. See crates/lk-io/examples/camera_check.
# limit: 180
# example: camera_check
set -u
modprobe vivid n_devs=1 node_types=0x1 || exit 11
modprobe v4l2loopback video_nr=10,11 card_label=jpegs,planes || exit 12
"$EXAMPLE_camera_check" vivid /dev/video0 || exit 20
chmod 660 /dev/video0 # as udev has it
chgrp video /dev/video0
setpriv --reuid=65534 --regid=65534 --clear-groups "$EXAMPLE_camera_check" denied /dev/video0 || exit 21

paint() { # paint NODE CODEC PIXELS: a colour, ten pictures a second
    ffmpeg -hide_banner -loglevel error -re -f lavfi -i color=c=0xC81E1E:s=320x240:r=10 -vf "scale=out_range=$4" \
        -pix_fmt "$3" -c:v "$2" -q:v 2 -f v4l2 "$1" &
}
paint /dev/video10 mjpeg yuvj422p full
jpegs=$!
paint /dev/video11 rawvideo yuv420p tv
planes=$!
for _ in $(seq 60); do
    v4l2-ctl -d /dev/video10 --get-fmt-video 2>/dev/null | grep -q MJPG && break
    sleep 1
done
"$EXAMPLE_camera_check" flat /dev/video10 mjpeg C81E1E || exit 30
"$EXAMPLE_camera_check" flat /dev/video11 yuv420p C81E1E || exit 31
kill $jpegs $planes
exit 0

#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes what the standard scenes read, with the ffmpeg command line: bench_inputs.sh DIR. Files that exist are kept.
set -euo pipefail
dir=${1:?usage: bench_inputs.sh DIR}
mkdir -p "$dir"
cd "$dir"
font=/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf

make() { # make FILE FFMPEG-ARGUMENTS...: writes it under another name first, so that a file that exists is whole
    local file=$1
    shift
    [ -f "$file" ] && return
    echo "bench inputs: $file"
    ffmpeg -hide_banner -loglevel error -nostdin -y "$@" "part.$file"
    mv "part.$file" "$file"
}
clip() { # clip FILE SOURCE FILTER: ten seconds of H.264 at 30 frames a second
    make "$1" -f lavfi -i "$2" -frames:v 300 -vf "$3" -c:v libx264 -preset veryfast -crf 23 -pix_fmt yuv420p -g 60 -bf 2 -threads 2
}

grain=noise=alls=6:allf=t
clip v1080a.mp4 testsrc2=s=1920x1080:r=30 null
clip v1080b.mp4 mandelbrot=s=1920x1080:r=30:maxiter=300:end_scale=0.02:end_pts=300 $grain
clip v1080c.mp4 testsrc2=s=1920x1080:r=30 hue=h=90,$grain
clip v1080d.mp4 testsrc2=s=1920x1080:r=30 hflip,hue=h=200
clip v720.mp4 testsrc2=s=1280x720:r=30 $grain
make bg.jpg -f lavfi -i mandelbrot=s=1920x1080:maxiter=300 -frames:v 1 -q:v 2
make bg.png -i bg.jpg -pix_fmt rgba
make logo.png -f lavfi -i "color=red:s=256x256,format=rgba,geq=r='200':g='60+X/2':b='Y':a='255*clip((120-hypot(X-128,Y-128))/30,0,1)'" -frames:v 1
make lower_third.png -f lavfi -i "color=black@0.55:s=1400x140,format=rgba,drawtext=fontfile=$font:text='Jane Doe - Live from the studio':fontsize=64:fontcolor=white:x=40:y=38" -frames:v 1
for i in 0 1 2 3 4 5 6 7; do
    # Alpha is partial everywhere: no renderer gains by skipping clear or solid spans.
    make layer$i.png -f lavfi -i "color=black:s=1920x1080,format=rgba,geq=r='mod(X+$i*60,256)':g='mod(Y+$i*40,256)':b='mod(X+Y+$i*20,256)':a='64+mod(X/8+Y/8+$i*16,128)'" -frames:v 1
done

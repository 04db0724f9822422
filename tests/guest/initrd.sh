#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
# First program of the guest, run by busybox: puts this machine's files under a layer that forgets what is written,
# and goes on there with guest.sh, which comes in the shared folder.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r module; do
    insmod "/boot/$module" || echo "the guest cannot load $module"
done </boot/list
share=version=9p2000.L,trans=virtio,msize=512000
mkdir -p /newroot /shared
mount -t 9p -o ro,cache=loose,$share root /lower || poweroff -f
mount -t tmpfs -o size=1g rw /rw
mkdir /rw/upper /rw/work
mount -t overlay -o lowerdir=/lower,upperdir=/rw/upper,workdir=/rw/work root /newroot || poweroff -f
version=$(uname -r)
mkdir -p "/newroot/lib/modules/$version" /newroot/mnt/guest
cp -r "/lib/modules/$version/." "/newroot/lib/modules/$version"
mount -t 9p -o cache=none,$share shared /newroot/mnt/guest || poweroff -f
for place in proc sys dev; do
    mount -o move /$place /newroot/$place
done
exec switch_root /newroot /bin/bash /mnt/guest/guest.sh

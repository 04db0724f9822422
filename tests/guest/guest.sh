#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs in the guest, as its only program: the jobs that lie in the shared folder, by name, each with a limit of its
# own. NAME.log gets what job NAME says and NAME.rc its exit status (124: it took too long).
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LANG=C.UTF-8
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
mkdir -p /dev/shm /dev/pts
mount -t tmpfs shm /dev/shm
mount -t devpts pts /dev/pts
ip link set lo up 2>/dev/null
cd /mnt/guest || exit
. ./environment
for job in *.job; do
    name=${job%.job}
    limit=$(sed -n 's/^# limit: //p' "$job")
    begun=$(cut -d' ' -f1 /proc/uptime)
    (cd /tmp && timeout -k 5 "${limit:-60}" bash "/mnt/guest/$job") >"$name.log" 2>&1
    echo $? >"$name.rc"
    echo "$begun $(cut -d' ' -f1 /proc/uptime)" >"$name.time"
done
sync
echo o >/proc/sysrq-trigger
sleep 10

# SPDX-License-Identifier: GPL-2.0-or-later
# In and out of an ALSA loop: players, speakers, microphones and recorders, aplay and arecord at the other end.
# limit: 240
# test: sound_devices
set -eu
modprobe snd-aloop
# Sound has to be on time, and a busy machine emulates another one late: what fails is tried once more, and said.
for test in $("$TEST_sound_devices" alsa:: --ignored --list | sed -n 's/: test$//p'); do
    run=("$TEST_sound_devices" --exact "$test" --ignored --nocapture)
    "${run[@]}" || { echo "FLAKY   $test failed once" && "${run[@]}"; }
done
setpriv --reuid=65534 --regid=65534 --clear-groups \
    "$TEST_sound_devices" without_permission --ignored --nocapture

# SPDX-License-Identifier: GPL-2.0-or-later
# In and out of an ALSA loop: players, speakers, microphones and recorders, aplay and arecord at the other end.
# limit: 120
# test: sound_devices
set -eu
modprobe snd-aloop
"$TEST_sound_devices" alsa:: --ignored --test-threads 1 --nocapture
setpriv --reuid=65534 --regid=65534 --clear-groups \
    "$TEST_sound_devices" without_permission --ignored --nocapture

// SPDX-License-Identifier: GPL-2.0-or-later
// Three functions that glibc has in new versions (2.35, 2.36), made of what 2.34 has: for these alone the wheel would ask
// for a newer one. The linker puts them in place of the others (--wrap).
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

#define HERE __attribute__((visibility("hidden")))

double old_hypot(double x, double y);
float old_hypotf(float x, float y);
__asm__(".symver old_hypot, hypot@GLIBC_2.2.5");
__asm__(".symver old_hypotf, hypotf@GLIBC_2.2.5");

HERE double __wrap_hypot(double x, double y) { return old_hypot(x, y); }

HERE float __wrap_hypotf(float x, float y) { return old_hypotf(x, y); }

HERE uint32_t __wrap_arc4random(void) {
    uint32_t value;
    while (getrandom(&value, sizeof value, 0) != sizeof value) {
        if (errno != EINTR) abort();
    }
    return value;
}

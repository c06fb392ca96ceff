/* How compute threads wait. libgomp lets a thread that has nothing to do spin for milliseconds, which takes the cores
 * from the others as soon as the machine has anything else to run: on two busy cores the small U-Net of `ito bench` took
 * 90 ms with one thread, 200 to 2000 with two that spin, 50 to 150 with two that soon sleep. libgomp reads the setting
 * before main(), so the program sets it and starts itself again. Who has set either variable is left alone. */
#include <stdlib.h>
#include <unistd.h>

#include "cli.h"

#define SPIN_COUNT "1000" /* a few microseconds */

void cli_wait_politely(char **argv)
{
    char path[4096];
    if (getenv("GOMP_SPINCOUNT") || getenv("OMP_WAIT_POLICY")) return;
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1); /* the file's name, so that `ps` shows it */
    if (n <= 0 || setenv("GOMP_SPINCOUNT", SPIN_COUNT, 1)) return;
    path[n] = 0;
    execv(path, argv); /* where that is not possible the program runs as it is */
}

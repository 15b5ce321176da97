/* Makes every sync of a file take a millisecond longer: for LD_PRELOAD. Built by bench/run.sh. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

static void wait_a_little(void)
{
    struct timespec span = {0, 1000000};
    while (nanosleep(&span, &span) != 0) {
    }
}

int fsync(int file)
{
    int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    wait_a_little();
    return next(file);
}

int fdatasync(int file)
{
    int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    wait_a_little();
    return next(file);
}

/* Makes every sync of a file take a millisecond longer: for LD_PRELOAD. Built by bench/run.sh, with the file COUNT, which
   grows by a byte with every sync, so that it can be seen whether there were any. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

static void wait_a_little(void)
{
    struct timespec span = {0, 1000000};
    while (nanosleep(&span, &span) != 0) {
    }
    int count = open(COUNT, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (count >= 0) {
        if (write(count, ".", 1) != 1) {
            _exit(70);
        }
        close(count);
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

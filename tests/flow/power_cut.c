/* What a disk holds after a power cut that loses every write since the last fsync: at each fsync the file is copied, as it is then, to
   POWER_CUT_DISK. Preloaded into the device under test (LD_PRELOAD); what is read from the copies, and when, is test_power_cut.py's.

   Only files below POWER_CUT_STATE count. The copy appears at once (rename), so that a kill -9 in the middle of one leaves the one before. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* The folder itself was fsynced: what was deleted from it is gone for good. */
static void forget(const char *state, const char *disk) {
    char here[PATH_MAX + 512], there[PATH_MAX + 512];
    DIR *files = opendir(disk);
    if (!files) return;
    for (struct dirent *file; (file = readdir(files));) {
        if (file->d_name[0] == '.') continue;
        snprintf(here, sizeof here, "%s/%s", state, file->d_name);
        snprintf(there, sizeof there, "%s/%s", disk, file->d_name);
        if (access(here, F_OK)) unlink(there);
    }
    closedir(files);
}

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER; /* an older copy must not take the place of a newer */

static void copy_of(int fd) {
    const char *state = getenv("POWER_CUT_STATE"), *disk = getenv("POWER_CUT_DISK");
    char link[64], path[PATH_MAX], copy[PATH_MAX + 64], final[PATH_MAX + 64], block[65536];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (!state || !disk || length < 0) return;
    path[length] = 0;
    if (!strcmp(path, state)) {
        forget(state, disk);
        return;
    }
    size_t below = strlen(state);
    if (strncmp(path, state, below) || path[below] != '/' || strchr(path + below + 1, '/')) return;
    snprintf(copy, sizeof copy, "%s/.%s.%ld", disk, path + below + 1, syscall(SYS_gettid));
    snprintf(final, sizeof final, "%s/%s", disk, path + below + 1);
    int in = open(path, O_RDONLY);
    int out = open(copy, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (in < 0 || out < 0) return;
    off_t at = 0;
    ssize_t got;
    while ((got = pread(in, block, sizeof block, at)) > 0) {
        if (write(out, block, got) != got) abort();
        at += got;
    }
    close(in);
    close(out);
    rename(copy, final);
}

int fsync(int fd) {
    pthread_mutex_lock(&one_at_a_time);
    copy_of(fd);
    pthread_mutex_unlock(&one_at_a_time);
    return 0; /* the copy is the disk; the real one need not be worn */
}

int fdatasync(int fd) {
    return fsync(fd);
}

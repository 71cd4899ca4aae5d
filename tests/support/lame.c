/* A file system that lacks calls, for one folder of one process: cc -shared -fPIC lame.c -o lame.so -ldl

   LD_PRELOAD=lame.so LAME_FOLDER=/a/folder LAME_CALLS=append=95,link=1 command

   Below the folder each call that is named fails with the number that it is given, and nothing happens. The calls:
   append    opening with O_APPEND              reappend  the same, of a file that holds something (goofys)
   pwrite    writing at a place                 truncate  cutting a file
   lock      flock, and fcntl's locks           record    the latter alone (which SQLite takes)
   link      hard links                         symlink   symbolic ones
   rename    any rename                         over      a rename onto a file that is there
   sync      fsync of a file                    syncdir   fsync of a folder       map       a shared, writable mapping */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int number_of(const char *call) {
    const char *calls = getenv("LAME_CALLS");
    size_t length = strlen(call);
    while (calls && *calls) {
        if (!strncmp(calls, call, length) && calls[length] == '=') return atoi(calls + length + 1);
        calls = strchr(calls, ',');
        if (calls) calls++;
    }
    return 0;
}

static int below(const char *path) {
    const char *folder = getenv("LAME_FOLDER");
    size_t length = folder ? strlen(folder) : 0;
    return length && !strncmp(path, folder, length) && (path[length] == '/' || !path[length]);
}

/* Is what is named there below the folder? Its own last name need not be there yet. */
static int path_below(int at, const char *path) {
    char folder[PATH_MAX], whole[2 * PATH_MAX], resolved[PATH_MAX];
    if (!path) return 0;
    if (path[0] == '/') snprintf(whole, sizeof whole, "%s", path);
    else {
        char name[64];
        ssize_t length;
        if (at == AT_FDCWD) { if (!getcwd(folder, sizeof folder)) return 0; }
        else {
            snprintf(name, sizeof name, "/proc/self/fd/%d", at);
            length = readlink(name, folder, sizeof folder - 1);
            if (length < 0) return 0;
            folder[length] = 0;
        }
        snprintf(whole, sizeof whole, "%s/%s", folder, path);
    }
    if (below(whole)) return 1;
    char *slash = strrchr(whole, '/');
    if (!slash || slash == whole) return 0;
    *slash = 0;
    return realpath(whole, resolved) && below(resolved);
}

static int file_below(int file) {
    char name[64], path[PATH_MAX];
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    ssize_t length = readlink(name, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return below(path);
}

static int refused(const char *call, int concerned) {
    int number = number_of(call);
    if (!number || !concerned) return 0;
    errno = number;
    return 1;
}

static int holds(int at, const char *path) {
    struct stat status;
    return !fstatat(at, path, &status, 0) && status.st_size > 0;
}

static int not_opened(int at, const char *path, int flags) {
    if (!path_below(at, path)) return 0;
    if ((flags & O_APPEND) && refused("append", 1)) return 1;
    if ((flags & O_APPEND) && holds(at, path) && refused("reappend", 1)) return 1;
    return 0;
}

#define OPEN(name)                                                                                                                         \
    int name(const char *path, int flags, ...) {                                                                                           \
        va_list rest;                                                                                                                      \
        va_start(rest, flags);                                                                                                             \
        int mode = va_arg(rest, int);                                                                                                      \
        va_end(rest);                                                                                                                      \
        return not_opened(AT_FDCWD, path, flags) ? -1 : REAL(name)(path, flags, mode);                                                     \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                                                                       \
    int name(int at, const char *path, int flags, ...) {                                                                                   \
        va_list rest;                                                                                                                      \
        va_start(rest, flags);                                                                                                             \
        int mode = va_arg(rest, int);                                                                                                      \
        va_end(rest);                                                                                                                      \
        return not_opened(at, path, flags) ? -1 : REAL(name)(at, path, flags, mode);                                                       \
    }
OPENAT(openat)
OPENAT(openat64)

ssize_t pwrite(int file, const void *data, size_t size, off_t at) {
    return refused("pwrite", file_below(file)) ? -1 : REAL(pwrite)(file, data, size, at);
}
ssize_t pwrite64(int file, const void *data, size_t size, off64_t at) {
    return refused("pwrite", file_below(file)) ? -1 : REAL(pwrite64)(file, data, size, at);
}
int ftruncate(int file, off_t size) { return refused("truncate", file_below(file)) ? -1 : REAL(ftruncate)(file, size); }
int ftruncate64(int file, off64_t size) { return refused("truncate", file_below(file)) ? -1 : REAL(ftruncate64)(file, size); }
int flock(int file, int how) { return refused("lock", file_below(file)) ? -1 : REAL(flock)(file, how); }

static int lock_refused(int file, int command) {
    int lock = command == F_SETLK || command == F_SETLKW || command == F_GETLK;
    return lock && file_below(file) && (refused("lock", 1) || refused("record", 1));
}
int fcntl(int file, int command, ...) {
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    return lock_refused(file, command) ? -1 : REAL(fcntl)(file, command, argument);
}
int fcntl64(int file, int command, ...) {
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    return lock_refused(file, command) ? -1 : REAL(fcntl64)(file, command, argument);
}

static int sync_refused(int file) {
    struct stat status;
    if (fstat(file, &status)) return 0;
    return refused(S_ISDIR(status.st_mode) ? "syncdir" : "sync", file_below(file));
}
int fsync(int file) { return sync_refused(file) ? -1 : REAL(fsync)(file); }
int fdatasync(int file) { return sync_refused(file) ? -1 : REAL(fdatasync)(file); }

int link(const char *from, const char *to) { return refused("link", path_below(AT_FDCWD, to)) ? -1 : REAL(link)(from, to); }
int linkat(int from_at, const char *from, int to_at, const char *to, int flags) {
    return refused("link", path_below(to_at, to)) ? -1 : REAL(linkat)(from_at, from, to_at, to, flags);
}
int symlink(const char *from, const char *to) { return refused("symlink", path_below(AT_FDCWD, to)) ? -1 : REAL(symlink)(from, to); }
int symlinkat(const char *from, int at, const char *to) { return refused("symlink", path_below(at, to)) ? -1 : REAL(symlinkat)(from, at, to); }

static int rename_refused(int at, const char *to) {
    if (!path_below(at, to)) return 0;
    return refused("rename", 1) || (!faccessat(at, to, F_OK, 0) && refused("over", 1));
}
int rename(const char *from, const char *to) { return rename_refused(AT_FDCWD, to) ? -1 : REAL(rename)(from, to); }
int renameat(int from_at, const char *from, int to_at, const char *to) {
    return rename_refused(to_at, to) ? -1 : REAL(renameat)(from_at, from, to_at, to);
}
int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags) {
    return rename_refused(to_at, to) ? -1 : REAL(renameat2)(from_at, from, to_at, to, flags);
}

static int map_refused(int protection, int flags, int file) {
    return file >= 0 && (flags & MAP_SHARED) && (protection & PROT_WRITE) && refused("map", file_below(file));
}
void *mmap(void *at, size_t size, int protection, int flags, int file, off_t offset) {
    return map_refused(protection, flags, file) ? MAP_FAILED : REAL(mmap)(at, size, protection, flags, file, offset);
}
void *mmap64(void *at, size_t size, int protection, int flags, int file, off64_t offset) {
    return map_refused(protection, flags, file) ? MAP_FAILED : REAL(mmap64)(at, size, protection, flags, file, offset);
}

// Faults on demand: makes the Nth of a program's system calls of one kind fail, or never come back. For LD_PRELOAD.
//   NETDRIFT_FAULT=CALL:ERRNO    which call, and its error number; 0 hangs
//   NETDRIFT_FAULT_AT=FILE       a file with the number N, read once a call is made while it is there and not 0
//                                or `truncated` and `interrupted`: a message of netlink that recvmsg gives is said to be so
//   NETDRIFT_CLOCK=FILE          a file with the seconds by which the clock of the world is wrong
// The file is asked for each time, so that a test arms a fault in a program that runs: it writes N, and the shim renames it to
// FILE.armed and counts from there; when the fault has happened, FILE.done is there. Once FILE.armed is taken away nothing fails.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/netlink.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static char call[32];
static int error;
static const char *file;
static char armed[512], done[512];
// Counts down while armed: 1 is the call that fails; 0 is not armed.
static atomic_long left;
static atomic_flag is_arming = ATOMIC_FLAG_INIT;

__attribute__((constructor)) static void begin(void) {
    const char *fault = getenv("NETDRIFT_FAULT");
    file = getenv("NETDRIFT_FAULT_AT");
    if (fault == NULL || file == NULL) return;
    const char *colon = strchr(fault, ':');
    if (colon == NULL || colon - fault >= (long)sizeof call) return;
    memcpy(call, fault, colon - fault);
    error = atoi(colon + 1);
    snprintf(armed, sizeof armed, "%s.armed", file);
    snprintf(done, sizeof done, "%s.done", file);
}

static long raw(long number, long a, long b, long c, long d) {
    long result;
    register long r10 __asm__("r10") = d;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
    return result;
}

static void arm(void) {
    long fd = raw(SYS_openat, AT_FDCWD, (long)file, O_RDWR | O_CLOEXEC, 0);
    if (fd < 0) return;
    char text[24] = {0};
    raw(SYS_read, fd, (long)text, sizeof text - 1, 0);
    raw(SYS_close, fd, 0, 0, 0);
    long count = atol(text);
    // One thread alone takes it.
    if (count > 0 && raw(SYS_rename, (long)file, (long)armed, 0, 0) == 0) left = count;
}

// Whether this call is the one. errno is left alone unless it is.
static int fails(const char *name) {
    if (call[0] == 0 || strcmp(name, call) != 0) return 0;
    // What was not reached in time fails nobody's call later; what another thread has armed meanwhile stays.
    long stale = left;
    if (stale > 0 && raw(SYS_access, (long)armed, 0, 0, 0) < 0) atomic_compare_exchange_strong(&left, &stale, 0);
    if (left == 0) {
        // Those that come meanwhile wait: their calls count.
        while (atomic_flag_test_and_set(&is_arming)) {}
        if (left == 0) arm();
        atomic_flag_clear(&is_arming);
    }
    long now = left;
    while (now > 0 && !atomic_compare_exchange_weak(&left, &now, now - 1)) {}
    if (now != 1) return 0;
    long fd = raw(SYS_openat, AT_FDCWD, (long)done, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0) raw(SYS_close, fd, 0, 0, 0);
    // As a thread that waits in the kernel, whom no signal reaches, until the file `.done` is taken away.
    while (error == 0) {
        struct timespec pause = {0, 20000000};
        raw(SYS_nanosleep, (long)&pause, 0, 0, 0);
        if (raw(SYS_access, (long)done, 0, 0, 0) < 0) return 0;
    }
    errno = error;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define FAULT(type, name, parameters, arguments) \
    type name parameters { \
        static __typeof__(&name) real; \
        if (real == NULL) real = REAL(name); \
        return fails(#name) ? -1 : real arguments; \
    }

FAULT(ssize_t, read, (int fd, void *buffer, size_t count), (fd, buffer, count))
FAULT(ssize_t, pread, (int fd, void *buffer, size_t count, off_t offset), (fd, buffer, count, offset))
FAULT(int, setns, (int fd, int type), (fd, type))
FAULT(int, socket, (int family, int type, int protocol), (family, type, protocol))
FAULT(ssize_t, send, (int fd, const void *buffer, size_t count, int flags), (fd, buffer, count, flags))
FAULT(ssize_t, readlinkat, (int fd, const char *path, char *buffer, size_t count), (fd, path, buffer, count))
FAULT(int, poll, (struct pollfd *fds, nfds_t count, int timeout), (fds, count, timeout))

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
    static __typeof__(&recvmsg) real;
    if (real == NULL) real = REAL(recvmsg);
    if (fails("recvmsg")) return -1;
    ssize_t size = real(fd, message, flags);
    struct sockaddr_nl *sender = message->msg_name;
    int is_netlink = sender != NULL && message->msg_namelen >= sizeof *sender && sender->nl_family == AF_NETLINK;
    if (!is_netlink || (flags & MSG_PEEK) || size < (ssize_t)sizeof(struct nlmsghdr)) return size;
    if (fails("truncated")) message->msg_flags |= MSG_TRUNC;
    if (fails("interrupted")) ((struct nlmsghdr *)message->msg_iov[0].iov_base)->nlmsg_flags |= NLM_F_DUMP_INTR;
    return size;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static __typeof__(&clock_gettime) real;
    if (real == NULL) real = REAL(clock_gettime);
    int result = real(clock, now);
    const char *offset = getenv("NETDRIFT_CLOCK");
    if (result != 0 || offset == NULL || clock != CLOCK_REALTIME) return result;
    long fd = raw(SYS_openat, AT_FDCWD, (long)offset, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return result;
    char text[24] = {0};
    raw(SYS_read, fd, (long)text, sizeof text - 1, 0);
    raw(SYS_close, fd, 0, 0, 0);
    now->tv_sec += atol(text);
    return result;
}

int openat(int fd, const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    int mode = va_arg(list, int);
    va_end(list);
    static __typeof__(&openat) real;
    if (real == NULL) real = REAL(openat);
    return fails("openat") ? -1 : real(fd, path, flags, mode);
}

long syscall(long number, ...) {
    va_list list;
    va_start(list, number);
    long a[6];
    for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
    va_end(list);
    static __typeof__(&syscall) real;
    if (real == NULL) real = REAL(syscall);
    if (number == SYS_getdents64 && fails("getdents64")) return -1;
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

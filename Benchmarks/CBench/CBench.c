#define _GNU_SOURCE
#include "CBench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int enter(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    int result = setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
    close(fd);
    return result;
}

int bench_prepare(struct bench_world *world, const int *ranks, int files, const int *directory_ranks, int directories) {
    for (int n = 0; n < world->namespace_count; n++) {
        struct bench_namespace *ns = &world->namespaces[n];
        int result = enter(ns->path);
        if (result < 0) return result;
        for (int d = 0; d < world->directory_count; d++)
            ns->directories[d] = directory_ranks[d] < directories
                                     ? open(world->directories[d], O_PATH | O_DIRECTORY | O_CLOEXEC)
                                     : -1;
        for (int s = 0; s < world->sysctl_count; s++) {
            int directory = ns->directories[world->sysctls[s].directory];
            ns->files[s] = ranks[s] < files && directory >= 0
                               ? openat(directory, world->sysctls[s].relative, O_RDONLY | O_CLOEXEC)
                               : -1;
        }
    }
    return 0;
}

// Sends a request whose structure of `length` bytes is all zeros, and reads the answer. With `keep`, the datagrams stand
// one after the other in the buffer; else each takes the place of the last.
static long ask(int fd, int type, size_t length, int flags, char *buffer, size_t capacity, int keep) {
    struct {
        struct nlmsghdr header;
        char structure[64];
    } request = {.header = {.nlmsg_len = (uint32_t)(sizeof(struct nlmsghdr) + length),
                            .nlmsg_type = (uint16_t)type,
                            .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
                            .nlmsg_seq = 1}};
    long total = 0;
    int done = 0;
    if (send(fd, &request, request.header.nlmsg_len, 0) < 0) total = -errno;
    while (!done && total >= 0) {
        char *at = buffer + (keep ? total : 0);
        ssize_t got = recv(fd, at, capacity - (size_t)(at - buffer), 0);
        if (got < 0) {
            total = -errno;
            break;
        }
        total += got;
        // The end is in the last message: only the headers are looked at.
        for (struct nlmsghdr *h = (struct nlmsghdr *)at; NLMSG_OK(h, got); h = NLMSG_NEXT(h, got))
            if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR || !(flags & NLM_F_DUMP)) done = 1;
    }
    return total;
}

static int open_netlink(int family) {
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, family);
    return fd < 0 ? -errno : fd;
}

static long dump_links(char *buffer, size_t capacity, int keep) {
    int fd = open_netlink(NETLINK_ROUTE);
    if (fd < 0) return fd;
    long total = ask(fd, RTM_GETLINK, sizeof(struct ifinfomsg), NLM_F_DUMP, buffer, capacity, keep);
    close(fd);
    return total;
}

// What the other collectors read that run by default; the links too, since they share a socket with some of it.
static long read_defaults(int directory, char *buffer, size_t capacity) {
    static const char *const files[] = {"sockstat", "sockstat6", "snmp", "snmp6", "netstat"};
    int on = 1, fd = open_netlink(NETLINK_ROUTE);
    if (fd < 0) return fd;
    long total = ask(fd, RTM_GETLINK, sizeof(struct ifinfomsg), NLM_F_DUMP, buffer, capacity, 0);
    total += ask(fd, RTM_GETADDR, sizeof(struct ifaddrmsg), NLM_F_DUMP, buffer, capacity, 0);
    setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
    total += ask(fd, RTM_GETROUTE, sizeof(struct rtmsg), NLM_F_DUMP, buffer, capacity, 0);
    close(fd);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        fd = openat(directory, files[i], O_RDONLY | O_CLOEXEC);
        if (fd < 0) continue;
        ssize_t got;
        while ((got = read(fd, buffer, 16384)) > 0) total += got;
        close(fd);
    }
    fd = open_netlink(NETLINK_NETFILTER);
    if (fd < 0) return fd;
    int subsystem = NFNL_SUBSYS_CTNETLINK << 8;
    total += ask(fd, subsystem | IPCTNL_MSG_CT_GET_STATS, sizeof(struct nfgenmsg), 0, buffer, capacity, 0);
    total += ask(fd, subsystem | IPCTNL_MSG_CT_GET_STATS_CPU, sizeof(struct nfgenmsg), NLM_F_DUMP, buffer, capacity, 0);
    close(fd);
    return total;
}

long bench_capture_links(const char *path, char *buffer, size_t capacity) {
    int result = enter(path);
    return result < 0 ? result : dump_links(buffer, capacity, 1);
}

long bench_floor(const struct bench_world *world) {
    static char buffer[65536];
    char value[128];
    long total = 0;
    int directory = open("/proc/thread-self/net", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return -errno;
    for (int n = 0; n < world->namespace_count; n++) {
        const struct bench_namespace *ns = &world->namespaces[n];
        int result = enter(ns->path);
        if (result < 0) return result;
        long links = world->defaults ? read_defaults(directory, buffer, sizeof buffer)
                                     : dump_links(buffer, sizeof buffer, 0);
        if (links < 0) return links;
        total += links;
        // Those that are not kept are opened once a visit.
        int opened[64];
        for (int d = 0; d < 64; d++) opened[d] = -1;
        for (int s = 0; s < world->sysctl_count; s++) {
            if (ns->files[s] >= 0) {
                total += pread(ns->files[s], value, sizeof value, 0);
                continue;
            }
            int d = world->sysctls[s].directory, kept = ns->directories[d];
            if (kept < 0 && d < 64) {
                if (opened[d] < 0) opened[d] = open(world->directories[d], O_PATH | O_DIRECTORY | O_CLOEXEC);
                kept = opened[d];
            }
            int fd = openat(kept, world->sysctls[s].relative, O_RDONLY | O_CLOEXEC);
            if (fd < 0) continue;
            total += pread(fd, value, sizeof value, 0);
            close(fd);
        }
        for (int d = 0; d < 64; d++)
            if (opened[d] >= 0) close(opened[d]);
    }
    close(directory);
    return total;
}

long bench_naive(const struct bench_world *world, int count) {
    static char buffer[65536];
    long total = 0;
    for (int n = 0; n < count && n < world->namespace_count; n++) {
        int result = enter(world->namespaces[n].path);
        if (result < 0) return result;
        long links = dump_links(buffer, sizeof buffer, 0);
        if (links < 0) return links;
        total += links;
        for (int s = 0; s < world->sysctl_count; s++) {
            int fd = open(world->sysctls[s].full, O_RDONLY | O_CLOEXEC);
            if (fd < 0) continue;
            total += read(fd, buffer, 4096);
            close(fd);
        }
    }
    return total;
}

void bench_release(struct bench_world *world) {
    for (int n = 0; n < world->namespace_count; n++) {
        struct bench_namespace *ns = &world->namespaces[n];
        for (int d = 0; d < world->directory_count; d++)
            if (ns->directories[d] >= 0) close(ns->directories[d]);
        for (int s = 0; s < world->sysctl_count; s++)
            if (ns->files[s] >= 0) close(ns->files[s]);
    }
}

int bench_return(int home) { return setns(home, CLONE_NEWNET) < 0 ? -errno : 0; }

int bench_http_get(int port, const char *path, const char *encoding) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    char buffer[65536];
    int status = 0, length = snprintf(buffer, sizeof buffer,
                                      "GET %s HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: %s\r\n"
                                      "Connection: close\r\n\r\n",
                                      path, encoding);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0 || send(fd, buffer, (size_t)length, 0) != length) {
        status = -errno;
    } else {
        ssize_t got;
        while ((got = recv(fd, buffer, sizeof buffer - 1, 0)) > 0) {
            buffer[got] = 0;
            if (!status && sscanf(buffer, "HTTP/1.1 %d", &status) != 1) status = -EPROTO;
        }
        if (got < 0) status = -errno;
    }
    close(fd);
    return status;
}

int bench_shell(const char *command, const char *input) {
    FILE *pipe = popen(command, "w");
    if (!pipe) return -errno;
    fputs(input, pipe);
    int status = pclose(pipe);
    return status < 0 ? -errno : WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int64_t bench_process_cpu(int pid) {
    clockid_t clock;
    struct timespec time;
    int error = clock_getcpuclockid(pid, &clock);
    if (error) return -error;
    if (clock_gettime(clock, &time) < 0) return -errno;
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int bench_sleeper(const char *path) {
    int child = fork();
    if (child < 0) return -errno;
    if (child > 0) return child;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || enter(path) < 0) _exit(1);
    // It holds nothing else.
    close_range(0, ~0U, 0);
    for (;;) pause();
}

#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/ethtool.h>
#include <linux/icmp.h>
#include <linux/if.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <linux/sockios.h>
#include <sched.h>
#include <string.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

// Debian 12's headers are older than this one (Linux 5.14).
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#define ND_RESULT(call) ({ long nd_r = (call); nd_r < 0 ? -errno : (int)nd_r; })

int nd_setns_net(int fd) { return ND_RESULT(setns(fd, CLONE_NEWNET)); }

int nd_unshare_net(void) { return ND_RESULT(unshare(CLONE_NEWNET)); }

int nd_gettid(void) { return (int)syscall(SYS_gettid); }

int nd_pidfd_open(int pid) { return ND_RESULT(syscall(SYS_pidfd_open, pid, 0)); }

int nd_pidfd_getfd(int pidfd, int fd) { return ND_RESULT(syscall(SYS_pidfd_getfd, pidfd, fd, 0)); }

int nd_openat2(int dir, const char *path, uint64_t flags, uint64_t resolve) {
    struct open_how how = {.flags = flags, .resolve = resolve};
    return ND_RESULT(syscall(SYS_openat2, dir, path, &how, sizeof how));
}

int nd_openat(int dir, const char *path, int flags) { return ND_RESULT(openat(dir, path, flags)); }

int nd_getdents64(int fd, void *buffer, unsigned int count) {
    return ND_RESULT(syscall(SYS_getdents64, fd, buffer, count));
}

int nd_ns_get_nstype(int fd) { return ND_RESULT(ioctl(fd, NS_GET_NSTYPE)); }

int nd_ns_owner(int fd, uint32_t *uid) {
    int user = ioctl(fd, NS_GET_USERNS);
    if (user < 0) return -errno;
    int result = ND_RESULT(ioctl(user, NS_GET_OWNER_UID, uid));
    close(user);
    return result;
}

int nd_socket_netns(int fd) { return ND_RESULT(ioctl(fd, SIOCGSKNS)); }

int nd_netns_cookie(int socket, uint64_t *cookie) {
    socklen_t length = sizeof *cookie;
    return ND_RESULT(getsockopt(socket, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &length));
}

int nd_device(int fd, uint64_t *device) {
    struct statx status = {0};
    int result = ND_RESULT(statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &status));
    *device = makedev(status.stx_dev_major, status.stx_dev_minor);
    return result;
}

int nd_filesystem_magic(int fd, uint64_t *magic) {
    struct statfs fs;
    int result = ND_RESULT(fstatfs(fd, &fs));
    *magic = (uint64_t)fs.f_type;
    return result;
}

int nd_ethtool_speed(int socket, const char *device, uint32_t *megabits, uint8_t *duplex) {
    struct ethtool_cmd command = {.cmd = ETHTOOL_GSET};
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strncpy(request.ifr_name, device, IFNAMSIZ - 1);
    request.ifr_data = (void *)&command;
    int result = ND_RESULT(ioctl(socket, SIOCETHTOOL, &request));
    *megabits = ethtool_cmd_speed(&command);
    *duplex = command.duplex;
    return result;
}

int nd_netlink_receive(int socket, void *buffer, size_t capacity, uint32_t *sender, int *truncated) {
    struct sockaddr_nl address;
    memset(&address, 0, sizeof address);
    struct iovec iov = {.iov_base = buffer, .iov_len = capacity};
    struct msghdr message = {.msg_name = &address, .msg_namelen = sizeof address, .msg_iov = &iov, .msg_iovlen = 1};
    int result = ND_RESULT(recvmsg(socket, &message, MSG_DONTWAIT));
    *sender = address.nl_pid;
    *truncated = (message.msg_flags & MSG_TRUNC) != 0;
    return result;
}

int nd_epoll_create(void) { return ND_RESULT(epoll_create1(EPOLL_CLOEXEC)); }

int nd_epoll_add(int epoll, int fd, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data.u64 = data};
    return ND_RESULT(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}

int nd_epoll_wait(int epoll, struct nd_event *events, int capacity, int milliseconds) {
    _Static_assert(sizeof(struct nd_event) == sizeof(struct epoll_event), "struct epoll_event is another");
    return ND_RESULT(epoll_wait(epoll, (struct epoll_event *)events, capacity, milliseconds));
}

int nd_eventfd(void) { return ND_RESULT(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

int nd_socket(int family, int type, int protocol) {
    return ND_RESULT(socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
}

int nd_connect(int socket, int family, const uint8_t *address, uint16_t port, uint32_t link) {
    if (family == AF_INET) {
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
        memcpy(&to.sin_addr, address, 4);
        return ND_RESULT(connect(socket, (struct sockaddr *)&to, sizeof to));
    }
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_scope_id = link};
    memcpy(&to.sin6_addr, address, 16);
    return ND_RESULT(connect(socket, (struct sockaddr *)&to, sizeof to));
}

int nd_set_option(int socket, int level, int name, int value) {
    return ND_RESULT(setsockopt(socket, level, name, &value, sizeof value));
}

int nd_reset_on_close(int socket) {
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    return ND_RESULT(setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
}

int nd_attach_filter(int socket, const struct sock_filter *instructions, unsigned short count) {
    struct sock_fprog program = {.len = count, .filter = (struct sock_filter *)instructions};
    return ND_RESULT(setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
}

int nd_socket_error(int socket) {
    int error = 0;
    socklen_t length = sizeof error;
    int result = ND_RESULT(getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length));
    return result < 0 ? result : error;
}

int nd_tcp_information(int socket, uint32_t *round_trip, uint32_t *retransmits) {
    struct tcp_info information;
    memset(&information, 0, sizeof information);
    socklen_t length = sizeof information;
    int result = ND_RESULT(getsockopt(socket, IPPROTO_TCP, TCP_INFO, &information, &length));
    *round_trip = information.tcpi_rtt;
    *retransmits = information.tcpi_total_retrans;
    return result;
}

int nd_receive_stamped(int socket, void *buffer, size_t capacity, int64_t *nanoseconds, int *truncated) {
    struct iovec iov = {.iov_base = buffer, .iov_len = capacity};
    union {
        char bytes[CMSG_SPACE(sizeof(struct timespec)) + 64];
        struct cmsghdr align;
    } control;
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    int result = ND_RESULT(recvmsg(socket, &message, MSG_DONTWAIT));
    *nanoseconds = 0;
    *truncated = (message.msg_flags & MSG_TRUNC) != 0;
    if (result < 0) return result;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
            struct timespec stamp;
            memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
            *nanoseconds = (int64_t)stamp.tv_sec * 1000000000 + stamp.tv_nsec;
        }
    }
    return result;
}

int nd_effective_capabilities(uint64_t *mask) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[2] = {{0}};
    int result = ND_RESULT(syscall(SYS_capget, &header, data));
    *mask = (uint64_t)data[1].effective << 32 | data[0].effective;
    return result;
}

int nd_permitted_capabilities(uint64_t *mask) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[2] = {{0}};
    int result = ND_RESULT(syscall(SYS_capget, &header, data));
    *mask = (uint64_t)data[1].permitted << 32 | data[0].permitted;
    return result;
}

int nd_set_capabilities(uint64_t effective, uint64_t permitted, uint64_t inheritable) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[2] = {
        {(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
        {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32)},
    };
    return ND_RESULT(syscall(SYS_capset, &header, data));
}

int nd_drop_bounding_capability(int capability) { return ND_RESULT(prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)); }
int nd_clear_ambient_capabilities(void) {
    return ND_RESULT(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
}
int nd_set_no_new_privileges(void) { return ND_RESULT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); }
int nd_set_dumpable(int dumpable) { return ND_RESULT(prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0)); }

int nd_set_syscall_filter(const struct sock_filter *filter, unsigned short count) {
    struct sock_fprog program = {.len = count, .filter = (struct sock_filter *)filter};
    return ND_RESULT(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program));
}

int nd_set_thread_name(const char *name) { return ND_RESULT(prctl(PR_SET_NAME, name, 0, 0, 0)); }

const char *nd_errno_name(int number) { return strerrorname_np(number); }
const char *nd_errno_text(int number) { return strerrordesc_np(number); }

#if defined(__x86_64__)
const uint32_t ND_AUDIT_ARCH = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
const uint32_t ND_AUDIT_ARCH = AUDIT_ARCH_AARCH64;
#endif
const uint64_t ND_NSFS_MAGIC = NSFS_MAGIC;
// Linux 5.12; <linux/openat2.h> of older headers has it not.
const uint64_t ND_RESOLVE_CACHED = 0x20;
const uint64_t ND_RESOLVE_IN_ROOT = RESOLVE_IN_ROOT;
const uint64_t ND_RESOLVE_NO_MAGICLINKS = RESOLVE_NO_MAGICLINKS;
const uint32_t ND_SPEED_UNKNOWN = (uint32_t)SPEED_UNKNOWN;
const int ND_O_PATH = O_PATH;
const int ND_CLONE_NEWNET = CLONE_NEWNET;
const int ND_SOL_RAW = SOL_RAW;
const int ND_ICMP_FILTER = ICMP_FILTER;
const int ND_SO_TIMESTAMPNS = SO_TIMESTAMPNS;
const int ND_IP_RECVERR = IP_RECVERR;
const int ND_IPV6_RECVERR = IPV6_RECVERR;
const int ND_IP_MTU_DISCOVER = IP_MTU_DISCOVER;
const int ND_IPV6_MTU_DISCOVER = IPV6_MTU_DISCOVER;
const int ND_IP_PMTUDISC_PROBE = IP_PMTUDISC_PROBE;
const int ND_SOCK_RAW = SOCK_RAW;
const int ND_SOCK_DGRAM = SOCK_DGRAM;
const int ND_SOCK_STREAM = SOCK_STREAM;
const uint32_t ND_EPOLLET = EPOLLET;
const uint32_t ND_EPOLLIN = EPOLLIN;
const uint32_t ND_EPOLLOUT = EPOLLOUT;

#pragma once
// What Swift's Glibc module does not import: namespaces, pidfd, openat2, getdents64, ethtool, kernel constants.
// No logic: one function is one system call, and returns what the kernel returns: a value, or -errno.
//
// Only headers of the kernel are included here: those of glibc, read with _GNU_SOURCE, define some structs otherwise
// than Swift's own Glibc module, which then refuses both.
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/gen_stats.h>
#include <linux/if_link.h>
#include <linux/inet_diag.h>
#include <linux/net_namespace.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <linux/nsfs.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <asm/unistd.h>
#include <stddef.h>
#include <stdint.h>

// setns(2) to an open network namespace; fails with EINVAL when fd is a namespace of another type.
int nd_setns_net(int fd);

// unshare(2) into a new network namespace.
int nd_unshare_net(void);

// gettid(2).
int nd_gettid(void);

// pidfd_open(2), Linux 5.3.
int nd_pidfd_open(int pid);

// pidfd_getfd(2), Linux 5.6: a copy of another process's descriptor, close-on-exec.
int nd_pidfd_getfd(int pidfd, int fd);

// openat2(2), Linux 5.6.
int nd_openat2(int dir, const char *path, uint64_t flags, uint64_t resolve);

// open(2) and openat(2) without a mode: they are variadic in C.
int nd_openat(int dir, const char *path, int flags);

// getdents64(2): raw directory entries, without the allocation of opendir(3).
int nd_getdents64(int fd, void *buffer, unsigned int count);

// ioctl_nsfs(2): the CLONE_NEW* type of a namespace descriptor, Linux 4.11.
int nd_ns_get_nstype(int fd);

// ioctl_nsfs(2), Linux 4.11: the user who made the user namespace that a namespace belongs to; root for the initial one.
int nd_ns_owner(int fd, uint32_t *uid);

// SIOCGSKNS: a descriptor of the network namespace of a socket, Linux 4.10. Needs CAP_NET_ADMIN there.
int nd_socket_netns(int fd);

// SO_NETNS_COOKIE, Linux 5.14: a number no other namespace of this boot had or will have.
int nd_netns_cookie(int socket, uint64_t *cookie);

// statx(2), Linux 4.11, with AT_STATX_DONT_SYNC: the device number of the file system a descriptor lies on. Nobody is asked for it,
// where fstatfs(2) and fstat(2) wait for the answer of a server (NFS, FUSE).
int nd_device(int fd, uint64_t *device);

// fstatfs(2): the magic number of the file system a descriptor lies on.
int nd_filesystem_magic(int fd, uint64_t *magic);

// ETHTOOL_GSET by SIOCETHTOOL, ethtool(7): speed in Mb/s (SPEED_UNKNOWN is UINT32_MAX) and duplex. Any socket will do.
int nd_ethtool_speed(int socket, const char *device, uint32_t *megabits, uint8_t *duplex);

// recvmsg(2) of one netlink datagram: its length, the sender's port and whether it was cut (MSG_TRUNC). It does not wait:
// the kernel answers within sendmsg(2), and goes on with a dump within recvmsg(2) (af_netlink.c, netlink_dump()).
int nd_netlink_receive(int socket, void *buffer, size_t capacity, uint32_t *sender, int *truncated);

// struct epoll_event of epoll_ctl(2), whose union does not import: packed on x86-64, as the kernel has it.
struct nd_event {
    uint32_t events;
    uint64_t data;
}
#ifdef __x86_64__
__attribute__((packed))
#endif
;

// epoll_create1(2), epoll_ctl(2) with EPOLL_CTL_ADD, epoll_wait(2), eventfd(2) that does not block.
int nd_epoll_create(void);
int nd_epoll_add(int epoll, int fd, uint32_t events, uint64_t data);
int nd_epoll_wait(int epoll, struct nd_event *events, int capacity, int milliseconds);
int nd_eventfd(void);

// socket(2), not blocking and close-on-exec.
int nd_socket(int family, int type, int protocol);

// connect(2) to an address of AF_INET (4 bytes) or AF_INET6 (16 bytes), with the index of its link (sin6_scope_id).
int nd_connect(int socket, int family, const uint8_t *address, uint16_t port, uint32_t link);

// setsockopt(2) of an int.
int nd_set_option(int socket, int level, int name, int value);

// SO_LINGER of 0 s, socket(7): close(2) resets the connection, so that nothing of it stays in the namespace.
int nd_reset_on_close(int socket);

// SO_ATTACH_FILTER, socket(7).
int nd_attach_filter(int socket, const struct sock_filter *instructions, unsigned short count);

// SO_ERROR, socket(7): the error that waits, a positive number, and takes it away; -errno when it cannot be asked.
int nd_socket_error(int socket);

// TCP_INFO, tcp(7): the smoothed round trip in microseconds and the segments that were sent again.
int nd_tcp_information(int socket, uint32_t *round_trip, uint32_t *retransmits);

// recvmsg(2) without waiting: the length, when it came in nanoseconds of CLOCK_REALTIME (SO_TIMESTAMPNS; 0 when that was
// not asked for), and whether it was cut (MSG_TRUNC).
int nd_receive_stamped(int socket, void *buffer, size_t capacity, int64_t *nanoseconds, int *truncated);

// capget(2), version 3: the effective set of the calling thread.
int nd_effective_capabilities(uint64_t *mask);

/// The permitted capabilities of the calling thread (capget(2)).
int nd_permitted_capabilities(uint64_t *mask);

// capset(2), version 3: the three sets of the calling thread; each must be within what is permitted.
int nd_set_capabilities(uint64_t effective, uint64_t permitted, uint64_t inheritable);

// prctl(PR_CAPBSET_DROP): needs CAP_SETPCAP; EINVAL beyond the last capability of this kernel.
int nd_drop_bounding_capability(int capability);

// prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL), Linux 4.3.
int nd_clear_ambient_capabilities(void);

// prctl(PR_SET_NO_NEW_PRIVS): no execve(2) gives rights any more; cannot be taken back.
int nd_set_no_new_privileges(void);

// prctl(PR_SET_DUMPABLE): 0 for no core dumps, and no ptrace(2) by others of the same user.
int nd_set_dumpable(int dumpable);

// seccomp(2), SECCOMP_SET_MODE_FILTER with SECCOMP_FILTER_FLAG_TSYNC: the filter binds every thread of the process.
int nd_set_syscall_filter(const struct sock_filter *filter, unsigned short count);

// prctl(PR_SET_NAME): the calling thread's name, 15 bytes, as ps -L shows it.
int nd_set_thread_name(const char *name);

// strerrorname_np(3) and strerrordesc_np(3): static text, or NULL for a number that has none.
const char *nd_errno_name(int number);
const char *nd_errno_text(int number);

// struct linux_dirent64 is not in a public header; these are its offsets, getdents64(2).
enum { ND_DIRENT_RECLEN = 16, ND_DIRENT_TYPE = 18, ND_DIRENT_NAME = 19 };

// Constants whose macros do not import.
// What seccomp(2) calls the architecture that this was built for.
extern const uint32_t ND_AUDIT_ARCH;
extern const uint64_t ND_NSFS_MAGIC;
extern const uint64_t ND_RESOLVE_CACHED;
extern const uint64_t ND_RESOLVE_IN_ROOT;
extern const uint64_t ND_RESOLVE_NO_MAGICLINKS;
extern const uint32_t ND_SPEED_UNKNOWN;
extern const int ND_O_PATH;
extern const int ND_CLONE_NEWNET;
extern const int ND_SOL_RAW;
extern const int ND_ICMP_FILTER;
extern const int ND_SO_TIMESTAMPNS;
extern const int ND_IP_RECVERR;
extern const int ND_IPV6_RECVERR;
extern const int ND_IP_MTU_DISCOVER;
extern const int ND_IPV6_MTU_DISCOVER;
extern const int ND_IP_PMTUDISC_PROBE;
extern const int ND_SOCK_RAW;
extern const int ND_SOCK_DGRAM;
extern const int ND_SOCK_STREAM;
extern const uint32_t ND_EPOLLET;
extern const uint32_t ND_EPOLLIN;
extern const uint32_t ND_EPOLLOUT;

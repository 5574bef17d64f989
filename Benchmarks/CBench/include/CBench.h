#pragma once
// The reference of the benchmark: the bare system calls of a collection, and clocks.
#include <stddef.h>
#include <stdint.h>

// One namespace of the floor: its mount, kept directories and kept files.
struct bench_namespace {
    const char *path;
    int *directories; // one for each directory, or -1
    int *files;       // one for each sysctl, or -1
};

// A sysctl: which directory, the path below it, and its full path.
struct bench_sysctl {
    int directory;
    const char *relative;
    const char *full;
};

struct bench_world {
    struct bench_namespace *namespaces;
    int namespace_count;
    const struct bench_sysctl *sysctls;
    int sysctl_count;
    const char *const *directories; // full paths
    int directory_count;
    int defaults; // also what the other collectors read that run by default
};

// Opens what is to be kept: each namespace's directories whose rank is below `directories`, and the files of the sysctls whose
// rank is below `files`. Returns 0, or -errno.
int bench_prepare(struct bench_world *world, const int *ranks, int files, const int *directory_ranks, int directories);

// One collection of bare system calls: open, setns, link dump, kept files or openat below kept directories; with
// `defaults` also address and route dumps, five files of /proc/thread-self/net, and connection tracking.
// Returns the bytes read, or -errno. The calling thread ends in the last namespace.
long bench_floor(const struct bench_world *world);

// Enters a namespace and leaves its link dump in `buffer`, to be decoded; its length, or -errno.
long bench_capture_links(const char *path, char *buffer, size_t capacity);

// The peers' way: each sysctl by its full path in each of the first `count` namespaces, and one link dump.
long bench_naive(const struct bench_world *world, int count);

// Closes what bench_prepare opened.
void bench_release(struct bench_world *world);

// setns(2) back to a descriptor; 0 or -errno.
int bench_return(int home);

// GET of `path` from 127.0.0.1:`port`, the connection closed afterwards: the answer's status, or -errno.
int bench_http_get(int port, const char *path, const char *encoding);

// Runs a shell command with `input` as its standard input; its exit status, or -errno.
int bench_shell(const char *command, const char *input);

// CPU time of a process, nanoseconds, or -errno: clock_getcpuclockid(3).
int64_t bench_process_cpu(int pid);

// Forks a process that sleeps in the namespace of `path` until it is killed or its parent thread ends; its id, or -errno.
int bench_sleeper(const char *path);

#pragma once
// The BPF programs of the engine: loaded by libbpf, which is opened when it is needed.
//
// libbpf is not linked: a binary that needs libbpf.so.1 would not start on a host without it, and there the portable way
// works. It is not linked statically either: libbpf.a needs libelf.a, whose licence (LGPL-3.0 or GPL-2.0) would bind the
// whole binary.
#include <stddef.h>
#include <stdint.h>
#include "NetnsBPFRecords.h"

// What could not be done, when something could not.
enum nd_bpf_step {
    ND_BPF_STEP_NONE = 0,
    ND_BPF_STEP_LIBRARY, // libbpf.so.1 is not there, or lacks a function
    ND_BPF_STEP_OPEN,    // libbpf did not understand the object
    ND_BPF_STEP_LOAD,    // the kernel refused the program
    ND_BPF_STEP_MAP,     // the memory it writes into could not be mapped
    ND_BPF_STEP_ATTACH,  // the iterator, or the watch of writes, was refused
    ND_BPF_STEP_CGROUP,  // the root of the cgroup v2 hierarchy could not be opened
};

// Loaded programs. The pointers are to memory that the kernel writes into; NULL and -1 before they are loaded.
struct nd_bpf {
    void *walk_object;
    int walk;                                // the program's descriptor
    struct nd_bpf_directory *directories;    // ND_BPF_DIRECTORIES
    struct nd_bpf_sysctl *sysctls;           // ND_BPF_SYSCTLS
    struct nd_bpf_lesson *lessons;           // ND_BPF_SYSCTLS
    const struct nd_bpf_namespace *namespaces; // ND_BPF_BATCH
    const struct nd_bpf_value *values;       // ND_BPF_VALUES, those of a namespace one after the other
    const struct nd_bpf_link *links;         // ND_BPF_LINKS

    // Where struct net_bridge_port has its device and its state, or 0: for the calls.
    uint32_t port_device, port_state;

    void *holders_object;
    void *tasks_link, *files_link;
    int tasks, files; // the iterators' descriptors
};

// Loads all programs. Returns 0, or -errno with what failed and, in `log`, what libbpf and the kernel said of it.
int nd_bpf_load(struct nd_bpf *bpf, enum nd_bpf_step *step, char *log, size_t capacity);

// Closes what was loaded.
void nd_bpf_unload(struct nd_bpf *bpf);

// Runs the walk (BPF_PROG_TEST_RUN): 0 or -errno.
int nd_bpf_walk(const struct nd_bpf *bpf, struct nd_bpf_call *call);

// Begins an iterator (BPF_ITER_CREATE): a descriptor that is read(2) to its end, or -errno.
int nd_bpf_iterate(int link);

// The watch of writes, loaded and attached.
struct nd_bpf_writes {
    void *object, *link, *ring;
    struct nd_bpf_taking *taking;
    const struct nd_bpf_write_counts *counts; // the kernel writes into it
};

// Loads the watch and attaches it to the root of the cgroup v2 hierarchy: that which `cgroup` is a descriptor of, or, when it
// is -1, that of a mount of its own (fsopen(2), CAP_SYS_ADMIN). Others' programs stay attached. As nd_bpf_load().
int nd_bpf_load_writes(struct nd_bpf_writes *writes, int cgroup, enum nd_bpf_step *step, char *log, size_t capacity);

// Detaches the watch and closes it.
void nd_bpf_unload_writes(struct nd_bpf_writes *writes);

// A descriptor to poll(2): it is readable when something was heard that nobody was told of. In the 4 ms after it became
// readable it does not again: look once more afterwards.
int nd_bpf_writes_descriptor(const struct nd_bpf_writes *writes);

// Takes what was heard, oldest first: the number of records, at most `capacity`, or -errno. One thread may.
int nd_bpf_take_writes(const struct nd_bpf_writes *writes, struct nd_bpf_write *records, size_t capacity);

// The hash of the sources that the embedded objects were compiled from, as scripts/build-bpf writes it.
extern const char nd_bpf_source_hash[];

// The embedded objects.
extern const unsigned char nd_bpf_walk_object[];
extern const size_t nd_bpf_walk_object_size;
extern const unsigned char nd_bpf_walk_casts_object[]; // the same for Linux 6.2 and later
extern const size_t nd_bpf_walk_casts_object_size;
extern const unsigned char nd_bpf_holders_object[];
extern const size_t nd_bpf_holders_object_size;
extern const unsigned char nd_bpf_writes_object[];
extern const size_t nd_bpf_writes_object_size;

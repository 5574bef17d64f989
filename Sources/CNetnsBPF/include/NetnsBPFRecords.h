#pragma once
// What the programs in the kernel and the agent hand each other. Included by both: fixed widths, no pointers, no padding
// that is not written out.
#ifndef __bpf__
#include <stdint.h>
typedef uint64_t nd_u64;
typedef uint32_t nd_u32;
typedef uint16_t nd_u16;
typedef uint8_t nd_u8;
#else
typedef __u64 nd_u64;
typedef __u32 nd_u32;
typedef __u16 nd_u16;
typedef __u8 nd_u8;
#endif

enum {
    ND_BPF_NAME = 64,          // a component of a sysctl's path, with its NUL
    ND_BPF_DIRECTORIES = 128,  // directories of a plan, the root among them
    ND_BPF_DEPTH = 6,          // directories above a sysctl: net, ipv4, conf, eth0 are 4
    ND_BPF_SYSCTLS = 1024,     // sysctls of a plan
    ND_BPF_GROUPS = 160,       // tables that sysctls of a plan are in
    ND_BPF_CACHED_GROUPS = 24, // tables that are remembered of each namespace
    ND_BPF_RAW = 16,           // bytes of a value that are handed over
    ND_BPF_BATCH = 1024,       // namespaces of one call
    ND_BPF_VALUES = 65536,     // sysctls of one call, those of all its namespaces together
    ND_BPF_WALK_LIMIT = 65536, // namespaces that are looked at at most
    ND_BPF_LINKS = 16384,      // links of one call, those of all its namespaces together
    ND_BPF_LINK_NAME = 16,     // a link's name, or kind, with its NUL
    ND_BPF_ADDRESS = 32,       // a hardware address at most (MAX_ADDR_LEN)
    ND_BPF_SYMBOL = 64,
    ND_BPF_WRITES_BYTES = 8 << 20, // of the ring buffer of writes: 13,443 of them
    ND_BPF_TEXT = 128,         // bytes of a text that somebody wrote
    ND_BPF_PATH = 128,         // bytes of a path
    ND_BPF_PATH_DEPTH = 8,
};
#define ND_BPF_NO_OFFSET 0xffffffffu

// What became of a sysctl in one namespace.
enum nd_bpf_state {
    ND_BPF_ABSENT = 0,     // the namespace has none of that name
    ND_BPF_VALUE = 1,      // `raw` holds the first `length` bytes of its data
    ND_BPF_EMPTY_BITMAP = 2,
    ND_BPF_OTHER = 3,      // it is there, and what it says cannot be told from its data
    ND_BPF_RACED = 4,      // its table went while it was read
};

// How the program looks at a sysctl's data.
enum nd_bpf_kind {
    ND_BPF_PLAIN = 0,
    ND_BPF_CONGESTION = 1, // a pointer to a struct tcp_congestion_ops
    ND_BPF_BITMAP = 2,     // a pointer to a bitmap of 65,536 bits
    ND_BPF_PORTS = 3,      // two 16-bit numbers in one of 32 bits, when the table tells no length
};

// A directory of /proc/sys to look for. Directory 0 is the root of a namespace's own tree.
struct nd_bpf_directory {
    char name[ND_BPF_NAME];
    nd_u8 chain[8]; // the directories from below the root down to this one; 0 where there is none
};

// A sysctl to read.
struct nd_bpf_sysctl {
    char name[ND_BPF_NAME];
    nd_u64 procname;  // the address of the name's text in the kernel, 0 before it is known
    nd_u32 directory;
    nd_u32 group;     // sysctls of one group are in one table, as far as is known
    nd_u32 index[2];  // where it was found in its table
    nd_u32 kind;
    // What was seen in the agent's own namespace: where its data is, in struct net or in the data of its table, and the
    // rest of its entry.
    nd_u32 offset; // ND_BPF_NO_OFFSET when it cannot be told
    nd_u64 handler;
    nd_u32 maxlen;
    nd_u16 mode;
    nd_u16 is_in_net;
};

// What is learnt of a sysctl in the agent's own namespace.
struct nd_bpf_lesson {
    nd_u64 header;    // tells tables apart; 0 when it is absent
    nd_u64 handler;
    char symbol[ND_BPF_SYMBOL]; // the kernel's name of the handler
};

// A sysctl in one namespace.
struct nd_bpf_value {
    nd_u64 handler;   // the kernel function that writes it out: tells forms apart
    nd_u32 maxlen;
    nd_u16 mode;
    nd_u8 state;
    nd_u8 length;
    nd_u8 raw[ND_BPF_RAW];
};

// A network namespace.
struct nd_bpf_namespace {
    nd_u64 cookie;
    nd_u32 inode;
    nd_u32 user_inode; // of the user namespace it belongs to
    nd_u32 owner;      // the user who made that one
    nd_u32 device_sequence; // changes when a link comes or goes
    nd_u32 first_link; // where its links are among those of the call
    nd_u32 links;
    nd_u32 has_links;  // whether they were read, all of them
    nd_u32 reserved;
};

// What cannot be told of a link.
enum nd_bpf_link_doubt {
    ND_BPF_DOUBTS_END = 1,   // where its other end or lower device is
    ND_BPF_DOUBTS_PORT = 2,  // its state as a port of a bridge
    ND_BPF_DOUBTS_ALIAS = 4, // it has an alias, which is not read
};
#define ND_BPF_NO_PORT 0xffu

// A link of a namespace.
struct nd_bpf_link {
    nd_u64 end_cookie;  // of the namespace its other end is in; 0 when it has none
    nd_u32 ifindex;
    nd_u32 end;         // the index of its other end, in that namespace
    nd_u32 master;      // the index of the link it is a part of; 0 when it is not
    nd_u32 flags, requested_flags;
    nd_u32 state;       // bits of net_device.state, __LINK_STATE_*
    nd_u32 mtu;
    nd_u32 queue_length;
    nd_u32 carrier_up, carrier_down;
    nd_u16 type;
    nd_u8 operstate;
    nd_u8 address_length;
    nd_u8 port_state;   // ND_BPF_NO_PORT when its master is no bridge
    nd_u8 doubts;
    nd_u16 reserved;
    char name[ND_BPF_LINK_NAME];
    char kind[ND_BPF_LINK_NAME];
    nd_u8 address[ND_BPF_ADDRESS];
    nd_u8 broadcast[ND_BPF_ADDRESS];
};

// How a call went.
enum nd_bpf_outcome {
    ND_BPF_COMPLETE = 0, // all namespaces, or all after the one that was named
    ND_BPF_FULL = 1,     // there are more: call again after the last one
    ND_BPF_CHANGED = 2,  // the list changed under the walk, which cannot be trusted
    ND_BPF_TOO_MANY = 3,
};

// One call.
struct nd_bpf_call {
    nd_u64 after;     // in: the cookie of the last namespace of the call before; 0 for the first
    nd_u32 sysctls;   // in: how many of the plan
    nd_u32 groups;    // in: how many groups they are in
    nd_u32 lasting;   // in: how many of these, the first ones, live as long as their namespace
    nd_u32 learns;    // in: whether this is to fill the lessons, from the caller's own namespace alone
    nd_u32 count;     // out: namespaces
    nd_u32 outcome;   // out
    nd_u32 skipped;   // out: namespaces that are being freed
    nd_u32 pid;       // out: the caller's process, as the kernel counts
    nd_u32 capacity;  // in: namespaces to give at most
    nd_u32 links;     // in: whether to read links
    // In: where struct net_bridge_port has these, which may be in a module; 0 where that is not known.
    nd_u32 port_device;
    nd_u32 port_state;
};

// A thread, of the iterator over all of them.
struct nd_bpf_task {
    nd_u64 start;     // nanoseconds since boot
    nd_u64 root;      // tells root directories apart, in one mount namespace
    nd_u32 inode;     // of its network namespace
    nd_u32 mounts;    // of its mount namespace
    nd_u32 pid;       // the process
    nd_u32 tid;
    nd_u32 uid;       // effective
    nd_u32 flags;     // PF_*
    char command[16];
};

// A descriptor that holds a namespace, of the iterator over all of them.
struct nd_bpf_file {
    nd_u32 inode;     // of the network namespace
    nd_u32 pid;
    nd_u32 fd;
    nd_u32 is_socket;
};

// A write of a sysctl of a network namespace, before the kernel takes it.
struct nd_bpf_write {
    nd_u64 time;      // nanoseconds since boot, with the time asleep
    nd_u64 cookie;    // of the namespace whose sysctl it is
    nd_u32 inode;     // of that namespace
    nd_u32 owner;     // of the user namespace that it belongs to
    nd_u32 is_sure;   // whether that is the sysctl's own namespace; else it is the writer's, for want of a better answer
    nd_u32 is_secret; // not everybody may read it: its values are left out
    // Who writes.
    nd_u32 pid;
    nd_u32 tid;
    nd_u32 parent;
    nd_u32 uid;       // effective, as the first user namespace counts
    nd_u32 login;     // who logged in, all ones where nobody did
    nd_u32 network;   // of its network namespace
    nd_u32 mounts;    // of its mount namespace
    nd_u32 processes; // of its process-id namespace
    nd_u32 users;     // of its user namespace
    // Bytes of the texts, without a NUL; those of a path with the NUL of each component. ND_BPF_TEXT stands for a text that
    // is longer.
    nd_u32 name_length;
    nd_u32 old_length;
    nd_u32 new_length;
    nd_u32 executable_length;
    nd_u32 is_executable_whole; // whether the path begins at the root of its file system
    char command[16];
    char name[ND_BPF_TEXT];      // "net/ipv4/ip_forward"
    char old[ND_BPF_TEXT];       // what the sysctl shows
    char new_value[ND_BPF_TEXT]; // what is written
    char executable[ND_BPF_PATH]; // components, each with its NUL, the last one first
};

// Of all writes since the program was loaded.
struct nd_bpf_write_counts {
    nd_u64 heard;
    nd_u64 lost;        // there was no room in the ring buffer
    nd_u64 begun_again; // left out: the kernel began the call anew
};

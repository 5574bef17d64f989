// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// One call walks the kernel's own list of network namespaces (net_namespace_list) and reads wanted sysctls of each from
// the tree behind its /proc/sys/net (fs/proc/proc_sysctl.c): directories and entries are in red-black trees sorted by name.
//
// To look a name up costs some 0.7 us, so where its table is is remembered of each namespace (by its cookie, which is never
// used again) and proven at each call: a table that is there still says whose it is (ctl_table_header.set), and that it is
// not being taken away; an entry of it says by its name's address what it is. Names are constants of the kernel, so the
// tables of all namespaces point at the same ones.
//
// Tables of single devices are looked up each time: another device may be given the memory of one that has gone, and then
// looks like it. Those that live as long as their namespace do not change, so of most of their entries it is enough to have
// seen once, in each namespace, that their data is where it is in struct net in the agent's own: that spares a cache miss
// for each.
//
// Nothing is locked and nothing is held: memory is read with bpf_probe_read_kernel(), which fails on what is not mapped,
// and what was read is proven to have stayed where it was.
#include "kernel.h"
#include "../include/NetnsBPFRecords.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define ARRAY(NAME, TYPE, COUNT)               \
    struct {                                   \
        __uint(type, BPF_MAP_TYPE_ARRAY);      \
        __uint(map_flags, BPF_F_MMAPABLE);     \
        __uint(max_entries, COUNT);            \
        __type(key, __u32);                    \
        __type(value, TYPE);                   \
    } NAME SEC(".maps")

// The plan, and what comes of it.
ARRAY(directories, struct nd_bpf_directory, ND_BPF_DIRECTORIES);
ARRAY(sysctls, struct nd_bpf_sysctl, ND_BPF_SYSCTLS);
ARRAY(lessons, struct nd_bpf_lesson, ND_BPF_SYSCTLS);
ARRAY(namespaces, struct nd_bpf_namespace, ND_BPF_BATCH);
ARRAY(values, struct nd_bpf_value, ND_BPF_VALUES);
ARRAY(links, struct nd_bpf_link, ND_BPF_LINKS);

// Where the tables of a namespace are: addresses of struct ctl_table_header.
struct tables {
    __u64 header[ND_BPF_CACHED_GROUPS];
    __u64 table[ND_BPF_CACHED_GROUPS];
    // What the offsets of a table's data begin at, where that is not struct net.
    __u64 base[ND_BPF_CACHED_GROUPS];
    // Whether the data of a sysctl is where its `offset` says: a bit for each of the plan.
    __u64 is_placed[ND_BPF_SYSCTLS / 64];
    __u64 plan; // of which plan this was seen
};
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 8192);
    __type(key, __u64);
    __type(value, struct tables);
} known SEC(".maps");

// One call runs at a time, so what does not fit the stack is here.
static struct {
    __u64 net, first, ops, after, cookie, set, plan;
    __u32 count, capacity, outcome, skipped, sysctls, groups, lasting, learns, found_after, finished, has_raced;
    // One more for each namespace: what is of another round is not known of this one.
    __u32 round;
    // Of the namespace that is looked at. Directories: 1 for one that is absent, or the address.
    __u64 directory[ND_BPF_DIRECTORIES];
    __u32 directory_round[ND_BPF_DIRECTORIES];
    // Tables: the header's address and that of its entries; 0 where it is not known.
    __u64 header[ND_BPF_GROUPS];
    __u64 table[ND_BPF_GROUPS];
    // While learning: where the data of a group's table begins.
    __u64 base[ND_BPF_GROUPS];
    // Whether the table is the one that was remembered.
    __u8 is_known[ND_BPF_GROUPS];
    __u32 group_round[ND_BPF_GROUPS];
    __u8 has_gone[ND_BPF_GROUPS];
    // A name that is looked up: where the search is, and what was found.
    __u64 node, found_header, found_table, found_entry, found_procname;
    __u32 found_index, found_mode;
    // Links: where the search is, where the list ends, how many were given, and how many of this namespace.
    __u64 device_node, device_head;
    __u32 links, own_links, reads_links, has_all_links, port_device, port_state;
} state;
static char wanted[ND_BPF_NAME], name[ND_BPF_NAME];
static __u64 bits[128];

// With bpf_rdonly_cast() (Linux 6.2) reading a number is one instruction, which gives 0 where there is no memory, and not a call of
// some 60. That is an object of its own, since libbpf looks for what the kernel proper has not in the types of all modules, which
// takes CAP_SYS_ADMIN.
#ifdef ND_CASTS
enum { casts = 1 };
extern void *bpf_rdonly_cast(const void *address, __u32 type) __ksym;
#define CAST(TYPE, ADDRESS) ((TYPE *)bpf_rdonly_cast((void *)(ADDRESS), bpf_core_type_id_kernel(TYPE)))
#else
enum { casts = 0 };
#define CAST(TYPE, ADDRESS) ((TYPE *)(ADDRESS)) // never run
#endif

static __always_inline __u64 load(__u64 address) {
    if (casts) return CAST(struct timespec64, address)->tv_sec;
    __u64 value = 0;
    bpf_probe_read_kernel(&value, sizeof(value), (void *)address);
    return value;
}
static __always_inline __u32 load32(__u64 address) {
    if (casts) return CAST(struct refcount_struct, address)->refs.counter;
    __u32 value = 0;
    bpf_probe_read_kernel(&value, sizeof(value), (void *)address);
    return value;
}
static __always_inline __u8 load8(__u64 address) {
    if (casts) return CAST(struct ethhdr, address)->h_dest[0];
    __u8 value = 0;
    bpf_probe_read_kernel(&value, sizeof(value), (void *)address);
    return value;
}
#define AT(TYPE, BASE, MEMBER) ((BASE) + bpf_core_field_offset(TYPE, MEMBER))

// As the kernel's namecmp(): bytes, and a shorter name first. Both are padded with NUL.
static __always_inline int compare(const char *a, const char *b) {
    for (int i = 0; i < ND_BPF_NAME / 8; i++) {
        __u64 x = __builtin_bswap64(((const __u64 *)a)[i]), y = __builtin_bswap64(((const __u64 *)b)[i]);
        if (x != y) return x < y ? -1 : 1;
    }
    return 0;
}

static long step(__u32 i, void *unused) {
    __u64 node = state.node;
    if (!node) return 1;
    __u64 header = load(AT(struct ctl_node, node, header));
    __u64 table = load(AT(struct ctl_table_header, header, ctl_table));
    __u64 nodes = load(AT(struct ctl_table_header, header, node));
    __u64 offset = node - nodes;
    __u32 index = offset / bpf_core_type_size(struct ctl_node);
    __u64 entry = table + index * (__u64)bpf_core_type_size(struct ctl_table);
    __u64 procname = load(AT(struct ctl_table, entry, procname));
    __builtin_memset(name, 0, sizeof(name));
    if (bpf_probe_read_kernel_str(name, sizeof(name), (void *)procname) < 0) return 1;
    // What follows the NUL is what a longer name left there: nothing was, since it was cleared.
    int order = compare(wanted, name);
    if (!order) {
        state.found_header = header;
        state.found_table = table;
        state.found_entry = entry;
        state.found_procname = procname;
        state.found_index = index;
        umode_t mode = 0;
        bpf_probe_read_kernel(&mode, sizeof(mode), (void *)AT(struct ctl_table, entry, mode));
        state.found_mode = mode;
        return 1;
    }
    state.node = order < 0 ? load(AT(struct rb_node, node, rb_left)) : load(AT(struct rb_node, node, rb_right));
    return 0;
}

// Looks for `wanted` in a directory; the answer is in state.found_*.
static __noinline int look_up(__u64 directory) {
    state.found_entry = 0;
    state.node = load(AT(struct ctl_dir, directory, root.rb_node));
    bpf_loop(64, step, 0, 0);
    return state.found_entry != 0;
}

// Finds a directory of the plan in the namespace, and those above it; 1 when it is absent.
static __noinline __u64 find_directory(__u32 number) {
    if (number >= ND_BPF_DIRECTORIES) return 1;
    if (state.directory_round[number] == state.round) return state.directory[number];
    struct nd_bpf_directory *directory = bpf_map_lookup_elem(&directories, &number);
    if (!directory) return 1;
    __u64 place = state.directory[0];
    for (int depth = 0; depth < ND_BPF_DEPTH; depth++) {
        __u32 next = directory->chain[depth];
        if (!next) break;
        if (next >= ND_BPF_DIRECTORIES) return 1;
        if (state.directory_round[next] != state.round) {
            struct nd_bpf_directory *below = bpf_map_lookup_elem(&directories, &next);
            if (!below) return 1;
            __builtin_memcpy(wanted, below->name, sizeof(wanted));
            // The header of a directory is the first member of its struct ctl_dir.
            state.directory[next] = look_up(place) && (state.found_mode & 0170000) == 0040000
                ? state.found_header - bpf_core_field_offset(struct ctl_dir, header) : 1;
            state.directory_round[next] = state.round;
        }
        place = state.directory[next];
        if (place == 1) return 1;
    }
    return place;
}

static __u64 header_bytes[16];

// Whether a table is there and this namespace's own; gives its entries.
static __always_inline __u64 prove(__u64 header) {
    if (casts) {
        if (load(AT(struct ctl_table_header, header, set)) != state.set) return 0;
        if (load(AT(struct ctl_table_header, header, unregistering))) return 0;
        return load(AT(struct ctl_table_header, header, ctl_table));
    }
    __u32 size = bpf_core_type_size(struct ctl_table_header);
    if (size > sizeof(header_bytes)) size = sizeof(header_bytes);
    if (bpf_probe_read_kernel(header_bytes, size, (void *)header)) return 0;
    void *bytes = header_bytes;
    if (*(__u64 *)(bytes + bpf_core_field_offset(struct ctl_table_header, set)) != state.set) return 0;
    if (*(__u64 *)(bytes + bpf_core_field_offset(struct ctl_table_header, unregistering))) return 0;
    return *(__u64 *)(bytes + bpf_core_field_offset(struct ctl_table_header, ctl_table));
}

// Reads the bitmap that a pointer leads to, and says whether it is empty.
static __noinline int is_empty(__u64 pointer) {
    __u64 bitmap = load(pointer), any = 0;
    if (!bitmap) return 0;
    for (int part = 0; part < 8; part++) {
        if (bpf_probe_read_kernel(bits, sizeof(bits), (void *)(bitmap + part * sizeof(bits)))) return 0;
        for (int i = 0; i < 128; i++) any |= bits[i];
    }
    return !any;
}

static __noinline int read_data(struct nd_bpf_value *value, __u64 data, __u32 kind) {
    if (!value) return 0;
    value->state = ND_BPF_OTHER;
    if (!data) return 0;
    if (kind == ND_BPF_CONGESTION) {
        __u64 ops = load(data);
        if (!ops) return 0;
        long length = bpf_probe_read_kernel_str(
            value->raw, ND_BPF_RAW, (void *)AT(struct tcp_congestion_ops, ops, name));
        if (length <= 1) return 0;
        value->length = length - 1;
        value->state = ND_BPF_VALUE;
    } else if (kind == ND_BPF_BITMAP) {
        if (is_empty(data)) value->state = ND_BPF_EMPTY_BITMAP;
    } else if (kind == ND_BPF_PORTS && !value->maxlen) {
        // The table's data is the namespace: the handler takes the ports from there.
        if (bpf_core_field_size(struct local_ports, range) != 4) return 0;
        __u64 ports = AT(struct net, state.net, ipv4.ip_local_ports.range);
        if (bpf_probe_read_kernel(value->raw, 4, (void *)ports)) return 0;
        value->length = 4;
        value->state = ND_BPF_VALUE;
    } else {
        __u32 length = value->maxlen;
        if (length == 0 || length > ND_BPF_RAW) return 0;
        if (casts && length == 4) {
            *(__u32 *)value->raw = load32(data);
        } else if (casts && length == 1) {
            value->raw[0] = load8(data);
        } else if (casts && length == 12) {
            *(__u64 *)value->raw = load(data);
            *(__u32 *)(value->raw + 8) = load32(data + 8);
        } else if (bpf_probe_read_kernel(value->raw, length, (void *)data)) {
            return 0;
        }
        value->length = length;
        value->state = ND_BPF_VALUE;
    }
    return 0;
}

static __u64 entry_bytes[16];

// Whether the data of a sysctl is where it is in the agent's own namespace, from the same beginning.
static __always_inline int is_placed(
    struct tables *tables, __u32 group, const struct nd_bpf_sysctl *sysctl, __u64 data
) {
    if (sysctl->is_in_net) return data == state.net + sysctl->offset;
    if (group >= ND_BPF_CACHED_GROUPS || !data) return 0;
    if (!tables->base[group]) tables->base[group] = data - sysctl->offset;
    return data == tables->base[group] + sysctl->offset;
}

struct context { struct tables *tables; };

static long per_sysctl(__u32 i, struct context *context) {
    struct nd_bpf_sysctl *sysctl = bpf_map_lookup_elem(&sysctls, &i);
    __u32 place = state.count * state.sysctls + i;
    struct nd_bpf_value *value = bpf_map_lookup_elem(&values, &place);
    struct tables *tables = context->tables;
    if (!sysctl || !value || !tables || i >= ND_BPF_SYSCTLS) return 1;
    __builtin_memset(value, 0, sizeof(*value));
    __u32 group = sysctl->group;
    if (group >= ND_BPF_GROUPS) return 0;
    int lasts = group < state.lasting && group < ND_BPF_CACHED_GROUPS;

    if (state.group_round[group] != state.round) {
        state.group_round[group] = state.round;
        state.header[group] = 0;
        state.table[group] = 0;
        state.is_known[group] = 0;
        if (lasts && group < ND_BPF_CACHED_GROUPS && tables->header[group]) {
            state.header[group] = tables->header[group];
            state.table[group] = prove(tables->header[group]);
            // The memory may have been given to another table of this namespace, which has other names.
            __u64 first = tables->table[group] + sysctl->index[0] * (__u64)bpf_core_type_size(struct ctl_table);
            state.is_known[group] = state.table[group] && state.table[group] == tables->table[group]
                && load(AT(struct ctl_table, first, procname)) == sysctl->procname;
        }
    }
    __u64 bit = 1ull << (i & 63);
    __u32 word = (i >> 6) & (ND_BPF_SYSCTLS / 64 - 1);
    if (lasts && state.is_known[group] && tables->is_placed[word] & bit) {
        value->handler = sysctl->handler;
        value->maxlen = sysctl->maxlen;
        value->mode = sysctl->mode;
        __u64 base = sysctl->is_in_net || group >= ND_BPF_CACHED_GROUPS ? state.net : tables->base[group];
        read_data(value, base + sysctl->offset, sysctl->kind);
        return 0;
    }

    __u32 size = bpf_core_type_size(struct ctl_table);
    if (size > sizeof(entry_bytes)) size = sizeof(entry_bytes);
    void *bytes = entry_bytes;
    __u64 entry = 0;
    if (state.table[group] && sysctl->procname) {
        for (int way = 0; way < 2 && !entry; way++) {
            __u64 candidate = state.table[group] + sysctl->index[way] * (__u64)bpf_core_type_size(struct ctl_table);
            if (!bpf_probe_read_kernel(entry_bytes, size, (void *)candidate)
                && *(__u64 *)(bytes + bpf_core_field_offset(struct ctl_table, procname)) == sysctl->procname)
                entry = candidate;
        }
    }
    if (!entry) {
        __u64 directory = find_directory(sysctl->directory);
        if (directory == 1) return 0;
        __builtin_memcpy(wanted, sysctl->name, sizeof(wanted));
        if (!look_up(directory) || (state.found_mode & 0170000) == 0040000) return 0;
        entry = state.found_entry;
        if (bpf_probe_read_kernel(entry_bytes, size, (void *)entry)) return 0;
        if (prove(state.found_header) != state.found_table) {
            value->state = ND_BPF_RACED;
            return 0;
        }
        state.header[group] = state.found_header;
        state.table[group] = state.found_table;
        state.is_known[group] = 0;
        if (lasts && group < ND_BPF_CACHED_GROUPS) {
            if (tables->header[group] != state.found_header || tables->table[group] != state.found_table)
            {
                // What was seen of another table is not true of this one.
                __builtin_memset(tables->is_placed, 0, sizeof(tables->is_placed));
                tables->base[group] = 0;
            }
            tables->header[group] = state.found_header;
            tables->table[group] = state.found_table;
        }
        if (!sysctl->procname) {
            sysctl->procname = state.found_procname;
            sysctl->index[0] = sysctl->index[1] = state.found_index;
        } else if (sysctl->procname == state.found_procname && sysctl->index[0] != state.found_index) {
            sysctl->index[1] = state.found_index;
        }
    }
    value->handler = *(__u64 *)(bytes + bpf_core_field_offset(struct ctl_table, proc_handler));
    value->maxlen = *(__u32 *)(bytes + bpf_core_field_offset(struct ctl_table, maxlen));
    value->mode = *(__u16 *)(bytes + bpf_core_field_offset(struct ctl_table, mode));
    __u64 data = *(__u64 *)(bytes + bpf_core_field_offset(struct ctl_table, data));
    // What not everybody may read is a key, or a command.
    if (!(value->mode & 0004)) {
        value->state = ND_BPF_OTHER;
        return 0;
    }
    if (state.learns) {
        sysctl->handler = value->handler;
        sysctl->maxlen = value->maxlen;
        sysctl->mode = value->mode;
        sysctl->is_in_net = data - state.net < bpf_core_type_size(struct net);
        // Else, by the middle of the 4 GiB that lie around the first of its table that was found.
        if (!sysctl->is_in_net && !state.base[group]) state.base[group] = data - (1ull << 31);
        __u64 offset = data - (sysctl->is_in_net ? state.net : state.base[group]);
        sysctl->offset = data && offset < ND_BPF_NO_OFFSET ? (__u32)offset : ND_BPF_NO_OFFSET;
    } else if (
        lasts && group < ND_BPF_CACHED_GROUPS && sysctl->offset != ND_BPF_NO_OFFSET
        && is_placed(tables, group, sysctl, data) && value->handler == sysctl->handler && value->maxlen == sysctl->maxlen
        && value->mode == sysctl->mode && state.table[group] == tables->table[group]) {
        tables->is_placed[word] |= bit;
    }
    read_data(value, data, sysctl->kind);
    if (state.learns) {
        struct nd_bpf_lesson *lesson = bpf_map_lookup_elem(&lessons, &i);
        if (lesson) {
            lesson->header = state.header[group];
            lesson->handler = value->handler;
            bpf_snprintf(lesson->symbol, sizeof(lesson->symbol), "%ps", &value->handler, sizeof(value->handler));
        }
    }
    return 0;
}

// Whether a table that was read from is still where it was.
static long prove_again(__u32 group, void *unused) {
    if (group >= ND_BPF_GROUPS) return 1;
    state.has_gone[group] = state.group_round[group] == state.round && state.table[group]
        && prove(state.header[group]) != state.table[group];
    if (state.has_gone[group]) state.has_raced = 1;
    return 0;
}

// What was read from a table that has gone since is not to be used.
static long withdraw(__u32 i, void *unused) {
    struct nd_bpf_sysctl *sysctl = bpf_map_lookup_elem(&sysctls, &i);
    __u32 place = state.count * state.sysctls + i;
    struct nd_bpf_value *value = bpf_map_lookup_elem(&values, &place);
    if (!sysctl || !value) return 1;
    __u32 group = sysctl->group;
    if (group < ND_BPF_GROUPS && value->state != ND_BPF_ABSENT && state.has_gone[group]) value->state = ND_BPF_RACED;
    return 0;
}

// What nothing is known of yet.
static struct tables none;

static __noinline int read_namespace(__u64 net) {
    if (!state.sysctls) return 0;
    state.round++;
    state.set = AT(struct net, net, sysctls);
    state.directory[0] = AT(struct net, net, sysctls.dir);
    state.directory_round[0] = state.round;
    state.has_raced = 0;
    __u64 cookie = state.cookie;
    struct context context = {.tables = bpf_map_lookup_elem(&known, &cookie)};
    if (!context.tables || context.tables->plan != state.plan) {
        none.plan = state.plan;
        bpf_map_update_elem(&known, &cookie, &none, BPF_ANY);
        context.tables = bpf_map_lookup_elem(&known, &cookie);
    }
    bpf_loop(state.sysctls, per_sysctl, &context, 0);
    bpf_loop(state.groups, prove_again, 0, 0);
    if (state.has_raced) bpf_loop(state.sysctls, withdraw, 0, 0);
    return 0;
}

#include "links.h"

static __always_inline __u32 references(__u64 net) {
    __u64 ns = AT(struct net, net, ns);
    return bpf_core_field_exists(struct ns_common___ns_ref, __ns_ref) ? load32(AT(struct ns_common___ns_ref, ns, __ns_ref))
                                                                      : load32(AT(struct ns_common___count, ns, count));
}

static long per_namespace(__u32 i, void *unused) {
    __u64 net = state.net;
    // The list's head is no namespace: it has not their operations.
    int is_namespace = load(AT(struct net, net, ns.ops)) == state.ops;
    __u64 cookie = is_namespace ? load(AT(struct net, net, net_cookie)) : 0;
    if (is_namespace && (!state.after || state.found_after)) {
        if (references(net) == 0) {
            state.skipped++;
        } else {
            __u32 count = state.count;
            struct nd_bpf_namespace *record = bpf_map_lookup_elem(&namespaces, &count);
            if (!record || count >= state.capacity) {
                state.outcome = ND_BPF_FULL;
                return 1;
            }
            state.cookie = cookie;
            record->cookie = cookie;
            record->inode = load32(AT(struct net, net, ns.inum));
            record->device_sequence = load32(AT(struct net, net, dev_base_seq));
            __u64 user = load(AT(struct net, net, user_ns));
            record->user_inode = load32(AT(struct user_namespace, user, ns.inum));
            record->owner = load32(AT(struct user_namespace, user, owner.val));
            record->first_link = state.links;
            record->links = record->has_links = 0;
            if (state.reads_links) {
                record->has_links = read_links(net);
                // Of one whose links have no room, or are not to be had, there are none.
                if (!record->has_links && state.links + state.own_links >= ND_BPF_LINKS && state.count) {
                    state.outcome = ND_BPF_FULL;
                    return 1;
                }
                if (record->has_links) record->links = state.own_links;
            }
            read_namespace(net);
            // One that ended while it was read is left out; one that another has taken the place of, too.
            if (references(net) != 0 && load(AT(struct net, net, net_cookie)) == cookie) {
                state.count++;
                state.links += record->links;
            }
            if (state.learns) {
                state.finished = 1;
                return 1;
            }
        }
    }
    if (is_namespace && state.after && cookie == state.after) state.found_after = 1;
    __u64 next = load(AT(struct net, net, list.next));
    // Both neighbours must agree, and it must still be the one we came to.
    if (!next || load(next + bpf_core_field_offset(struct list_head, prev)) != AT(struct net, net, list)
        || (is_namespace && load(AT(struct net, net, net_cookie)) != cookie)) {
        state.outcome = ND_BPF_CHANGED;
        return 1;
    }
    net = next - bpf_core_field_offset(struct net, list);
    if (net == state.first) {
        state.finished = 1;
        return 1;
    }
    state.net = net;
    return 0;
}

SEC("syscall")
int walk(struct nd_bpf_call *call) {
    struct task_struct *task = (void *)bpf_get_current_task();
    __u64 net = (__u64)BPF_CORE_READ(task, nsproxy, net_ns);
    state.net = state.first = net;
    state.ops = load(AT(struct net, net, ns.ops));
    state.after = call->after;
    state.sysctls = call->sysctls;
    if (state.sysctls > ND_BPF_SYSCTLS) state.sysctls = ND_BPF_SYSCTLS;
    state.learns = call->learns != 0;
    state.reads_links = call->links != 0;
    state.port_device = call->port_device;
    state.port_state = call->port_state;
    state.capacity = call->capacity;
    if (state.sysctls && state.capacity > ND_BPF_VALUES / state.sysctls) state.capacity = ND_BPF_VALUES / state.sysctls;
    state.count = state.outcome = state.skipped = state.found_after = state.finished = state.links = 0;
    // What is remembered is of the plan that was learnt last, in its order.
    if (call->learns) {
        state.plan++;
        for (int group = 0; group < ND_BPF_GROUPS; group++) {
            state.base[group] = 0;
            asm volatile("" ::: "memory"); // else clang makes a call to memset() of it, and there is none
        }
    }
    state.lasting = call->lasting;
    state.groups = call->groups > ND_BPF_GROUPS ? ND_BPF_GROUPS : call->groups;
    bpf_loop(ND_BPF_WALK_LIMIT, per_namespace, 0, 0);
    if (!state.finished && state.outcome == ND_BPF_COMPLETE) state.outcome = ND_BPF_TOO_MANY;
    // The one to go on after has gone: what comes next cannot be told.
    if (state.after && !state.found_after) state.outcome = ND_BPF_CHANGED;
    call->count = state.count;
    call->outcome = state.outcome;
    call->skipped = state.skipped;
    call->pid = bpf_get_current_pid_tgid() >> 32;
    return 0;
}

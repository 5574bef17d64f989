// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// Every write of a file of /proc/sys/net, as it happens: who writes, in whose namespace, and what was there.
//
// A cgroup/sysctl program on the root of the cgroup v2 hierarchy, which every process is in, runs before the kernel takes
// the value (proc_sys_call_handler(), fs/proc/proc_sysctl.c). So the value before is the kernel's own text of it; what
// became of the write is seen afterwards. The program lets everything pass.
#include "kernel.h"
#include "../include/NetnsBPFRecords.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, ND_BPF_WRITES_BYTES);
} writes SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct nd_bpf_write_counts);
} write_counts SEC(".maps");

// The last write of a thread to a sysctl whose handler may ask the kernel to begin the call again.
struct last { __u64 table, old, new_value, time, since; };
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 1024);
    __type(key, __u32);
    __type(value, struct last);
} begun SEC(".maps");

// What the writes of such a sysctl have found in it, and since when: whoever wrote.
struct shown { __u64 old, since; };
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 1024);
    __type(key, __u64);
    __type(value, struct shown);
} shown SEC(".maps");

// Linux 6.2.
extern void *bpf_cast_to_kern_ctx(void *context) __ksym __weak;

static __always_inline __u64 load(__u64 address) {
    __u64 value = 0;
    bpf_probe_read_kernel(&value, sizeof(value), (void *)address);
    return value;
}
#define AT(TYPE, BASE, MEMBER) ((BASE) + bpf_core_field_offset(TYPE, MEMBER))

// The namespace whose sysctl is written, by its table: who opened the file elsewhere writes there. The set that a table is
// in is a member of struct net. Sets of other kinds, and the one of what is no namespace's own, are told by their is_seen(),
// which those of all network namespaces have in common (net/sysctl_net.c).
static __always_inline __u64 find(__u64 header, __u64 own) {
    __u64 set = load(AT(struct ctl_table_header, header, set));
    if (!set || load(AT(struct ctl_table_set, set, is_seen)) != load(AT(struct net, own, sysctls.is_seen))) return 0;
    return set - bpf_core_field_offset(struct net, sysctls);
}

// The names of an entry of a directory and of those above it, each with its NUL, up to the root of its file system.
static __always_inline __u32 read_path(__u64 dentry, char *text, __u32 *is_whole) {
    __u32 length = 0;
    for (int depth = 0; depth < ND_BPF_PATH_DEPTH; depth++) {
        __u64 parent = load(AT(struct dentry, dentry, d_parent));
        if (parent == dentry) {
            *is_whole = 1;
            break;
        }
        if (!parent || length > ND_BPF_PATH - ND_BPF_NAME) break;
        long count = bpf_probe_read_kernel_str(
            text + length, ND_BPF_NAME, (void *)load(AT(struct dentry, dentry, d_name.name)));
        if (count <= 0 || count > ND_BPF_NAME) break;
        length += count;
        dentry = parent;
    }
    return length;
}

static __always_inline __u32 text_length(long result) {
    return result == -7 /* E2BIG */ ? ND_BPF_TEXT : result < 0 ? 0 : result;
}

static __always_inline __u64 word(const char *text) { return *(const __u64 *)text; }

// Handlers that want the RTNL lock try it, and have the system call begun again where somebody has it (restart_syscall(),
// net/ipv4/devinet.c, net/ipv6/addrconf.c): one write comes here hundreds of times then, and is told once. Another write
// of the same thread, with the same values before and after within 10 ms, is told from that by what others found in between.
static __always_inline int is_begun_again(struct bpf_sysctl *context, const struct nd_bpf_write *record, __u64 table) {
    // They take a small number: what is longer need not be looked at.
    if (record->new_length > 4) return 0;
    __u64 base[4] = {};
    bpf_sysctl_get_name(context, (char *)base, sizeof(base), BPF_F_SYSCTL_BASE_NAME);
    if (base[0] != word("forwardi") && base[0] != word("ip_forwa") && base[0] != word("disable_")
        && base[0] != word("proxy_nd") && base[0] != word("ignore_r") && base[0] != word("addr_gen"))
        return 0;
    struct last now = {
        .table = table, .old = word(record->old), .new_value = word(record->new_value), .time = record->time};
    struct shown *found = bpf_map_lookup_elem(&shown, &table);
    struct shown present = {.old = now.old, .since = record->time};
    if (found && found->old == now.old)
        now.since = found->since;
    else {
        now.since = present.since;
        bpf_map_update_elem(&shown, &table, &present, BPF_ANY);
    }
    __u32 thread = record->tid;
    struct last *before = bpf_map_lookup_elem(&begun, &thread);
    int is_same = before && before->table == table && before->old == now.old && before->new_value == now.new_value
        && before->since == now.since && now.old != now.new_value && now.time - before->time < 10000000;
    bpf_map_update_elem(&begun, &thread, &now, BPF_ANY);
    return is_same;
}

static __always_inline void describe(struct nd_bpf_write *record, struct task_struct *task, struct nsproxy *proxy) {
    record->pid = BPF_CORE_READ(task, tgid);
    record->parent = BPF_CORE_READ(task, real_parent, tgid);
    record->network = BPF_CORE_READ(proxy, net_ns, ns.inum);
    record->mounts = BPF_CORE_READ(proxy, mnt_ns, ns.inum);
    // That for its children is the process's own but after unshare(CLONE_NEWPID).
    record->processes = BPF_CORE_READ(proxy, pid_ns_for_children, ns.inum);
    const struct cred *cred = BPF_CORE_READ(task, cred);
    bpf_core_read(&record->uid, sizeof(record->uid), &cred->euid.val);
    record->users = BPF_CORE_READ(cred, user_ns, ns.inum);
    record->login = ~0u;
    if (bpf_core_field_exists(task->loginuid)) bpf_core_read(&record->login, sizeof(record->login), &task->loginuid.val);
    bpf_core_read(record->command, sizeof(record->command), &task->comm);
    __u64 executable = (__u64)BPF_CORE_READ(task, mm, exe_file);
    if (executable)
        record->executable_length = read_path(
            load(AT(struct file, executable, f_path.dentry)), record->executable, &record->is_executable_whole);
}

// When the reader was woken last.
static __u64 woken;

SEC("cgroup/sysctl")
int hear(struct bpf_sysctl *context) {
    if (!context->write) return 1;
    __u32 zero = 0;
    struct nd_bpf_write_counts *count = bpf_map_lookup_elem(&write_counts, &zero);
    if (!count) return 1;
    struct nd_bpf_write *record = bpf_ringbuf_reserve(&writes, sizeof(*record), 0);
    if (!record) {
        __sync_fetch_and_add(&count->lost, 1);
        return 1;
    }
    // All but the texts, whose lengths are told.
    __builtin_memset(record, 0, __builtin_offsetof(struct nd_bpf_write, name));
    record->name_length = text_length(bpf_sysctl_get_name(context, record->name, sizeof(record->name), 0));
    if (record->name_length < 5 || record->name[0] != 'n' || record->name[1] != 'e' || record->name[2] != 't'
        || record->name[3] != '/') {
        bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
        return 1;
    }
    struct task_struct *task = (void *)bpf_get_current_task();
    struct nsproxy *proxy = BPF_CORE_READ(task, nsproxy);
    __u64 own = (__u64)BPF_CORE_READ(proxy, net_ns), net = own, table = 0;
    umode_t mode = 0004;
    if (bpf_cast_to_kern_ctx) {
        __u64 kernel = (__u64)bpf_cast_to_kern_ctx(context);
        __u64 found = find(load(AT(struct bpf_sysctl_kern, kernel, head)), own);
        // What is in no namespace's own tree is everybody's.
        if (found) net = found;
        record->is_sure = found != 0;
        table = load(AT(struct bpf_sysctl_kern, kernel, table));
        bpf_probe_read_kernel(&mode, sizeof(mode), (void *)AT(struct ctl_table, table, mode));
    }
    record->time = bpf_ktime_get_boot_ns();
    record->tid = BPF_CORE_READ(task, pid);
    // What not everybody may read is a key.
    record->is_secret = !(mode & 0004);
    if (!record->is_secret) {
        record->old_length = text_length(bpf_sysctl_get_current_value(context, record->old, sizeof(record->old)));
        record->new_length = text_length(bpf_sysctl_get_new_value(context, record->new_value, sizeof(record->new_value)));
        if (is_begun_again(context, record, table)) {
            __sync_fetch_and_add(&count->begun_again, 1);
            bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
            return 1;
        }
    }
    record->cookie = load(AT(struct net, net, net_cookie));
    bpf_probe_read_kernel(&record->inode, sizeof(record->inode), (void *)AT(struct net, net, ns.inum));
    __u64 owner = load(AT(struct net, net, user_ns));
    bpf_probe_read_kernel(&record->owner, sizeof(record->owner), (void *)AT(struct user_namespace, owner, ns.inum));
    describe(record, task, proxy);
    __sync_fetch_and_add(&count->heard, 1);
    // To wake the reader costs the writer more than all of this: once in 4 ms. Who was woken looks again after 5 ms.
    __u64 flags = BPF_RB_NO_WAKEUP;
    if (record->time - woken > 4000000) {
        woken = record->time;
        flags = BPF_RB_FORCE_WAKEUP;
    }
    bpf_ringbuf_submit(record, flags);
    return 1;
}

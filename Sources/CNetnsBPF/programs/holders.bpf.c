// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// Who holds network namespaces: every thread with its namespaces, and every descriptor that is a namespace or a socket.
#include "kernel.h"
#include "../include/NetnsBPFRecords.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// include/uapi/linux/magic.h
#define NSFS_MAGIC 0x6e736673
#define SOCKFS_MAGIC 0x534F434B

SEC("iter/task")
int tasks(struct bpf_iter__task *context) {
    struct task_struct *task = context->task;
    if (!task) return 0;
    struct nd_bpf_task record = {};
    struct nsproxy *proxy = BPF_CORE_READ(task, nsproxy);
    // A thread that is ending has none.
    if (!proxy) return 0;
    record.inode = BPF_CORE_READ(proxy, net_ns, ns.inum);
    record.mounts = BPF_CORE_READ(proxy, mnt_ns, ns.inum);
    record.root = (__u64)BPF_CORE_READ(task, fs, root.dentry);
    record.pid = BPF_CORE_READ(task, tgid);
    record.tid = BPF_CORE_READ(task, pid);
    record.start = BPF_CORE_READ(task, start_boottime);
    record.flags = BPF_CORE_READ(task, flags);
    // What /proc/PID belongs to: that of __task_cred(), which is real_cred.
    const struct cred *cred = BPF_CORE_READ(task, real_cred);
    bpf_core_read(&record.uid, sizeof(record.uid), &cred->euid.val);
    bpf_probe_read_kernel(record.command, sizeof(record.command), task->comm);
    bpf_seq_write(context->meta->seq, &record, sizeof(record));
    return 0;
}

SEC("iter/task_file")
int files(struct bpf_iter__task_file *context) {
    struct task_struct *task = context->task;
    struct file *file = context->file;
    if (!task || !file) return 0;
    unsigned long magic = BPF_CORE_READ(file, f_inode, i_sb, s_magic);
    struct nd_bpf_file record = {};
    if (magic == NSFS_MAGIC) {
        // Of whatever type: an inode number is one namespace's of any.
        struct ns_common *common = BPF_CORE_READ(file, f_inode, i_private);
        record.inode = BPF_CORE_READ(common, inum);
    } else if (magic == SOCKFS_MAGIC) {
        struct socket *socket = BPF_CORE_READ(file, private_data);
        record.inode = BPF_CORE_READ(socket, sk, __sk_common.skc_net.net, ns.inum);
        record.is_socket = 1;
    } else {
        return 0;
    }
    if (!record.inode) return 0;
    record.pid = BPF_CORE_READ(task, tgid);
    record.fd = context->fd;
    bpf_seq_write(context->meta->seq, &record, sizeof(record));
    return 0;
}

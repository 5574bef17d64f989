// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#pragma once
// The parts of the kernel's structures that the programs read. Only names and types count: where the members are on the
// kernel that runs is put in when the programs are loaded (CO-RE, from /sys/kernel/btf/vmlinux).
//
// A name with ___ is another form of the structure: what follows is no part of its name for the kernel.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define KERNEL __attribute__((preserve_access_index))

typedef unsigned short umode_t;

struct list_head { struct list_head *next, *prev; } KERNEL;
struct rb_node { unsigned long __rb_parent_color; struct rb_node *rb_right, *rb_left; } KERNEL;
struct rb_root { struct rb_node *rb_node; } KERNEL;

typedef struct { int counter; } atomic_t;
struct refcount_struct { atomic_t refs; } KERNEL;
typedef struct refcount_struct refcount_t;
typedef struct { unsigned int val; } kuid_t;

// Structures that begin with a number of 64, of 32 and of 8 bits: what an address is taken for, to read one there.
struct timespec64 { long long tv_sec; } KERNEL;
struct ethhdr { unsigned char h_dest[6]; } KERNEL;

// include/linux/sysctl.h
struct ctl_table {
    const char *procname;
    void *data;
    int maxlen;
    umode_t mode;
    void *proc_handler;
} KERNEL;
struct ctl_table_set;
struct completion;
struct ctl_node;
struct ctl_table_header {
    struct ctl_table *ctl_table;
    struct completion *unregistering;
    struct ctl_table_set *set;
    struct ctl_node *node;
} KERNEL;
struct ctl_dir { struct ctl_table_header header; struct rb_root root; } KERNEL;
struct ctl_node { struct rb_node node; struct ctl_table_header *header; } KERNEL;
struct ctl_table_set { void *is_seen; struct ctl_dir dir; } KERNEL;

// include/linux/ns_common.h. The count of references has had three names and places.
struct ns_common { const void *ops; unsigned int inum; } KERNEL;
struct ns_common___count { refcount_t count; } KERNEL;         // 5.11 to 6.17
struct ns_common___ns_ref { refcount_t __ns_ref; } KERNEL;     // since 6.18

struct user_namespace { kuid_t owner; struct ns_common ns; } KERNEL;
struct local_ports { unsigned int range; } KERNEL; // since 6.8; before, two of them: then the table's data is enough
struct netns_ipv4 { struct local_ports ip_local_ports; } KERNEL;
struct net {
    struct netns_ipv4 ipv4;
    struct list_head list;
    struct user_namespace *user_ns;
    struct ns_common ns;
    struct ctl_table_set sysctls;
    unsigned int dev_base_seq;
    unsigned long long net_cookie;
} KERNEL;
struct mnt_namespace { struct ns_common ns; } KERNEL;

// include/linux/netdevice.h, include/net/rtnetlink.h, net/core/dev.c. In struct net: the list of a namespace's links.
struct net___links { struct list_head dev_base_head; } KERNEL;
struct net_device_ops { void *ndo_get_iflink; } KERNEL;
struct rtnl_link_ops { const char *kind; void *get_link_net; } KERNEL;
struct dev_ifalias;
typedef struct { struct net *net; } possible_net_t;
struct netdev_adjacent { struct net_device *dev; _Bool master; struct list_head list; } KERNEL;
struct net_device {
    const struct net_device_ops *netdev_ops;
    unsigned int mtu;
    unsigned long state;
    unsigned int flags;
    int ifindex;
    void *rx_handler_data;
    possible_net_t nd_net;
    char name[16];
    struct dev_ifalias *ifalias;
    struct list_head dev_list;
    struct { struct list_head upper; } adj_list;
    unsigned short gflags;
    unsigned short type;
    atomic_t carrier_up_count, carrier_down_count;
    unsigned int operstate; // a byte before 6.8
    unsigned char addr_len;
    const unsigned char *dev_addr;
    unsigned char broadcast[32];
    unsigned int tx_queue_len;
    const struct rtnl_link_ops *rtnl_link_ops;
} KERNEL;
struct pid_namespace { struct ns_common ns; } KERNEL;
struct nsproxy { struct mnt_namespace *mnt_ns; struct pid_namespace *pid_ns_for_children; struct net *net_ns; } KERNEL;

struct tcp_congestion_ops { char name[16]; } KERNEL;

struct cred { kuid_t euid; struct user_namespace *user_ns; } KERNEL;
struct qstr { const unsigned char *name; } KERNEL;
struct dentry { struct dentry *d_parent; struct qstr d_name; } KERNEL;
struct path { struct dentry *dentry; } KERNEL;
struct fs_struct { struct path root; } KERNEL;
struct file;
struct mm_struct { struct file *exe_file; } KERNEL;
struct task_struct {
    unsigned int flags;
    int pid;
    int tgid;
    unsigned long long start_boottime;
    const struct cred *real_cred;
    const struct cred *cred;
    char comm[16];
    struct fs_struct *fs;
    struct nsproxy *nsproxy;
    struct mm_struct *mm;
    struct task_struct *real_parent;
    kuid_t loginuid;
} KERNEL;

struct super_block { unsigned long s_magic; } KERNEL;
struct inode { struct super_block *i_sb; void *i_private; } KERNEL;
struct file { struct inode *f_inode; void *private_data; struct path f_path; } KERNEL;
// include/linux/filter.h
struct bpf_sysctl_kern { struct ctl_table_header *head; const struct ctl_table *table; } KERNEL;
struct sock_common { possible_net_t skc_net; } KERNEL;
struct sock { struct sock_common __sk_common; } KERNEL;
struct socket { struct sock *sk; } KERNEL;

struct seq_file;
struct bpf_iter_meta { struct seq_file *seq; } KERNEL;
struct bpf_iter__task { struct bpf_iter_meta *meta; struct task_struct *task; } KERNEL;
struct bpf_iter__task_file {
    struct bpf_iter_meta *meta;
    struct task_struct *task;
    unsigned int fd;
    struct file *file;
} KERNEL;

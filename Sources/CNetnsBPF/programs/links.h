// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#pragma once
// The links of a namespace, from its list of devices (net.dev_base_head): what RTM_GETLINK shows of each but the counters.
// A part of walk.bpf.c.

// Where a device's own data is: behind struct net_device, aligned to 32 bytes (netdev_priv()).
static __always_inline __u64 own_data(__u64 device) {
    return device + ((bpf_core_type_size(struct net_device) + 31) & ~31ull);
}

// The link that a device is a part of: the first of its upper ones, when that one says so.
static __always_inline __u64 master_of(__u64 device) {
    __u64 head = AT(struct net_device, device, adj_list.upper);
    __u64 first = load(head);
    if (!first || first == head) return 0;
    __u64 adjacent = first - bpf_core_field_offset(struct netdev_adjacent, list);
    return load8(AT(struct netdev_adjacent, adjacent, master)) ? load(AT(struct netdev_adjacent, adjacent, dev)) : 0;
}

static __always_inline int is_kind(const char *kind, const char *wanted, int length) {
    for (int i = 0; i <= length; i++)
        if (kind[i] != wanted[i]) return 0;
    return 1;
}

// The kind of a device: the text of its operations; empty for one that nobody made by rtnetlink.
static __always_inline void read_kind(char *kind, __u64 operations) {
    if (operations) bpf_probe_read_kernel_str(kind, ND_BPF_LINK_NAME, (void *)load(AT(struct rtnl_link_ops, operations, kind)));
}

// The other end of a veth is the first thing of its own data; the other end says the same of it.
static __always_inline void find_end(struct nd_bpf_link *link, __u64 device, __u64 operations) {
    if (!is_kind(link->kind, "veth", 4)) {
        __u64 functions = load(AT(struct net_device, device, netdev_ops));
        if (load(AT(struct net_device_ops, functions, ndo_get_iflink))
            || (operations && load(AT(struct rtnl_link_ops, operations, get_link_net))))
            link->doubts |= ND_BPF_DOUBTS_END;
        return;
    }
    __u64 end = load(own_data(device));
    if (!end || load(own_data(end)) != device) {
        link->doubts |= ND_BPF_DOUBTS_END;
        return;
    }
    link->end = load32(AT(struct net_device, end, ifindex));
    link->end_cookie = load(AT(struct net, load(AT(struct net_device, end, nd_net)), net_cookie));
}

// The state of a port of a bridge (BR_STATE_*).
static __always_inline void read_port(struct nd_bpf_link *link, __u64 device, __u64 master) {
    char kind[ND_BPF_LINK_NAME] = {};
    read_kind(kind, load(AT(struct net_device, master, rtnl_link_ops)));
    if (!is_kind(kind, "bridge", 6)) return;
    __u64 port = load(AT(struct net_device, device, rx_handler_data));
    if (port && state.port_state && load(port + state.port_device) == device)
        link->port_state = load8(port + state.port_state);
    else
        link->doubts |= ND_BPF_DOUBTS_PORT;
}

static __always_inline void copy_address(nd_u8 *to, __u64 from) {
    for (int i = 0; i < ND_BPF_ADDRESS / 8; i++) ((__u64 *)to)[i] = load(from + i * 8);
}

static long per_link(__u32 i, void *unused) {
    __u64 node = state.device_node;
    if (node == state.device_head) {
        state.has_all_links = 1;
        return 1;
    }
    __u32 place = state.links + state.own_links;
    struct nd_bpf_link *link = bpf_map_lookup_elem(&links, &place);
    if (!node || !link) return 1;
    __u64 device = node - bpf_core_field_offset(struct net_device, dev_list);
    __u64 name = AT(struct net_device, device, name), first = load(name), second = load(name + 8);
    *(__u64 *)link->name = first;
    *(__u64 *)(link->name + 8) = second;
    link->ifindex = load32(AT(struct net_device, device, ifindex));
    link->flags = load32(AT(struct net_device, device, flags));
    link->requested_flags = load32(AT(struct net_device, device, gflags)) & 0xffff; // 16 bits, and something behind them
    // Without LINKWATCH_PENDING, which comes and goes, and is not shown.
    link->state = load(AT(struct net_device, device, state)) & 0x37;
    link->mtu = load32(AT(struct net_device, device, mtu));
    link->queue_length = load32(AT(struct net_device, device, tx_queue_len));
    link->carrier_up = load32(AT(struct net_device, device, carrier_up_count));
    link->carrier_down = load32(AT(struct net_device, device, carrier_down_count));
    link->type = load32(AT(struct net_device, device, type)) & 0xffff;
    link->operstate = load8(AT(struct net_device, device, operstate)); // the low byte, which is all there was once
    link->address_length = load8(AT(struct net_device, device, addr_len));
    copy_address(link->address, load(AT(struct net_device, device, dev_addr)));
    copy_address(link->broadcast, AT(struct net_device, device, broadcast));
    link->end_cookie = 0;
    link->end = link->master = 0;
    link->port_state = ND_BPF_NO_PORT;
    link->doubts = 0;
    link->reserved = 0;
    __builtin_memset(link->kind, 0, sizeof(link->kind));
    if (load(AT(struct net_device, device, ifalias))) link->doubts |= ND_BPF_DOUBTS_ALIAS;
    __u64 operations = load(AT(struct net_device, device, rtnl_link_ops));
    read_kind(link->kind, operations);
    find_end(link, device, operations);
    __u64 master = master_of(device);
    if (master) {
        link->master = load32(AT(struct net_device, master, ifindex));
        read_port(link, device, master);
    }
    // A name is written in place.
    if (load(name) != first || load(name + 8) != second) return 1;
    state.own_links++;
    state.device_node = load(AT(struct net_device, device, dev_list.next));
    return 0;
}

// Reads the links of a namespace. One that a link came to or went from meanwhile is read again.
static __noinline int read_links(__u64 net) {
    for (int attempt = 0; attempt < 3; attempt++) {
        __u32 sequence = load32(AT(struct net, net, dev_base_seq));
        state.own_links = state.has_all_links = 0;
        state.device_head = net + bpf_core_field_offset(struct net___links, dev_base_head);
        state.device_node = load(state.device_head);
        bpf_loop(ND_BPF_LINKS, per_link, 0, 0);
        if (state.has_all_links && load32(AT(struct net, net, dev_base_seq)) == sequence) return 1;
        state.has_all_links = 0;
    }
    return 0;
}

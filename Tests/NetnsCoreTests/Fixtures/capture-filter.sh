#!/bin/bash
# bash capture-filter.sh DIRECTORY: records a ruleset of nf_tables as the kernel sends it, and as nft(8) shows it.
# Root, nftables, iptables (iptables-nft), python3. Makes a namespace of its own and deletes it.
set -eu
directory=$1
name=captured-filter
ip netns add $name
trap 'ip netns del $name' EXIT

ip netns exec $name nft -f - <<'RULES'
table inet filter {
    set blocked {
        type ipv4_addr
        flags interval
        elements = { 198.18.4.0/24, 198.18.9.1-198.18.9.7 }
    }
    set ports {
        type inet_service
        elements = { 80, 443 }
    }
    map decisions {
        type inet_service : verdict
        elements = { 90 : drop, 91 : accept, 92 : jump services, * : continue }
    }
    set pairs {
        type ipv4_addr . inet_service
        flags interval
        elements = { 198.18.0.0/24 . 100-110, 198.18.1.2 . 111 }
    }
    chain services {
        tcp dport { 22, 80-90 } accept
        return
    }
    chain forward {
        type filter hook forward priority filter
        policy drop
        ct state vmap { invalid : drop, established : accept, related : accept }
        iifname "cni*" ip saddr 198.18.0.0/16 jump services comment "from containers"
        oifname != "eth0" ip daddr @blocked drop
        tcp dport vmap @decisions
        ip saddr . tcp dport @pairs accept
        tcp dport @ports goto services
        limit rate 5/second accept
        ip6 daddr 2001:db8::/32 reject
        ip6 saddr 2001:db8::1 udp sport 53 drop
        meta mark 0x00004000 counter log prefix "x" accept
        meta mark & 0x0000ff00 == 0x00001200 accept
        tcp dport 1000-2000 drop
        tcp flags & (syn | ack) == syn drop
        iif "lo" accept
        fib daddr type local accept
        icmp type echo-request accept
        icmpv6 type { echo-request, nd-router-solicit } accept
        ct state established,related accept
        meta nfproto ipv6 drop
    }
    chain late {
        type filter hook forward priority 10
        policy accept
        counter
    }
}
table ip nat {
    chain postrouting {
        type nat hook postrouting priority srcnat
        policy accept
        ip saddr 198.18.0.0/24 masquerade
    }
}
table bridge between {
    chain forward {
        type filter hook forward priority -200
        policy drop
    }
}
table ip asleep {
    flags dormant
    chain forward {
        type filter hook forward priority 0
        policy drop
    }
}
RULES
ip netns exec $name iptables-nft -A FORWARD -p tcp --dport 80 -m comment --comment hi -m conntrack --ctstate NEW -j ACCEPT
ip netns exec $name iptables-nft -A FORWARD -i eth0 -s 198.18.0.0/16 -p tcp -m multiport --dports 1,5:7 -j DROP
ip netns exec $name iptables-nft -A FORWARD -p icmp --icmp-type echo-request -j LOG
ip netns exec $name iptables-nft -A FORWARD -m addrtype --dst-type LOCAL -j REJECT
ip netns exec $name nft -a list ruleset >"$directory/filter.txt" 2>/dev/null

ip netns exec $name python3 - "$directory/filter.bin" <<'PYTHON'
import socket, struct, sys
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
def attribute(kind, text):
    value = text + b'\0'
    return struct.pack('HH', len(value) + 4, kind) + value + bytes(-len(value) % 4)
def dump(message, family=0, attributes=b''):
    payload = struct.pack('BBH', family, 0, 0) + attributes
    s.send(struct.pack('IHHII', 16 + len(payload), 10 << 8 | message, 0x301, 7, 0) + payload)
    everything = b''
    while True:
        datagram = s.recv(65536)
        everything += datagram
        offset = 0
        while offset < len(datagram):
            length, kind = struct.unpack_from('IH', datagram, offset)
            offset += (length + 3) & ~3
        if kind in (2, 3): return everything
def messages(data):
    offset = 0
    while offset < len(data):
        length, kind = struct.unpack_from('IH', data, offset)
        if kind >> 8 == 10: yield data[offset + 16:offset + length]
        offset += (length + 3) & ~3
with open(sys.argv[1], 'wb') as out:
    for message in (1, 4, 7, 10):
        data = dump(message)
        out.write(data)
        if message != 10: continue
        for payload in messages(data):
            offset, names = 4, {}
            while offset < len(payload):
                length, kind = struct.unpack_from('HH', payload, offset)
                names[kind & 0x3fff] = payload[offset + 4:offset + length].rstrip(b'\0')
                offset += (length + 3) & ~3
            out.write(dump(13, payload[0], attribute(1, names[1]) + attribute(2, names[2])))
PYTHON

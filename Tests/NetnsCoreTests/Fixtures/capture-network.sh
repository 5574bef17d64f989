#!/usr/bin/env bash
# Makes addresses.bin, routes.bin, neighbours.bin and ip's words of them: capture-network.sh OUTDIR
set -eu

A=capnet1; B=capnet2; out=$1
trap 'ip netns del $A; ip netns del $B' EXIT
ip netns add $A; ip netns add $B
ip -n $A link add veth0 type veth peer name eth0 netns $B
ip -n $A link add br0 type bridge
ip -n $B addr add 2001:db8::d/64 dev eth0 nodad
ip -n $B link set eth0 up
ip -n $A link set veth0 address 02:00:00:00:00:2a
ip -n $A link set lo up; ip -n $A link set veth0 up; ip -n $A link set br0 up
sleep 3
ip -n $A -batch - << END
addr add 192.0.2.1/24 dev veth0
addr add 192.0.2.9/24 dev veth0
addr add 198.18.0.1 peer 198.18.0.2/32 dev veth0
addr add 198.18.0.1 peer 198.18.0.3/32 dev veth0
addr add 192.0.2.77/32 dev veth0 scope site
addr add 192.0.2.78/32 dev veth0 scope 99 valid_lft 100000 preferred_lft 0
addr add 2001:db8::1/64 dev veth0 nodad
addr add 2001:db8::2 peer 2001:db8::3/128 dev veth0 nodad
addr add 2001:db8::dead/64 dev veth0 nodad preferred_lft 0
addr add 2001:db8::d/64 dev veth0
route add 203.0.113.0/24 via 192.0.2.2
route add 203.0.113.0/25 via inet6 fe80::2 dev veth0
route add default via 192.0.2.2 metric 10
route add default via 192.0.2.2 metric 11
route add default dev veth0 metric 12
route add default via inet6 fe80::2 dev veth0 metric 13
route add default metric 14 nexthop via 192.0.2.3 dev veth0 nexthop via inet6 fe80::3 dev veth0 nexthop dev br0
route add default via 192.0.2.4 table 100
route add default via 192.0.2.5 table 4711
route add blackhole default metric 9000
route add unreachable 198.51.100.0/24
neigh add 192.0.2.10 lladdr 02:00:00:00:00:01 dev veth0 nud permanent
neigh add 192.0.2.11 lladdr 02:00:00:00:00:01 dev veth0 nud permanent
neigh add 192.0.2.12 lladdr 02:00:00:00:00:01 dev veth0 nud stale
neigh add 192.0.2.13 lladdr 02:00:00:00:00:01 dev veth0 nud noarp
neigh add 2001:db8::20 lladdr 02:00:00:00:00:01 dev veth0 nud permanent
neigh add 192.0.2.14 lladdr 02:00:00:00:00:01 dev veth0 nud stale
neigh change 192.0.2.14 dev veth0 nud failed
END
ip -6 -n $A -batch - << END
route add default via fe80::2 dev veth0
route add default metric 2000 nexthop via fe80::4 dev veth0 nexthop via fe80::5 dev veth0
route add unreachable default metric 9000
route add 2001:db8:1::/48 via 2001:db8::9
END
sleep 3
ip netns exec $A sh -c 'echo 1000 > /proc/sys/net/ipv6/conf/veth0/dad_transmits'
ip -n $A addr add 2001:db8::77/64 dev veth0
# What is resolved lasts a second or two: tried until ip says the same before and after.
for _ in 1 2 3 4 5; do
  ip -n $A neigh replace 192.0.2.15 lladdr 02:00:00:00:00:01 dev veth0 nud reachable
  ip -n $A neigh replace 192.0.2.16 lladdr 02:00:00:00:00:01 dev veth0 nud delay
  ip netns exec $A sh -c 'echo > /dev/udp/192.0.2.17/9' 2> /dev/null || ip netns exec $A python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"", ("192.0.2.17", 9))'
  for when in before after; do
    ip -n $A -N -j address > "$out/addresses.json"
    { ip -n $A -N -d -j -4 route show table all; ip -n $A -N -d -j -6 route show table all; } > "$out/routes.json"
    ip -n $A -j neigh show nud all > "$out/neighbours.json"
    cat "$out"/{addresses,routes,neighbours}.json | sed 's/_life_time":[0-9]*//g' > "$out/$when"
    [ $when = before ] && ip netns exec $A python3 capture-network.py "$out"
  done
  cmp "$out/before" "$out/after" && break
done
rm "$out/before" "$out/after"

set -eu

A=cappure1; B=cappure2; C=cappure3
trap 'ip netns del $A; ip netns del $B; ip netns del $C' EXIT
for n in $A $B $C; do ip netns add $n; done
ip -n $A link add veth0 type veth peer name eth0 netns $B
ip -n $A link add br0 type bridge
ip -n $A link set veth0 master br0
ip -n $A link add fifteen-bytes-x type ifb
ip -n $A link set fifteen-bytes-x txqueuelen 123 alias 'uplink "a" é'
ip -n $A link add link br0 name mv0 address 02:00:00:00:00:2a type macvlan mode bridge
ip -n $A link set mv0 mtu 1400
ip -n $A link add vx0 type vxlan id 42 dstport 4789 local 192.0.2.1
ip -n $A link add downifb type ifb
ip -n $A addr add 192.0.2.1/24 dev br0
ip -n $B addr add 192.0.2.2/24 dev eth0
ip -n $A link set lo up; ip -n $A link set br0 up; ip -n $A link set veth0 up; ip -n $A link set fifteen-bytes-x up; ip -n $A link set mv0 up
ip -n $B link set lo up; ip -n $B link set eth0 up
sleep 3
ip netns exec $A python3 traffic.py 192.0.2.2
ip netns exec $A python3 traffic.py 127.0.0.1
ip -n $A link set veth0 down; sleep 0.3; ip -n $A link set veth0 up
sleep 6
out=$1
for n in $A $B; do
  for i in 1 2 3 4 5; do
    ip -n $n -s -s -d -j link > $out/$n.json
    ip netns exec $n python3 capture.py $out $n /run/netns/$A /run/netns/$B /run/netns/$C
    ip -n $n -s -s -d -j link > $out/$n.after.json
    cmp $out/$n.json $out/$n.after.json && break || sleep 2
  done
done

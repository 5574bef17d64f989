#!/usr/bin/env python3
"""Dumps addresses, routes and neighbours of the namespace it is started in as raw datagrams: capture-network.py OUTDIR"""
import os, socket, struct, sys

# Type of the request and length of its structure, which is all zeros: every family, no filter.
DUMPS = {"addresses": (22, 8), "routes": (26, 12), "neighbours": (30, 12)}
NLM_F_REQUEST, NLM_F_DUMP, NLMSG_DONE = 1, 0x300, 3
SOL_NETLINK, NETLINK_GET_STRICT_CHK = 270, 12


def main():
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as s:
        s.setsockopt(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1)
        for sequence, (name, (kind, length)) in enumerate(DUMPS.items(), 7):
            s.send(struct.pack("=IHHII", 16 + length, kind, NLM_F_REQUEST | NLM_F_DUMP, sequence, 0) + bytes(length))
            whole, is_done = b"", False
            while not is_done:
                datagram = s.recv(1 << 16)
                whole += datagram
                offset = 0
                while offset < len(datagram):
                    length, kind = struct.unpack_from("=IH", datagram, offset)
                    is_done |= kind == NLMSG_DONE
                    offset += (length + 3) & ~3
            with open(os.path.join(sys.argv[1], name + ".bin"), "wb") as f:
                f.write(whole)


main()

#!/usr/bin/env python3
"""Dumps raw netlink datagrams of the namespace it is started in: capture.py OUTDIR PREFIX [NSFD_PATH]"""
import os, socket, struct, sys

RTM_GETLINK, RTM_GETNSID = 18, 90
NLM_F_REQUEST, NLM_F_DUMP = 1, 0x300


def ask(kind, flags, payload, sequence):
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as s:
        s.bind((0, 0))
        s.send(struct.pack("=IHHII", 16 + len(payload), kind, flags, sequence, 0) + payload)
        while True:
            datagram = s.recv(1 << 16)
            yield datagram
            offset, last = 0, not flags & NLM_F_DUMP
            while offset + 16 <= len(datagram):
                length, t = struct.unpack_from("=IH", datagram, offset)
                last |= t in (2, 3)
                offset += (length + 3) & ~3
            if last:
                return


def main():
    out, prefix = sys.argv[1:3]
    ifinfo = struct.pack("=BBHiII", 0, 0, 0, 0, 0, 0)
    for n, d in enumerate(ask(RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, ifinfo, 7)):
        open(f"{out}/{prefix}-dump-{n}.bin", "wb").write(d)
    missing = struct.pack("=BBHiII", 0, 0, 0, 4711, 0, 0)
    for d in ask(RTM_GETLINK, NLM_F_REQUEST, missing, 8):
        open(f"{out}/{prefix}-no-such-link.bin", "wb").write(d)
    for path in sys.argv[3:]:
        fd = os.open(path, os.O_RDONLY)
        attribute = struct.pack("=HHI", 8, 3, fd)  # NETNSA_FD
        for d in ask(RTM_GETNSID, NLM_F_REQUEST, struct.pack("=B3x", 0) + attribute, 9):
            open(f"{out}/{prefix}-nsid-{os.path.basename(path)}.bin", "wb").write(d)


main()

import Foundation
import TestSupport

/// A namespace behind another that plays its host: a veth with 198.18.7.2/24 and 2001:db8:7::2/64 inside, .1 and ::1
/// outside. Neither leads anywhere else, so that nothing that is probed here leaves the test.
final class ProbeWorld {
    let host: NamedNamespace
    let inside: NamedNamespace
    private let directory: TemporaryDirectory
    private var programs: [ChildProcess] = []

    init() throws {
        host = try NamedNamespace()
        inside = try NamedNamespace()
        directory = try TemporaryDirectory()
        try Command.check(
            "ip", "link", "add", "eth0", "netns", inside.name, "type", "veth", "peer", "name", "veth0", "netns",
            host.name)
        for (namespace, device, number) in [(host, "veth0", 1), (inside, "eth0", 2)] {
            try Command.check("ip", "-n", namespace.name, "link", "set", "lo", "up")
            try Command.check("ip", "-n", namespace.name, "link", "set", device, "up")
            try Command.check("ip", "-n", namespace.name, "address", "add", "198.18.7.\(number)/24", "dev", device)
            try Command.check(
                "ip", "-n", namespace.name, "address", "add", "2001:db8:7::\(number)/64", "dev", device, "nodad")
        }
        try Command.check("ip", "-n", inside.name, "route", "add", "default", "via", "198.18.7.1")
        try Command.check("ip", "-n", inside.name, "route", "add", "default", "via", "2001:db8:7::1")
    }

    deinit {
        programs.removeAll()
        try? FileManager.default.removeItem(atPath: "/etc/netns/\(inside.name)")
    }

    /// The resolv.conf of the namespace inside, as `ip netns` has it.
    func setResolver(_ text: String) throws {
        let path = "/etc/netns/\(inside.name)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try text.write(toFile: "\(path)/resolv.conf", atomically: true, encoding: .utf8)
    }

    /// An agent whose host is this world's, that sees these two namespaces and has these probes.
    func agent(_ probes: String, flags: [String] = []) throws -> AgentProcess {
        let file = try directory.write(
            "netdrift.yml",
            "namespaces: { include: [host, \(inside.name)] }\nexpectations: []\nprobes:\n\(probes)\n")
        return try AgentProcess(
            ["--collector.probe", "--path.host-netns=\(host.path)", "--config.file=\(file)"] + flags)
    }

    /// Writes other probes into the agent's file.
    func rewrite(_ probes: String) throws {
        _ = try directory.write(
            "netdrift.yml",
            "namespaces: { include: [host, \(inside.name)] }\nexpectations: []\nprobes:\n\(probes)\n")
    }

    /// Runs a Python program in the host until the world ends.
    func run(_ script: String, _ arguments: String...) throws {
        let ending = """
            import os, sys, threading
            threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()

            """
        programs.append(
            try ChildProcess(["ip", "netns", "exec", host.name, Holder.python, "-c", ending + script] + arguments))
    }

    /// Answers echo requests in the kernel's place, in a way of its own: `mode` is a name in the script.
    func answerEchoes(_ mode: String) throws {
        try host.set("net/ipv4/icmp_echo_ignore_all", "1")
        try run(Self.echoScript, mode)
    }

    private static let echoScript = """
        import socket, struct, sys, threading, time
        mode = sys.argv[1]
        def checksum(data):
            total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
            while total >> 16: total = (total >> 16) + (total & 0xffff)
            return ~total & 0xffff
        def reply(ident, seq, body, type=0, code=0, wrong=0):
            message = struct.pack("!BBHHH", type, code, 0, ident, seq) + body
            return message[:2] + struct.pack("!H", checksum(message) ^ wrong) + message[4:]
        s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        other = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        if mode == "spoofed": other.bind(("198.18.7.9", 0))
        print("ready", flush=True)
        while True:
            packet, sender = s.recvfrom(65535)
            icmp = packet[(packet[0] & 15) * 4:]
            if icmp[0] != 8 or sender[0] != "198.18.7.2": continue
            ident, seq = struct.unpack("!HH", icmp[4:8])
            body, to = icmp[8:], (sender[0], 0)
            good = reply(ident, seq, body)
            if mode == "good": s.sendto(good, to)
            elif mode == "double":
                s.sendto(good, to); s.sendto(good, to)
            elif mode == "late": threading.Timer(0.4, s.sendto, (good, to)).start()
            elif mode == "spoofed": other.sendto(good, to)
            elif mode == "malformed":
                for bad in [good[:8], good[:12], good[:15], b"", reply(ident, seq, body, code=1),
                            reply(ident, seq, body, wrong=1), reply(ident ^ 1, seq, body),
                            reply(ident, seq, bytes(len(body))), reply(ident, seq ^ 4096, body),
                            reply(ident, seq, body, type=3), reply(ident, seq, body, type=14), icmp]:
                    try: s.sendto(bad, to)
                    except OSError: pass
        """

    /// A name server on 198.18.7.1: known.test has an address, big.test is cut short over UDP, silent.test is not answered,
    /// anything else is no name. With `tcp` it answers over TCP too.
    func serveNames(tcp: Bool) throws { try run(Self.nameScript, tcp ? "tcp" : "udp") }

    /// A name server on 198.18.7.1 that lies about all names but honest.test: the name says how.
    func serveLies() throws { try run(Self.lyingScript) }

    private static let lyingScript = """
        import random, socket, struct, sys, threading, time
        noise = random.Random(7)
        pointer = bytes([0xc0, 12])
        def record(name, kind, data): return name + struct.pack("!HHIH", kind, 1, 60, len(data)) + data
        def message(query, question, flags=0x8180, records=(), count=None, questions=1):
            count = len(records) if count is None else count
            return query[:2] + struct.pack("!HHHHH", flags, questions, count, 0, 0) + question + b"".join(records)
        def named(text): return b"".join(bytes([len(p)]) + p.encode() for p in text.split(".")) + b"\\0"
        def read(query):
            name, i = [], 12
            while query[i]:
                name.append(query[i + 1:i + 1 + query[i]].decode().lower()); i += 1 + query[i]
            return ".".join(name), query[12:i + 5]
        address = record(pointer, 1, bytes([198, 18, 7, 1]))
        big = b"".join([record(pointer, 16, b"\\0")] * 5000)
        def lies(query):
            name, question = read(query)
            good = message(query, question, records=[address])
            if name == "honest.test": return [good]
            if name == "forged.test":
                other = message(query, named("other.test") + question[-4:], records=[address])
                return [query, bytes([good[0] ^ 1]) + good[1:], other, message(query, question[:-4] + b"\\0\\x1c\\0\\1", records=[address]),
                        message(query, b"", records=[address], questions=0), message(query, question * 2, records=[address], questions=2)]
            if name == "broken.test":
                end = 12 + len(question)
                loop = struct.pack("!H", 0xc000 | end)
                return [b"", query[:2], good[:11], good[:-1], good[:end + 5], message(query, question, count=65535),
                        message(query, question, records=[record(loop, 1, bytes(4))]),
                        message(query, question, records=[record(pointer, 1, bytes(3))]),
                        message(query, question, records=[record(pointer, 5, b"\\xff\\xff")])]
            if name == "circle.test":
                a, b = named("circle.test"), named("b.test")
                return [message(query, question, records=[record(a, 5, b), record(b, 5, a)])]
            if name == "stranger.test":
                return [message(query, question, records=[record(named("bank.test"), 1, bytes([198, 18, 7, 1]))])]
            if name == "cut.test" or name.startswith("tcp"): return [message(query, question, flags=0x8380)]
            return []
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(("198.18.7.1", 53))
        elsewhere = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); elsewhere.bind(("198.18.7.1", 0))
        def flood(query, sender):
            name, question = read(query)
            wrong = bytes([query[0] ^ 1]) + query[1:]
            whole = message(query, named("other.test") + question[-4:], count=5000) + big
            end = time.time() + 0.3
            while time.time() < end:
                for _ in range(20): udp.sendto(wrong, sender)
                udp.sendto(whole[:65000], sender)
        def serve(c):
            try:
                query = c.recv(4096)[2:]
                name, question = read(query)
                if name == "cut.test":
                    cut = message(query, question, flags=0x8380); c.sendall(struct.pack("!H", len(cut)) + cut)
                elif name == "tcp-drip.test":
                    c.sendall(b"\\xff\\xff")
                    for _ in range(100): c.sendall(b"x"); time.sleep(0.02)
                elif name == "tcp-nothing.test":
                    for _ in range(200): c.sendall(bytes(65536))
                elif name == "tcp-noise.test": c.sendall(noise.randbytes(200000))
                elif name == "tcp-silent.test": time.sleep(1)
            except OSError: pass
            c.close()
        def accept(listener):
            while True: threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
        l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        l.bind(("198.18.7.1", 53)); l.listen(64)
        threading.Thread(target=accept, args=(l,), daemon=True).start()
        print("ready", flush=True)
        while True:
            query, sender = udp.recvfrom(4096)
            name, question = read(query)
            if name == "flood.test": threading.Thread(target=flood, args=(query, sender), daemon=True).start()
            if name == "elsewhere.test": elsewhere.sendto(message(query, question, records=[address]), sender)
            for lie in lies(query): udp.sendto(lie, sender)
        """

    private static let nameScript = """
        import socket, struct, sys, threading
        def answer(query, over_tcp):
            name, i = [], 12
            while query[i]:
                name.append(query[i + 1:i + 1 + query[i]].decode().lower()); i += 1 + query[i]
            question = query[12:i + 5]
            kind = struct.unpack("!H", query[i + 1:i + 3])[0]
            name = ".".join(name)
            if name == "silent.test": return None
            known = name in ("known.test", "big.test", "gate.example.test")
            cut = name == "big.test" and not over_tcp
            records = 1 if known and kind == 1 and not cut else 0
            flags = 0x8180 | (0x200 if cut else 0) | (0 if known else 3)
            reply = query[:2] + struct.pack("!HHHHH", flags, 1, records, 0, 0) + question
            if records: reply += bytes([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 198, 18, 7, 1])
            return reply
        def serve_tcp(listener):
            while True:
                c, _ = listener.accept()
                data = c.recv(4096)
                reply = answer(data[2:], True)
                # In two pieces.
                if reply:
                    whole = struct.pack("!H", len(reply)) + reply
                    c.sendall(whole[:5]); c.sendall(whole[5:])
                c.close()
        u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(("198.18.7.1", 53))
        if sys.argv[1] == "tcp":
            l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            l.bind(("198.18.7.1", 53)); l.listen()
            threading.Thread(target=serve_tcp, args=(l,), daemon=True).start()
        print("ready", flush=True)
        while True:
            query, sender = u.recvfrom(4096)
            reply = answer(query, False)
            # Somebody else's answer first: it is not for this question.
            if reply: u.sendto(bytes([reply[0] ^ 1]) + reply[1:], sender); u.sendto(reply, sender)
        """
}

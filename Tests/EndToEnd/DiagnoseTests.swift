import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// `netdrift diagnose`: every break is made on purpose, named first, and mended by what is printed.
    @Suite(.needs(.root, .tool("ip"), .tool("nft"), .tool("bridge"))) struct DiagnoseTests {
        /// A way to break the scene.
        struct Break: CustomTestStringConvertible, Sendable {
            let name: String
            /// The step that is to be named.
            let step: String
            /// Whether the command that is printed makes it work again, perhaps after another.
            let isMended: Bool
            let make: @Sendable (PathScene, Path) throws -> Void

            init(
                _ name: String, _ step: String, isMended: Bool = true,
                _ make: @escaping @Sendable (PathScene, Path) throws -> Void
            ) {
                self.name = name
                self.step = step
                self.isMended = isMended
                self.make = make
            }

            var testDescription: String { name }
        }

        /// Which addresses a break is tried with.
        enum Path: String, CaseIterable, Sendable {
            case ipv4, ipv6

            var target: String { self == .ipv4 ? "198.18.2.2" : "2001:db8:2::2" }
            var wrongGateway: String { self == .ipv4 ? "198.18.1.99" : "2001:db8:1::99" }
            var ip: String { self == .ipv4 ? "-4" : "-6" }
        }

        static let breaks: [Break] = [
            // An IPv6 address goes with its link, and nobody but its owner knows it.
            Break("link down", "link", isMended: false) { scene, _ in
                try scene.batch(scene.web, "link set eth0 down")
            },
            Break("no address", "address", isMended: false) { scene, path in
                try scene.batch(scene.web, "\(path.ip) addr flush dev eth0")
            },
            Break("no route", "route") { scene, path in try scene.batch(scene.web, "\(path.ip) route del default") },
            Break("blackhole", "route") { scene, path in
                try scene.batch(scene.web, "\(path.ip) route add blackhole \(path.target)")
            },
            Break("wrong gateway", "gateway") { scene, path in
                try scene.batch(scene.web, "\(path.ip) route replace default via \(path.wrongGateway)")
            },
            Break("no ARP", "gateway") { scene, _ in try scene.batch(scene.web, "link set eth0 arp off") },
            Break("peer down", "peer") { scene, _ in try scene.batch(scene.host, "link set va down") },
            Break("peer is no port of the bridge", "bridge") { scene, _ in
                try scene.batch(scene.host, "link set va nomaster")
            },
            // What was learnt of neighbours on the other bridge is believed for some time after it is mended.
            Break("peer is a port of the other bridge", "bridge", isMended: false) { scene, _ in
                try scene.batch(scene.host, "link set va master br1")
            },
            Break("bridge down", "bridge") { scene, _ in
                try scene.host.set("net/ipv6/conf/br0/keep_addr_on_down", "1")
                try scene.batch(scene.host, "link set br0 down")
            },
            Break("port disabled", "bridge") { scene, _ in
                try scene.host.check("bridge", "link", "set", "dev", "va", "state", "0")
            },
            Break("no forwarding", "forwarding") { scene, _ in
                try scene.host.set("net/ipv4/ip_forward", "0")
                try scene.host.set("net/ipv6/conf/all/forwarding", "0")
            },
            Break("no way back", "return_route") { scene, path in
                try scene.batch(scene.db, "\(path.ip) route del default")
            },
            Break("a rule of the host drops it", "filter") { scene, _ in
                try scene.host.check(
                    "nft",
                    """
                    add table inet f; add chain inet f forward { type filter hook forward priority 0; }; \
                    add rule inet f forward iifname br0 drop
                    """)
            },
            Break("the host's policy drops it", "filter") { scene, _ in
                try scene.host.check(
                    "nft", "add table inet f; add chain inet f c { type filter hook forward priority 0; policy drop; }")
            },
            Break("its own filter drops what it sends", "filter") { scene, _ in
                try scene.web.check(
                    "nft", "add table inet f; add chain inet f c { type filter hook output priority 0; policy drop; }")
            },
            Break("the target's filter drops what comes in", "filter") { scene, _ in
                try scene.db.check(
                    "nft", "add table inet f; add chain inet f c { type filter hook input priority 0; policy drop; }")
            },
            Break("small MTU", "mtu") { scene, _ in try scene.batch(scene.host, "link set va mtu 1400") },
            Break("the target ignores echo requests", "target") { scene, path in
                try scene.db.set(
                    path == .ipv4 ? "net/ipv4/icmp_echo_ignore_all" : "net/ipv6/icmp/echo_ignore_all", "1")
            },
        ]

        @Test("a break is named first, and mended", arguments: breaks, Path.allCases)
        func isNamedAndMended(_ broken: Break, _ path: Path) throws {
            let scene = try PathScene()
            try broken.make(scene, path)
            var answer = try scene.diagnose(path.target)
            #expect(answer.status == 1)
            #expect(answer.report.reachable == false)
            #expect(answer.report.steps.count == 13)
            #expect(answer.allBroken == [broken.step], "\(answer.report.steps)")
            for _ in 0..<4 {
                guard answer.status == 1, let remedy = answer.broken?.remedy, !remedy.contains("ADDRESS") else { break }
                try Command.check("sh", "-c", remedy)
                // On the other bridge it has learnt that one's hardware address for its gateway, and would believe it for
                // half a minute.
                try Command.check("ip", "-n", scene.web.name, "neighbour", "flush", "dev", "eth0")
                // A neighbour that did not answer is asked again after a second, and the port of a bridge comes up by itself.
                let settled = try eventually(within: 8) { () -> PathAnswer? in
                    answer = try scene.diagnose(path.target)
                    return answer.status == 0 || !["gateway", "target", nil].contains(answer.broken?.step)
                        ? answer : nil
                }
                answer = settled ?? answer
            }
            if broken.isMended {
                #expect(answer.status == 0 && answer.report.reachable == true, "\(answer.report.steps)")
            }
        }

        @Test(arguments: Path.allCases) func allIsWell(_ path: Path) throws {
            let scene = try PathScene()
            let answer = try scene.diagnose(path.target)
            #expect(answer.status == 0 && answer.report.reachable == true)
            #expect(answer.report.steps.allSatisfy { $0.state == "ok" && $0.remedy == nil }, "\(answer.report.steps)")
            for target in ["gateway", "host", "peer", path == .ipv4 ? "127.0.0.1" : "::1"] {
                #expect(try scene.diagnose(target).status == 0, "\(target)")
            }
        }

        @Test func strictReversePathFilter() throws {
            let scene = try PathScene()
            // The answers to web would leave by br1.
            try scene.batch(scene.host, "route add 198.18.1.2/32 dev br1")
            try scene.host.set("net/ipv4/conf/br0/rp_filter", "1")
            let answer = try scene.diagnose("198.18.2.2")
            #expect(answer.allBroken == ["rp_filter"], "\(answer.report.steps)")
            #expect(answer.broken?.remedy?.hasSuffix("sysctl -w net.ipv4.conf.br0.rp_filter=2") == true)
        }

        @Test func ports() throws {
            let scene = try PathScene()
            let refused = try scene.diagnose("198.18.2.2:81")
            #expect(refused.allBroken == ["target"])
            #expect(refused.broken?.evidence.contains("refuses") == true)
            #expect(try scene.diagnose("[2001:db8:2::2]:81").broken?.evidence.contains("refuses") == true)
            try scene.serve(
                in: scene.db,
                """
                import socket, sys
                s = socket.create_server(("198.18.2.2", 81)); open(sys.argv[1], "w")
                while True: s.accept()
                """)
            #expect(try scene.diagnose("198.18.2.2:81").status == 0)
            try scene.db.check(
                "nft",
                "add table ip f; add chain ip f c { type filter hook input priority 0; }; add rule ip f c tcp dport 81 drop"
            )
            let dropped = try scene.diagnose("198.18.2.2:81")
            #expect(dropped.allBroken == ["filter"], "\(dropped.report.steps)")
            #expect(try scene.diagnose("198.18.2.2").status == 0)
            let nobody = try scene.diagnose("198.18.2.77")
            #expect(nobody.allBroken == ["target"], "\(nobody.report.steps)")
        }

        /// A name server that answers `good.test`, says NXDOMAIN to other names, and cuts its answer to `long.test`.
        private static let nameServer = """
            import socket, sys
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("198.18.2.2", 53)); open(sys.argv[1], "w")
            while True:
                q, a = s.recvfrom(4096)
                end = q.index(b"\\0", 12) + 5
                name, head = q[12:end - 4], q[:2]
                if b"good" in name:
                    r = head + b"\\x81\\x80\\0\\1\\0\\1\\0\\0\\0\\0" + q[12:end]
                    r += b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\x3c\\0\\4\\xc6\\x12\\2\\2"
                    if q[end - 3] != 1: r = head + b"\\x81\\x80\\0\\1\\0\\0\\0\\0\\0\\0" + q[12:end]
                elif b"long" in name: r = head + b"\\x83\\x80\\0\\1\\0\\0\\0\\0\\0\\0" + q[12:end]
                else: r = head + b"\\x81\\x83\\0\\1\\0\\0\\0\\0\\0\\0" + q[12:end]
                s.sendto(r, a)
            """

        @Test func names() throws {
            let scene = try PathScene()
            let directory = "/etc/netns/\(scene.web.name)"
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: directory) }
            try Data("nameserver 198.18.2.2\n".utf8).write(to: URL(fileURLWithPath: directory + "/resolv.conf"))
            let dead = try scene.diagnose("resolver")
            #expect(dead.allBroken == ["target"], "\(dead.report.steps)")
            #expect(try scene.diagnose("good.test").broken?.evidence.contains("could not be resolved") == true)
            try scene.serve(in: scene.db, Self.nameServer)
            #expect(try scene.diagnose("resolver").status == 0)
            #expect(try scene.diagnose("good.test").status == 0)
            let missing = try scene.diagnose("bad.test")
            #expect(missing.allBroken == ["target"])
            #expect(missing.broken?.evidence.contains("NXDOMAIN") == true)
            #expect(try scene.diagnose("resolver", "--query", "good.test").status == 0)
            let nothing = try scene.diagnose("resolver", "--query", "bad.test")
            #expect(nothing.broken?.evidence.contains("NXDOMAIN") == true, "\(nothing.report.steps)")
            let long = try scene.diagnose("resolver", "--query", "long.test")
            #expect(long.allBroken == ["target"])
            #expect(long.broken?.evidence.contains("truncated") == true, "\(long.report.steps)")
            // The way to the name server is what is broken.
            try scene.batch(scene.host, "link set va down")
            #expect(try scene.diagnose("good.test").allBroken == ["peer"])
        }

        @Test func asText() throws {
            let scene = try PathScene()
            try scene.batch(scene.host, "link set va down")
            let result = try Command.run([
                AgentProcess.binary, "diagnose", "--timeout", "300ms", "--path.host-netns", scene.host.path,
                "net:[\(scene.web.inode)]",
            ])
            #expect(result.status == 1 && result.errors.isEmpty)
            let lines = result.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            #expect(
                lines[0] == "\(scene.web.name) cannot reach gateway (198.18.1.1): peer: va of host is down (no IFF_UP)")
            let peer = try #require(lines.firstIndex { $0.hasPrefix("BROKEN  peer ") })
            #expect(lines[peer + 1].hasSuffix("# ip netns exec \(scene.host.name) ip link set dev va up"))
            #expect(!result.output.contains("\u{1B}"))
        }

        @Test func mistakes() throws {
            let scene = try PathScene()
            for arguments in [
                [scene.web.name + "x"], [scene.web.name, "198.18.1.1:0"], [scene.web.name, "a b"],
                [scene.web.name, "198.18.1"], [scene.web.name, "198.18.1.1", "--kind", "tcp"], ["/etc/passwd"],
                [scene.web.name, "--kind", "udp"], [scene.web.name, "--timeout", "0"], ["net:[1]"],
            ] {
                let result = try Command.run(
                    [AgentProcess.binary, "diagnose", "--path.host-netns", scene.host.path] + arguments)
                #expect(result.status == 2, "\(arguments)")
                #expect(result.output.isEmpty && !result.errors.isEmpty, "\(arguments)")
            }
        }
    }
}

extension EndToEnd {
    /// `/api/v1/diagnose`.
    @Suite(.needs(.root, .tool("ip"))) struct DiagnoseAPITests {
        @Test func onlyWhatIsConfigured() throws {
            let scene = try PathScene()
            let directory = try TemporaryDirectory()
            let file = try directory.write(
                "netdrift.yml",
                """
                probes:
                  - { name: db, kind: icmp, target: 198.18.2.2, namespaces: { name: \(scene.web.name) } }
                """)
            let agent = try AgentProcess([
                "--collector.probe", "--path.host-netns=\(scene.host.path)", "--config.file=\(file)",
            ])
            func steps(_ query: String) throws -> PathAnswer {
                let answer = try agent.get("/api/v1/diagnose?\(query)")
                try #require(answer.status == 200, "\(query): \(answer.text ?? "")")
                return try PathAnswer(status: 0, answer.body)
            }
            #expect(try steps("netns=\(scene.web.name)").report.reachable == true)
            #expect(try steps("netns=\(scene.web.name)&target=db").report.reachable == true)
            #expect(try steps("netns=\(scene.web.name)&target=198.18.2.2").report.target == "198.18.2.2")
            try scene.batch(scene.host, "link set br0 down")
            #expect(try steps("netns=\(scene.web.name)&target=db").allBroken == ["bridge"])
            for (query, status) in [
                ("", 400), ("netns=", 400), ("netns=\(scene.web.name)x", 404),
                ("netns=/run/netns/\(scene.web.name)", 404),
                ("netns=\(scene.web.name)&target=198.18.2.1", 403), ("netns=\(scene.db.name)&target=db", 403),
            ] {
                #expect(try agent.get("/api/v1/diagnose?\(query)").status == status, "\(query)")
            }
        }
    }
}

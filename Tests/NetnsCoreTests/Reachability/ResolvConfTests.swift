import TestSupport
import Testing

@testable import NetnsCore

@Suite struct ResolvConfTests {
    private static func read(_ text: String) -> ResolvConf { read(Array(text.utf8)) }
    private static func read(_ bytes: [UInt8]) -> ResolvConf { unsafe ResolvConf(decoding: bytes.span.bytes) }

    @Test func whole() throws {
        let file = Self.read(
            """
            # Of a pod
            ; and another remark
            search prod.svc.cluster.local svc.cluster.local\tcluster.local
            nameserver 192.0.2.10
            nameserver\t2001:db8::10   trailing
            options ndots:5 timeout:2 attempts:3 rotate use-vc edns0
            """)
        #expect(file.nameServers.map(\.address.description) == ["192.0.2.10", "2001:db8::10"])
        #expect(file.nameServers.allSatisfy { $0.scope == nil })
        #expect(file.searchDomains == ["prod.svc.cluster.local", "svc.cluster.local", "cluster.local"])
        #expect(file.dots == 5 && file.timeout == 2 && file.attempts == 3 && file.rotates && file.usesTCP)
    }

    @Test(arguments: ["", "\n\n", "nameserver", "nameserver ", "nonsense 192.0.2.1", "search", "options", "domain \n"])
    func nothing(_ text: String) {
        #expect(Self.read(text) == ResolvConf())
    }

    @Test func defaults() {
        let file = ResolvConf()
        #expect(file.dots == 1 && file.timeout == 5 && file.attempts == 2 && !file.rotates && !file.usesTCP)
    }

    @Test(
        arguments: [
            ("nameserver 192.0.2.1", ["192.0.2.1"]), (" nameserver 192.0.2.1", []), ("#nameserver 192.0.2.1", []),
            ("nameserver 192.0.2.1#53", []), ("Nameserver 192.0.2.1", []), ("nameserver192.0.2.1", []),
            ("nameserver x\nnameserver 192.0.2.2", ["192.0.2.2"]), ("nameserver 192.0.2.1\r\n", []),
            ("nameserver fe80::1%eth0", ["fe80::1%eth0"]), ("nameserver fe80::1%3", ["fe80::1%3"]),
            ("nameserver fe80::1%", ["fe80::1"]), ("nameserver fe80::1%sixteenbyteslong", ["fe80::1"]),
            ("nameserver 192.0.2.1%eth0", []), ("nameserver [2001:db8::1]", []), ("nameserver %eth0", []),
            (
                "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4",
                ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
            ),
        ] as [(String, [String])])
    func nameServers(_ text: String, _ expected: [String]) {
        let shown = Self.read(text).nameServers.map {
            $0.address.description + ($0.scope.map { "%" + $0.description } ?? "")
        }
        #expect(shown == expected)
    }

    @Test(
        arguments: [
            ("domain a.example", ["a.example"]), ("domain a.example b.example", ["a.example"]),
            ("search a b\ndomain c", ["c"]), ("domain c\nsearch a b", ["a", "b"]), ("search a\nsearch b", ["b"]),
            ("search a\nsearch", ["a"]), ("search a\u{1} é b", ["b"]), ("search .", ["."]),
        ] as [(String, [String])])
    func searchDomains(_ text: String, _ expected: [String]) {
        #expect(Self.read(text).searchDomains == expected)
    }

    @Test(arguments: [
        ("ndots:0", 0, 5, 2), ("ndots:99", 15, 5, 2), ("ndots:", 1, 5, 2), ("ndots:-1", 1, 5, 2), ("ndots:x", 1, 5, 2),
        ("timeout:99999999999999999999", 1, 30, 2), ("timeout:1 attempts:1", 1, 1, 1), ("attempts:9", 1, 5, 5),
        ("Ndots:3 ndots:2 ndots:", 2, 5, 2), ("ndots:3\noptions timeout:4", 3, 4, 2),
    ])
    func options(_ text: String, _ dots: Int, _ timeout: Int, _ attempts: Int) {
        let file = Self.read("options \(text)\n")
        #expect(file.dots == dots && file.timeout == timeout && file.attempts == attempts)
    }

    @Test(
        arguments: [
            ("a", 1, ["x.example", "y"], ["a.x.example.", "a.y.", "a."]),
            ("a.b", 1, ["x", "y"], ["a.b.", "a.b.x.", "a.b.y."]), ("a.b", 5, ["x"], ["a.b.x.", "a.b."]),
            ("a.", 5, ["x"], ["a."]), ("a", 0, ["x"], ["a.", "a.x."]), ("a", 1, [], ["a."]),
            ("a", 1, ["."], ["a."]), ("a", 1, [".x.", "x", "y"], ["a.x.", "a.y.", "a."]),
        ] as [(String, Int, [String], [String])])
    func names(_ name: String, _ dots: Int, _ domains: [String], _ expected: [String]) {
        var file = ResolvConf()
        file.dots = dots
        file.searchDomains = domains
        #expect(file.names(for: name) == expected)
    }

    @Test func bounds() {
        let many = (0..<500).map { "d\($0)" }.joined(separator: " ")
        let long = String(repeating: "x", count: 60_000)
        let file = Self.read(
            "search \(many)\nsearch2\n\(long)\nsearch \(long) \(many)\nnameserver \(long)\noptions \(long)")
        #expect(file.searchDomains.count == ResolvConf.maximumSearchDomains)
        #expect(file.searchDomains.first == "d0" && file.nameServers.isEmpty)
    }

    @Test func mutations() {
        let text = Array(
            "nameserver fe80::1%eth0\nnameserver 192.0.2.1\nsearch a.b c\noptions ndots:3 timeout:10\n".utf8)
        var generator = SplitMix64(seed: 53)
        var seen: Set<ResolvConf> = []
        for _ in 0..<20_000 {
            let file = Self.read(generator.mutation(of: text, alphabet: Array(" \t\n\r#;:%.0n".utf8)))
            if !(0...15).contains(file.dots) || !(0...30).contains(file.timeout) || file.nameServers.count > 3 {
                Issue.record("out of bounds: \(file)")
            }
            seen.insert(file)
        }
        #expect(seen.count > 500)
    }
}

@Suite struct HostsFileTests {
    private static let file = """
        127.0.0.1\tlocalhost
        ::1 localhost ip6-localhost # comment of-comment
        # 192.0.2.9 hidden
        192.0.2.1  api.example.com  api   API2
         192.0.2.2 api
        2001:db8::1 api
        2001:db8::2 api
        fe80::1%eth0 scoped
        192.0.2.999 wrong
        nonsense
        192.0.2.3
        192.0.2.4 last\r
        192.0.2.5 #
        """

    @Test(
        arguments: [
            ("localhost", ["127.0.0.1", "::1"]), ("LocalHost", ["127.0.0.1", "::1"]), ("ip6-localhost", ["::1"]),
            ("of-comment", []), ("hidden", []), ("api", ["192.0.2.1", "2001:db8::1"]), ("api2", ["192.0.2.1"]),
            ("api.example.com", ["192.0.2.1"]), ("ap", []), ("api.", []), ("scoped", []), ("wrong", []), ("", []),
            ("192.0.2.3", []), ("last", ["192.0.2.4"]), ("#", []), ("api@example", []), ("api\u{0E}example.com", []),
        ] as [(String, [String])])
    func lookup(_ name: String, _ expected: [String]) {
        let text = Array(Self.file.utf8)
        #expect(unsafe HostsFile.addresses(of: name, in: text.span.bytes).map(\.description) == expected)
    }

    @Test func mutations() {
        let text = Array(Self.file.utf8)
        var generator = SplitMix64(seed: 7)
        for _ in 0..<5_000 {
            let broken = generator.mutation(of: text, alphabet: Array(" \t\n\r#:.0a".utf8) + [0, 0xFF])
            _ = unsafe HostsFile.addresses(of: "api", in: broken.span.bytes)
        }
    }
}

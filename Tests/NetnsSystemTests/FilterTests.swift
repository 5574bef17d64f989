import Foundation
import NetnsCore
import TestSupport
import Testing

@testable import NetnsSystem

extension KernelTests {
    /// Rulesets of real nftables and iptables: what is said of a packet, and what the kernel does with it.
    @Suite(.needs(.tool("nft"))) struct FilterTests {
        private typealias Sent = FilterScene.Sent

        private static let icmp = Sent()
        private static let icmp6 = Sent(family: .ipv6)
        private static func tcp(_ port: UInt16) -> Sent { Sent(kind: .tcp, port: port) }
        private static func udp(_ port: UInt16) -> Sent { Sent(kind: .udp, port: port) }

        /// What is expected of a packet: `accept`, `drop: TEXT OF THE RULE`, `reject: ...`, `unknown: EXPRESSION`.
        private static func shown(_ verdict: FilterVerdict) -> String {
            switch verdict {
            case .accepted: "accept"
            case .dropped(let cause): "drop: \(cause.text)"
            case .rejected(let cause): "reject: \(cause.text)"
            case .unknown(let doubt): "unknown: \(doubt.expression)"
            }
        }

        /// A ruleset's chain `forward`, and what stands in the table before it.
        private static func ruleset(_ rules: [String], policy: String = "accept", before: String = "") -> String {
            """
            table inet t {
                \(before)
                chain forward {
                    type filter hook forward priority 0
                    policy \(policy)
                    \(rules.joined(separator: "\n"))
                }
            }
            """
        }

        private func check(_ scene: FilterScene, _ ruleset: String, _ cases: [(Sent, String)]) throws {
            try scene.load(ruleset)
            try check(scene, cases)
        }

        private func check(_ scene: FilterScene, _ cases: [(Sent, String)]) throws {
            let table = try scene.table()
            for (sent, expected) in cases {
                let verdict = table.verdict(for: try scene.packet(sent), hook: .forward)
                #expect(Self.shown(verdict) == expected, "\(sent)")
            }
            let passed = try scene.send(cases.map(\.0))
            for ((sent, expected), hasPassed) in zip(cases, passed) where !expected.hasPrefix("unknown") {
                #expect(hasPassed == (expected == "accept"), "\(sent): \(expected)")
            }
        }

        @Test func policies() throws {
            let scene = try FilterScene()
            try check(scene, "", [(Self.icmp, "accept"), (Self.icmp6, "accept")])
            try check(
                scene, Self.ruleset([], policy: "drop"),
                [(Self.icmp, "drop: policy drop"), (Self.icmp6, "drop: policy drop")])
            try check(
                scene, "table ip6 t {\nchain f {\ntype filter hook forward priority 5\npolicy drop\n}\n}\n",
                [(Self.icmp, "accept"), (Self.icmp6, "drop: policy drop")])
            // Dormant, and of other hooks.
            try check(
                scene,
                "table ip t {\nflags dormant\nchain f {\ntype filter hook forward priority 5\npolicy drop\n}\n}\n"
                    + "table ip u {\nchain f {\ntype filter hook input priority 5\npolicy drop\n}\n}\n",
                [(Self.icmp, "accept")])
            // An accept of one chain does not spare the packet the next.
            try check(
                scene,
                "table ip a {\nchain f {\ntype filter hook forward priority -5\naccept\n}\n}\n"
                    + "table ip b {\nchain f {\ntype filter hook forward priority 5\ncounter drop\n}\n}\n",
                [(Self.icmp, "drop: counter drop")])
        }

        @Test func matches() throws {
            let scene = try FilterScene()
            try check(
                scene,
                Self.ruleset([
                    "iifname \"toleft\" tcp dport 81 drop", "iifname \"tol*\" tcp dport 82 drop",
                    "iif toleft oif toright tcp dport 83 drop", "oifname != \"toright\" tcp dport 84 drop",
                    "ip saddr 198.18.0.0/15 tcp dport 85 drop", "ip saddr 198.18.0.0/17 tcp dport 86 drop",
                    "ip daddr != 198.18.1.2 tcp dport 87 drop", "tcp dport 1000-1999 drop",
                    "tcp dport != 0-1999 drop", "tcp flags & (syn|ack) == syn tcp dport 88 drop",
                    "tcp flags ack tcp dport 89 drop",
                    "udp dport 85 drop", "meta l4proto ipv6-icmp drop", "icmp type echo-reply drop",
                    "ip protocol udp ip daddr 198.18.1.2 reject", "ip6 saddr 2001:db8::/33 tcp dport 90 drop",
                ]),
                [
                    (Self.icmp, "accept"), (Self.icmp6, "drop: meta l4proto ipv6-icmp drop"), (Self.tcp(80), "accept"),
                    (Self.tcp(81), "drop: iifname \"toleft\" tcp dport 81 drop"),
                    (Self.tcp(82), "drop: iifname \"tol*\" tcp dport 82 drop"),
                    (Self.tcp(84), "accept"), (Self.tcp(85), "drop: ip saddr 198.18.0.0/15 tcp dport 85 drop"),
                    (Self.tcp(86), "drop: ip saddr 198.18.0.0/17 tcp dport 86 drop"), (Self.tcp(87), "accept"),
                    (Self.tcp(88), "drop: tcp flags syn / syn,ack tcp dport 88 drop"), (Self.tcp(89), "accept"),
                    (Self.tcp(1000), "drop: tcp dport 1000-1999 drop"),
                    (Self.tcp(1999), "drop: tcp dport 1000-1999 drop"),
                    (Self.tcp(2000), "drop: tcp dport != 0-1999 drop"),
                    (Self.udp(85), "drop: udp dport 85 drop"),
                    (Self.udp(86), "reject: ip protocol udp ip daddr 198.18.1.2 reject"),
                    (Sent(kind: .tcp, port: 90, family: .ipv6), "drop: ip6 saddr 2001:db8::/33 tcp dport 90 drop"),
                    (Sent(kind: .tcp, port: 91, family: .ipv6), "accept"),
                ])
            let dropped = try scene.verdictText(try scene.packet(Self.tcp(83)))
            #expect(dropped.contains("tcp dport 83 drop"))
        }

        /// Jumps, gotos, and the ways back.
        @Test func chains() throws {
            let scene = try FilterScene()
            let chains = """
                chain inner {
                    tcp dport 81 drop
                    tcp dport 82 return
                    tcp dport 83 accept
                }
                chain outer {
                    jump inner
                    tcp dport 80-82 counter drop
                }
                chain last {
                    tcp dport 85 return
                    tcp dport 86 accept
                }
                """
            try check(
                scene,
                Self.ruleset(
                    [
                        "tcp dport 80-84 jump outer", "tcp dport 85-87 goto last", "tcp dport 87 accept",
                        "udp dport 1 accept",
                    ],
                    policy: "drop", before: chains),
                [
                    (Self.tcp(80), "drop: tcp dport 80-82 counter drop"), (Self.tcp(81), "drop: tcp dport 81 drop"),
                    (Self.tcp(82), "drop: tcp dport 80-82 counter drop"), (Self.tcp(83), "accept"),
                    (Self.tcp(84), "drop: policy drop"), (Self.tcp(85), "drop: policy drop"), (Self.tcp(86), "accept"),
                    (Self.tcp(87), "drop: policy drop"), (Self.udp(1), "accept"),
                ])
        }

        @Test func connections() throws {
            let scene = try FilterScene()
            try check(
                scene,
                Self.ruleset(
                    ["ct state established,related accept", "iifname toleft tcp dport 80 ct state new accept"],
                    policy: "drop"),
                [(Self.tcp(80), "accept"), (Self.tcp(81), "drop: policy drop")])
            let back = try scene.answer()
            #expect(try scene.table().verdict(for: back, hook: .forward) == .accepted)
            #expect(try scene.isAnswered(80))
            try check(
                scene,
                Self.ruleset(["ct state vmap { established : drop, new : accept }"], policy: "drop"),
                [(Self.tcp(80), "accept")])
            #expect(
                Self.shown(try scene.table().verdict(for: back, hook: .forward))
                    == "drop: ct state vmap { established : drop, new : accept }")
            #expect(try !scene.isAnswered(80))
        }

        /// What depends on more than the packet is told to be so, unless it makes no difference.
        @Test func guesses() throws {
            let scene = try FilterScene()
            try check(
                scene,
                Self.ruleset(
                    [
                        "tcp dport 80 limit rate 5/second accept", "tcp dport 80 drop",
                        "tcp dport 81 meta mark 1 counter",
                        "tcp dport 82 meta mark 1 accept", "tcp dport 83 fib daddr type local drop",
                        "tcp dport 84 meta mark 1 drop", "tcp dport 84 drop",
                        "tcp dport 85 meta mark vmap { 1 : accept, 2 : drop }",
                    ]),
                [
                    (Self.tcp(80), "unknown: limit"), (Self.tcp(81), "accept"), (Self.tcp(82), "accept"),
                    (Self.tcp(83), "unknown: fib"), (Self.tcp(84), "drop: tcp dport 84 drop"),
                    (Self.tcp(85), "unknown: vmap @__map0"), (Self.tcp(87), "accept"),
                ])
        }

        @Test func sets() throws {
            let scene = try FilterScene()
            let sets = """
                set hosts {
                    type ipv4_addr
                    flags interval
                    elements = { 198.18.1.0-198.18.1.1, 198.18.1.2/31, 198.18.2.0/24 }
                }
                set ports {
                    type inet_service
                    elements = { 80, 443 }
                }
                map decisions {
                    type inet_service : verdict
                    elements = { 90 : drop, 91 : accept, 92 : jump other }
                }
                set pairs {
                    type ipv4_addr . inet_service
                    flags interval
                    elements = { 198.18.0.0/24 . 100-110, 198.18.1.2 . 111 }
                }
                chain other {
                    ip daddr @hosts drop
                }
                """
            try check(
                scene,
                Self.ruleset(
                    [
                        "tcp dport @ports drop", "tcp dport vmap @decisions", "udp dport { 80, 90-95, 100 } drop",
                        "udp dport vmap { 200 : drop, 201-205 : accept }", "ip saddr . tcp dport @pairs drop",
                        "ip saddr . ip daddr { 198.18.0.2 . 198.18.1.2 } tcp dport 120 drop",
                        "tcp dport != { 0-60000 } drop",
                    ], before: sets),
                [
                    (Self.tcp(80), "drop: tcp dport @ports drop"), (Self.tcp(79), "accept"),
                    (Self.tcp(90), "drop: tcp dport vmap @decisions"), (Self.tcp(91), "accept"),
                    (Self.tcp(92), "drop: ip daddr @hosts drop"), (Self.udp(79), "accept"),
                    (Self.udp(80), "drop: udp dport { 80, 90-95, 100 } drop"),
                    (Self.udp(89), "accept"), (Self.udp(90), "drop: udp dport { 80, 90-95, 100 } drop"),
                    (Self.udp(95), "drop: udp dport { 80, 90-95, 100 } drop"), (Self.udp(96), "accept"),
                    (Self.udp(200), "drop: udp dport vmap { 200 : drop, 201-205 : accept }"),
                    (Self.tcp(99), "accept"), (Self.tcp(100), "drop: ip saddr . tcp dport @pairs drop"),
                    (Self.tcp(110), "drop: ip saddr . tcp dport @pairs drop"), (Self.tcp(111), "accept"),
                    (Self.tcp(120), "drop: ip saddr . ip daddr { ... } tcp dport 120 drop"),
                    (Self.tcp(60_001), "drop: tcp dport != 0-60000 drop"), (Self.tcp(121), "accept"),
                ])
        }

        @Test(.needs(.tool("iptables-nft"))) func iptables() throws {
            let scene = try FilterScene()
            try scene.load("")
            for rule in [
                "-A FORWARD -p tcp -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
                "-A FORWARD -i toleft -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW -m comment --comment web -j ACCEPT",
                "-A FORWARD -s 198.18.0.0/24 -p tcp -m multiport --dports 81,90:95 -j ACCEPT",
                "-A FORWARD -p tcp -m multiport ! --dports 82:99 -j ACCEPT",
                "-A FORWARD -p icmp -m icmp --icmp-type echo-request -j LOG", "-N MINE",
                "-A FORWARD -p udp -j MINE", "-A MINE -m addrtype --dst-type LOCAL -j ACCEPT",
                "-A MINE -p udp -m udp --dport 1:9 -j REJECT", "-A MINE -p udp --dport 10 -j ACCEPT", "-P FORWARD DROP",
            ] {
                try scene.router.check(arguments: ["iptables-nft"] + rule.split(separator: " ").map(String.init))
            }
            let table = try scene.table()
            let refused = table.verdict(for: try scene.packet(Self.udp(5)), hook: .forward)
            #expect(Self.shown(refused) == "unknown: fib" || Self.shown(refused) == "unknown: match addrtype")
            try scene.router.check("iptables-nft", "-D", "MINE", "1")
            try check(
                scene,
                [
                    (Self.tcp(80), "accept"), (Self.tcp(81), "accept"), (Self.tcp(82), "drop: policy drop"),
                    (Self.tcp(90), "accept"), (Self.tcp(95), "accept"), (Self.tcp(96), "drop: policy drop"),
                    (Self.tcp(100), "accept"), (Self.icmp, "drop: policy drop"), (Self.udp(10), "accept"),
                    (Self.udp(11), "drop: policy drop"), (Self.icmp6, "accept"),
                ])
            let rejected = Self.shown(try scene.table().verdict(for: try scene.packet(Self.udp(5)), hook: .forward))
            #expect(rejected.hasPrefix("reject: ") && rejected.hasSuffix("counter reject"))
            #expect(try scene.send([Self.udp(5)]) == [false])
        }

        @Test(.needs(.tool("iptables-legacy"))) func legacyTables() throws {
            let namespace = try NamedNamespace()
            #expect(try FilterScene.table(of: namespace).hasLegacyTables == false)
            try namespace.check("ip6tables-legacy", "-P", "FORWARD", "DROP")
            #expect(try FilterScene.table(of: namespace).hasLegacyTables == true)
        }

        @Test func limits() throws {
            let namespace = try NamedNamespace()
            let elements = (0..<3000).map { "198.18.\($0 / 250).\($0 % 250)" }.joined(separator: ", ")
            let rules =
                (1...40).map { "tcp dport \($0) drop" } + ["ip daddr @many drop", "ip daddr { 198.18.0.1 } drop"]
            let set = "set many {\ntype ipv4_addr\nelements = { \(elements) }\n}\n"
            let result = try Command.run(
                ["ip", "netns", "exec", namespace.name, "nft", "-f", "-"], input: Self.ruleset(rules, before: set))
            try #require(result.status == 0, "\(result.errors)")
            let whole = try FilterScene.table(of: namespace, FilterLimits())
            #expect(whole.rules.values.map(\.count) == [42])
            let id = FilterSet.ID(family: .inet, table: "t", name: "many")
            #expect(whole.sets[id]?.elements?.count == 3000)
            let less = try FilterScene.table(of: namespace, FilterLimits(elements: 2000))
            #expect(less.sets[id]?.elements == nil && less.sets.count == whole.sets.count)
            #expect(less.rules == whole.rules)
            for limits in [FilterLimits(rules: 41), FilterLimits(sets: 0)] {
                #expect(throws: NetlinkError.self) { try FilterScene.table(of: namespace, limits) }
            }
        }

        /// Neither a descriptor nor a socket stays behind.
        @Test func nothingIsHeld() throws {
            let namespace = try NamedNamespace()
            let before = OpenDescriptors.holding()
            _ = try FilterScene.table(of: namespace)
            #expect(OpenDescriptors.holding() == before)
        }
    }
}

extension FilterScene {
    /// What is said of a packet, as text.
    func verdictText(_ packet: FilterPacket) throws -> String {
        "\(try table().verdict(for: packet, hook: .forward))"
    }
}

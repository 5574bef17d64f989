import NetnsCore
import TestSupport
import Testing

@Suite struct NamespaceMatcherTests {
    private typealias Property = NamespaceMatcher.Property

    private static let pod = NamespaceIdentity(
        name: "prod-eu/api-1", origin: .process, runtime: "containerd", container: "api", pod: "api-1",
        podNamespace: "prod-eu", user: "root")
    private static let bare = NamespaceIdentity(name: "lab-a", origin: .mount)

    @Test(
        arguments: [
            (.name, ["*"], true, true), (.name, ["lab-*"], false, true), (.name, ["x", "lab-?"], false, true),
            (.origin, ["process"], true, false), (.runtime, ["containerd"], true, false),
            (.runtime, ["*"], true, false),
            (.container, ["api"], true, false), (.pod, ["*"], true, false), (.pod, ["~.*"], true, false),
            (.podNamespace, ["prod-*"], true, false), (.user, ["root"], true, false), (.user, [], false, false),
            (.name, ["~lab-[a-z]"], false, true), (.name, ["~lab"], false, false), (.name, ["~.*a.*"], true, true),
        ] as [(NamespaceMatcher.Property, [String], Bool, Bool)])
    func oneProperty(_ property: NamespaceMatcher.Property, _ texts: [String], _ pod: Bool, _ bare: Bool) throws {
        let matcher = NamespaceMatcher([property: try texts.map { try TextPattern($0) }])
        #expect(matcher.matches(Self.pod) == pod)
        #expect(matcher.matches(Self.bare) == bare)
    }

    @Test func allGivenHaveToMatch() throws {
        let both = NamespaceMatcher([.origin: [try TextPattern("process")], .podNamespace: [try TextPattern("dev")]])
        #expect(!both.matches(Self.pod))
        #expect(NamespaceMatcher.all.matches(Self.bare))
    }

    @Test func patterns() throws {
        #expect(try TextPattern("a.c").matches("a.c"))
        #expect(try !TextPattern("a.c").matches("abc"))
        #expect(try TextPattern("~a.c").matches("aéc"))
        #expect(try TextPattern("~a.c").literal == nil)
        #expect(try TextPattern("abc").literal == "abc")
        #expect(try TextPattern("~a|b").matches("b"))
        for bad in ["~", "~[", "~(", "~a{2,1}", "~*"] {
            #expect(throws: ExpectationError.self, "\(bad)") { try TextPattern(bad) }
        }
    }

    /// Patterns that nobody wrote: compiled or refused, never a trap.
    @Test func anyTextIsAPatternOrAMistake() {
        var random = SplitMix64(seed: 21)
        let alphabet = Array("ab*?[]{}()|\\^$.+-,:=<>!&~#0123pPdwQE/é \n".unicodeScalars)
        for _ in 0..<4000 {
            var text = String.UnicodeScalarView("~".unicodeScalars)
            for _ in 0..<Int.random(in: 0...12, using: &random) {
                text.append(alphabet.randomElement(using: &random) ?? "a")
            }
            _ = (try? TextPattern(String(text)))?.matches("ab-12")
        }
    }
}

@Suite struct RuleSetTests {
    private static let names = [
        "net.core.somaxconn", "net.ipv4.conf.all.rp_filter", "net.ipv4.conf.eth0/100.rp_filter",
        "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_time",
    ]

    private static func table() throws -> SysctlTable { SysctlTable(try names.map { try SysctlName($0) }) }

    private static func rule(
        _ name: String, _ entries: [(String, String)], namespaces: NamespaceMatcher = .all
    ) throws -> Rule {
        Rule(
            name: name, namespaces: namespaces,
            content: .sysctls(try entries.map { .init(try SysctlPattern($0.0), try Expectation($0.1)) }))
    }

    private static func assertions(
        _ rules: [Rule], _ name: String = "lab", declared: [String: String] = [:]
    ) throws -> [Assertion] {
        let declared = Dictionary(uniqueKeysWithValues: try declared.map { (try SysctlName($0.key), $0.value) })
        return RuleSet(DriftConfiguration(rules: rules))
            .assertions(for: NamespaceIdentity(name: name), table: try table(), declared: declared)
    }

    private static func shown(_ assertions: [Assertion]) -> [String] {
        assertions.map {
            "\($0.rule) \($0.sysctl) \($0.check.expectation) \($0.source) \($0.index.map(String.init) ?? "-")"
        }
    }

    @Test func literalsGoBeforePatternsAndTheLaterPatternBeforeTheEarlier() throws {
        let rule = try Self.rule(
            "r",
            [
                ("net.ipv4.tcp_fin_timeout", "1"), ("net.ipv4.tcp_*", "2"), ("net.ipv4.tcp_keep*", "3"),
                ("net.ipv4.tcp_absent", "4"), ("net.ipv6.*", "5"),
            ])
        #expect(
            try Self.shown(Self.assertions([rule])) == [
                "r net.ipv4.tcp_absent 4 config -", "r net.ipv4.tcp_fin_timeout 1 config 4",
                "r net.ipv4.tcp_keepalive_time 3 config 5",
            ])
    }

    @Test func twoRulesMayNameOneSysctl() throws {
        let rules = [
            try Self.rule("a", [("net.core.somaxconn", ">= 4096")]),
            try Self.rule("b", [("net.core.somaxconn", "128")]),
        ]
        #expect(
            try Self.shown(Self.assertions(rules)) == [
                "a net.core.somaxconn >= 4096 config 0", "b net.core.somaxconn 128 config 0",
            ])
    }

    @Test func onlyTheRulesOfTheNamespace() throws {
        let lab = NamespaceMatcher([.name: [try TextPattern("lab*")]])
        let rules = [try Self.rule("a", [("net.core.somaxconn", "1")], namespaces: lab)]
        #expect(try Self.assertions(rules, "lab-1").count == 1)
        #expect(try Self.assertions(rules, "prod").isEmpty)
    }

    @Test func aPatternFindsTheDotOfAnInterface() throws {
        let rule = try Self.rule("r", [("net.ipv4.conf.*.rp_filter", "1"), ("net.ipv4.conf.eth0/100.rp_filter", "2")])
        #expect(
            try Self.shown(Self.assertions([rule])) == [
                "r net.ipv4.conf.all.rp_filter 1 config 1", "r net.ipv4.conf.eth0/100.rp_filter 2 config 2",
            ])
    }

    @Test func declaredValues() throws {
        let assertions = try Self.assertions(
            [.asDeclared],
            declared: ["net.ipv4.tcp_keepalive_time": "600", "net.ipv4.ip_local_reserved_ports": "5,1-3"])
        #expect(
            Self.shown(assertions) == [
                "as-declared net.ipv4.ip_local_reserved_ports 5,1-3 declared 3",
                "as-declared net.ipv4.tcp_keepalive_time 600 declared 5",
            ])
        #expect(assertions.allSatisfy { $0.severity == .critical && $0.isNamed })
        let value = Array("1-3,5".utf8)
        #expect(assertions[0].check.evaluate(value.span) == .matched)
        #expect(try Self.assertions([.asDeclared]).isEmpty)
    }

    @Test func whatHasToBeRead() throws {
        let configuration = DriftConfiguration(rules: [
            .asDeclared, try Self.rule("a", [("net.ipv4.tcp_*", "1"), ("net.core.somaxconn", "1")]),
            Rule(
                name: "b", content: .sysctls([.init(try SysctlPattern("net.core.somaxconn"), .sameAs(.fresh))])),
        ])
        #expect(configuration.sysctls.map(\.description) == ["net.ipv4.tcp_*", "net.core.somaxconn"])
        #expect(configuration.references == [.fresh])
        #expect(try Self.assertions(configuration.rules).last?.source == .fresh)
    }

    @Test func aCacheGivesWhatTheRulesGive() throws {
        let lab = NamespaceMatcher([.name: [try TextPattern("lab*")]])
        let rules = RuleSet(
            DriftConfiguration(rules: [try Self.rule("a", [("net.core.somaxconn", "1")], namespaces: lab), .asDeclared])
        )
        var cache = AssertionCache(rules) { assertions, _ in assertions }
        let table = try Self.table()
        let declared = [try SysctlName("net.ipv4.tcp_keepalive_time"): "600"]
        for name in ["lab-1", "lab-2", "prod", "lab-1"] {
            for said in [[:], declared] {
                let identity = NamespaceIdentity(name: name)
                let cached = cache.list(for: identity, table: table, declared: said)
                let made = rules.assertions(for: identity, table: table, declared: said)
                #expect(Self.shown(cached) == Self.shown(made))
            }
        }
    }
}

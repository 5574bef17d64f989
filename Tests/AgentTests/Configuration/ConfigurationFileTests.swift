import Foundation
import NetnsCore
import Testing

@testable import Agent

private func parse(_ yaml: String, file: String = "dir/netdrift.yml") throws -> Configuration {
    try ConfigurationFile.parse(Array(yaml.utf8), file: file)
}

private func mistakes(_ yaml: String) throws -> [String] {
    let error = try #require(throws: ConfigurationError.self) { try parse(yaml) }
    return error.issues.map(\.description)
}

@Suite struct ConfigurationFileTests {
    @Test(arguments: ConfigurationExamples.right)
    func rightFiles(_ yaml: String) throws { _ = try parse(yaml) }

    @Test(arguments: ConfigurationExamples.wrong)
    func wrongFiles(_ example: ConfigurationExamples.Wrong) throws {
        let messages = try mistakes(example.yaml)
        #expect(messages.first?.hasPrefix("dir/netdrift.yml:") == true)
        #expect(messages.contains { $0.contains(example.part) }, "\(messages)")
    }

    @Test(arguments: ["", "# nothing\n", "{}", "null\n", "expectations:\nprobes:\n"])
    func anEmptyFileIsNone(_ yaml: String) throws {
        #expect(try parse(yaml) == Configuration())
        #expect(Configuration().drift.rules == [.asDeclared])
        #expect(Configuration().probes == [.gateway])
    }

    @Test func everyPartIsRead() throws {
        let configuration = try parse(
            """
            namespaces: { include: ["*"], exclude: ["lab-*"] }
            sysctls: [ "net.ipv4.tcp_keepalive_*", net.core.somaxconn ]
            baseline: state.yml
            expectations:
              - rule: keepalive
                namespaces: { name: "*", origin: process, pod_namespace: "prod-*" }
                severity: info
                sysctls:
                  net.ipv4.tcp_keepalive_time: 600
                  net.core.somaxconn: ">= 4096"
                  net.ipv4.tcp_congestion_control: { one_of: [bbr, cubic] }
                  net.ipv4.tcp_rmem: [4096, 131072, ">= 6291456"]
                  net.ipv4.tcp_fin_timeout: { same_as: host }
                  net.ipv4.conf.*.rp_filter: { not: 0 }
              - rule: as-declared
                declared: true
                severity: warning
            probes:
              - { name: api, kind: tcp, target: "192.0.2.10:443", namespaces: { pod_namespace: "prod-*" } }
              - { name: dns, kind: dns, target: resolver, query: kubernetes.default.svc., interval: 500ms }
            """)
        #expect(configuration.include.map(\.description) == ["*"])
        #expect(configuration.exclude.map(\.description) == ["lab-*"])
        #expect(configuration.sysctls.map(\.description) == ["net.ipv4.tcp_keepalive_*", "net.core.somaxconn"])
        #expect(configuration.baseline == "dir/state.yml")
        let rules = configuration.drift.rules
        #expect(rules.map(\.name) == ["keepalive", "as-declared"])
        #expect(rules.map(\.severity) == [.info, .warning])
        #expect(rules[1].content == .declared)
        #expect(
            rules[0].namespaces.patterns.mapValues { $0.map(\.description) } == [
                .name: ["*"], .origin: ["process"], .podNamespace: ["prod-*"],
            ])
        guard case .sysctls(let entries) = rules[0].content else {
            Issue.record("no sysctls")
            return
        }
        #expect(
            entries.map { "\($0.pattern): \($0.expectation)" } == [
                "net.ipv4.tcp_keepalive_time: 600", "net.core.somaxconn: >= 4096",
                "net.ipv4.tcp_congestion_control: one of bbr, cubic", "net.ipv4.tcp_rmem: 4096 131072 >=6291456",
                "net.ipv4.tcp_fin_timeout: same as host", "net.ipv4.conf.*.rp_filter: not 0",
            ])
        #expect(
            configuration.probes == [
                Probe(
                    name: "api", kind: .tcp, target: .host("192.0.2.10", port: 443),
                    namespaces: NamespaceMatcher([.podNamespace: [try TextPattern("prod-*")]])),
                Probe(
                    name: "dns", kind: .dns, target: .resolver, interval: 0.5, timeout: 0.5,
                    query: "kubernetes.default.svc."),
            ])
    }

    @Test func whatIsDeclaredIsExpectedUnlessTheFileSaysOtherwise() throws {
        let one = ConfigurationExamples.expecting("1")
        #expect(try parse(one).drift.rules.map(\.name) == ["r", "as-declared"])
        #expect(try parse(one + "  - {rule: d, declared: true}\n").drift.rules.map(\.name) == ["r", "d"])
        #expect(try parse(one + "  - {rule: d, declared: false}\n").drift.rules.map(\.name) == ["r"])
    }

    @Test func oneRunTellsEveryMistakeInOrder() throws {
        let messages = try mistakes(
            """
            expectations:
              - rule: a
                severty: info
                sysctls: { net.ipv4.x: yes, kernel.y: 1 }
              - declared: maybe
            namespace: 5
            probes: [ { name: a, kind: icmp } ]
            """)
        #expect(
            messages.map { $0.split(separator: " ")[0] } == [
                "dir/netdrift.yml:3:5:", "dir/netdrift.yml:4:28:", "dir/netdrift.yml:4:33:", "dir/netdrift.yml:5:5:",
                "dir/netdrift.yml:5:15:", "dir/netdrift.yml:6:1:", "dir/netdrift.yml:7:11:",
            ])
    }

    @Test func aliasesStandForValues() throws {
        let configuration = try parse(
            """
            expectations:
              - { rule: a, namespaces: &n { name: x }, sysctls: &s { net.x: 1 } }
              - { rule: b, namespaces: *n, sysctls: *s }
            """)
        #expect(configuration.drift.rules[0].content == configuration.drift.rules[1].content)
        #expect(configuration.drift.rules[0].namespaces == configuration.drift.rules[1].namespaces)
    }

    /// Aliases of aliases: 10^10 values in a few lines, as values and, worse, as keys.
    @Test(arguments: ["sysctls: *l9\n", "? *l9\n: 1\n", "*l9 : 1\n", "{ *l9: 1 }\n", "{[*l9]: 1}\n"])
    func aliasesDoNotExplode(_ end: String) throws {
        var yaml = "l0: &l0 [a, a, a, a, a, a, a, a, a, a]\n"
        for level in 1...9 {
            let before = Array(repeating: "*l\(level - 1)", count: 10).joined(separator: ", ")
            yaml += "l\(level): &l\(level) [\(before)]\n"
        }
        let messages = try mistakes(yaml + end)
        #expect(messages.count == 1)
        #expect(
            messages[0].contains("more than 200000 values") || messages[0].contains("a key is a word"), "\(messages)")
    }

    /// A chain of aliases, each level some brackets deeper: freeing it level by level would run off the stack.
    @Test(arguments: [(40000, 1), (500, 900), (190, 40)])
    func aliasesAreNotNestedDeep(_ links: Int, _ brackets: Int) throws {
        let (open, close) = (String(repeating: "[", count: brackets), String(repeating: "]", count: brackets))
        var yaml = "l0: &l0 [a]\n"
        for link in 1..<links { yaml += "l\(link): &l\(link) \(open)*l\(link - 1)\(close)\n" }
        let messages = try mistakes(yaml)
        #expect(messages[0].contains("at most 200 aliases") || messages[0].contains("nested too deep"), "\(messages)")
    }

    @Test func quotesHideWhatIsNoKey() throws {
        let yaml = """
            expectations:
              - { rule: a, namespaces: &n { name: "~[a-z]:? x" }, sysctls: { net.x: 1 } }
              - { rule: b, namespaces: *n, sysctls: { net.x: 1 } }
            probes: [ { name: v6, kind: tcp, target: "[2001:db8::1]:443" } ] # {a}: ?
            """
        #expect(try parse(yaml).drift.rules.count == 3)
    }

    @Test func whatIsNoTextIsRefusedWithItsPlace() throws {
        func message(_ bytes: [UInt8]) throws -> String {
            try #require(throws: ConfigurationError.self) { try ConfigurationFile.parse(bytes, file: "f") }.description
        }
        #expect(try message(Array("a: 1\nb: ".utf8) + [0xFF]) == "f:2:4: the file is not UTF-8")
        #expect(try message(Array("a: \u{0}".utf8)) == "f:1:4: the character U+0 may not stand here")
        #expect(
            try message([UInt8](repeating: 0x20, count: 1 << 20) + [0x0A]) == "f:1:1: the file is longer than 1 MiB")
        #expect(try message(Array(repeating: UInt8(ascii: "["), count: 1 << 19)).hasPrefix("f:1:"))
        #expect(try ConfigurationFile.parse([0xEF, 0xBB, 0xBF] + Array("{}\r\n".utf8), file: "f") == Configuration())
    }

    @Test(arguments: [("a/b.yml", "s.yml", "a/s.yml"), ("b.yml", "s.yml", "s.yml"), ("/a/b.yml", "/s.yml", "/s.yml")])
    func aBaselineIsBesideItsFile(_ file: String, _ path: String, _ expected: String) throws {
        #expect(try parse("baseline: \(path)\n", file: file).baseline == expected)
    }

    @Test(
        arguments: [
            ("severty", "severity", 1), ("pods", "pod", 1), ("", "abc", 3), ("ab", "ba", 1), ("kitten", "sitting", 3),
            ("same", "same", 0),
        ] as [(String, String, Int)])
    func editDistance(_ a: String, _ b: String, _ distance: Int) {
        #expect(EditDistance.distance(a, b) == distance)
        #expect(EditDistance.distance(b, a) == distance)
    }
}

@Suite struct BaselineFileTests {
    private static func parse(_ yaml: String) throws -> Baseline {
        try ConfigurationFile.parseBaseline(Array(yaml.utf8), file: "s.yml")
    }

    @Test func valuesAreRead() throws {
        let baseline = try Self.parse(
            "version: 1\nnamespaces:\n  host: {net.ipv4.x: 1\\t2, net.ipv4.y: \"\"}\n  a/b: {net.ipv4.conf.eth0/1.x: 010}\n"
        )
        #expect(baseline.value(of: try SysctlName("net.ipv4.x"), in: "host") == "1\\t2")
        #expect(baseline.value(of: try SysctlName("net.ipv4.y"), in: "host") == "")
        #expect(baseline.value(of: try SysctlName("net.ipv4.conf.eth0/1.x"), in: "a/b") == "010")
        #expect(baseline.value(of: try SysctlName("net.ipv4.x"), in: "a/b") == nil)
    }

    @Test(
        arguments: [
            ("", "s.yml:1:1: a saved state begins with version: 1"), ("version: 2\n", "is not version 1"),
            ("version: 1\nnamespace: {}\n", "did you mean 'namespaces'?"),
            (
                "version: 1\nnamespaces: {a: {kernel.x: 1}}\n",
                "2:18: namespaces.a.kernel.x: 'kernel.x' is not a network"
            ),
            ("version: 1\nnamespaces: {a: {net.x: [1]}}\n", "missing"), ("version: 1\nnamespaces: {a: 5}\n", "a map"),
        ] as [(String, String)])
    func mistakes(_ yaml: String, _ part: String) throws {
        let error = try #require(throws: ConfigurationError.self) { try Self.parse(yaml) }
        #expect(error.description.contains(part), "\(error)")
    }

    /// What `check --save` writes of a large host is longer than what a person writes, and loads again.
    @Test func aSavedStateOfManyNamespaces() throws {
        let sysctls = (0..<50).map { "    \"net.ipv4.tcp_keepalive_number\($0)\": \"4096 131072\"\n" }.joined()
        let text =
            "version: 1\nnamespaces:\n" + (0..<500).map { "  \"container-\($0)\":\n\(sysctls)" }.joined()
        #expect(text.utf8.count > 1 << 20)
        let baseline = try ConfigurationFile.parseBaseline(Array(text.utf8), file: "state.yml")
        #expect(baseline.namespaces.count == 500)
        let name = try SysctlName("net.ipv4.tcp_keepalive_number49")
        #expect(baseline.value(of: name, in: "container-499") == "4096 131072")
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationFile.parse(Array(text.utf8), file: "netdrift.yml")
        }
        #expect(error?.issues.first?.message == "the file is longer than 1 MiB")
    }
}

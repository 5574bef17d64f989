/// Files that are right and files that are not: for the parser and for the schema.
enum ConfigurationExamples {
    /// A mistake, with the part of a message that names it.
    struct Wrong: Sendable {
        let yaml: String
        /// What the first message contains.
        let part: String
        /// Whether a schema can tell, too.
        let schemaTells: Bool

        init(_ yaml: String, _ part: String, schema: Bool = true) {
            self.yaml = yaml
            self.part = part
            schemaTells = schema
        }
    }

    /// A rule with one sysctl.
    static func expecting(_ value: String, of sysctl: String = "net.ipv4.x") -> String {
        "expectations:\n  - rule: r\n    sysctls:\n      \(sysctl): \(value)\n"
    }

    static let right: [String] = [
        "", "# nothing\n", "---\n", "null\n", "{}\n", "sysctls:\n", "namespaces: {}\n", "namespaces: {include: lab}\n",
        "namespaces: {include: [], exclude: ['a', \"b*\"]}\n", "sysctls: net.ipv4.tcp_*\n", "baseline: state.yml\n",
        "baseline: state.yml\n" + expecting("{same_as: baseline}"), "expectations: []\n", "probes: []\n",
        "expectations:\n  - {rule: a, declared: true}\n", "expectations:\n  - {rule: as-declared, declared: false}\n",
        "expectations:\n  - {rule: a, severity: info, sysctls: {net.x: 1}}\n  - {rule: b, sysctls: {net.x: 2}}\n",
        expecting("600"), expecting("'600'"), expecting("\">= 4096\""), expecting("0x10"), expecting("-1"),
        expecting("18446744073709551615"), expecting("1024..65535"), expecting("4096 131072 >=6291456"),
        expecting("[1, 2, \"> 3\"]"), expecting("{one_of: [bbr, \"4 5\", [1, 2]]}"), expecting("{not: 0}"),
        expecting("{not: {one_of: [1, 2]}}"), expecting("{same_as: fresh}"), expecting("\"\""),
        expecting("[8080, 9000-9010]", of: "net.ipv4.ip_local_reserved_ports"),
        expecting("1", of: "net.ipv4.conf.*.rp_filter"), expecting("1", of: "net.ipv4.conf.eth0/100.rp_filter"),
        "expectations:\n  - {rule: a, sysctls: {net.x: 1}, namespaces: {name: ['~a.*', b], origin: fd}}\n",
        "probes:\n  - {name: a, kind: icmp, target: gateway, interval: 1m30s, timeout: 500ms, count: 3}\n",
        "probes:\n  - {name: a, kind: icmp, target: '2001:db8::1'}\n",
        "probes:\n  - {name: a, kind: tcp, target: '[2001:db8::1]:443', interval: 500ms}\n",
        "probes:\n  - {name: a, kind: tcp, target: example.org:80}\n",
        "probes:\n  - {name: a, kind: dns, target: '192.0.2.1:53', query: example.org, query_type: AAAA}\n",
    ]

    static let wrong: [Wrong] = [
        Wrong("5\n", "1:1: a map is wanted here, not a text"), Wrong("[]\n", "1:1: a map is wanted here, not a list"),
        Wrong("expectation: []\n", "1:1: expectation: unknown key 'expectation', did you mean 'expectations'?"),
        Wrong("nonsense: 1\n", "unknown key 'nonsense': it is one of namespaces, sysctls"),
        Wrong("sysctls: []\nsysctls: []\n", "1:1: the key 'sysctls' is given twice", schema: false),
        Wrong("expectations:\n  - <<: {rule: a}\n", "merge keys are no part", schema: false),
        Wrong("? [a]\n: 1\n", "a key is a word, not a list", schema: false),
        Wrong("{}\n---\n{}\n", "2:1: a second document begins here", schema: false),
        Wrong("sysctls: *-all\n", "put a pattern that begins with * into quotes", schema: false),
        Wrong("a: [\n", "not YAML", schema: false), Wrong("a\tb: \u{1}\n", "the character U+1 may not", schema: false),
        Wrong("namespaces: 5\n", "1:13: namespaces: a map is wanted"),
        Wrong("namespaces: {includes: []}\n", "did you mean 'include'?"),
        Wrong("namespaces: {include: {a: b}}\n", "namespaces.include: a list is wanted here, not a map"),
        Wrong("namespaces: {include: [\"\"]}\n", "1:24: namespaces.include[0]: it is empty"),
        Wrong("sysctls: [kernel.x]\n", "1:11: sysctls[0]: 'kernel.x' is not a network sysctl"),
        Wrong("sysctls: [net..x]\n", "empty or impossible component"), Wrong("sysctls: [[]]\n", "a text is wanted"),
        Wrong("sysctls: [net.ipv4.tcp_fastopen_key]\n", "is a key, which is never read", schema: false),
        Wrong("expectations: {}\n", "1:15: expectations: a list is wanted here, not a map"),
        Wrong("expectations:\n  - {sysctls: {net.x: 1}}\n", "2:5: expectations[0]: a rule has a name"),
        Wrong("expectations:\n  - {rule: a}\n", "write sysctls: or declared: true"),
        Wrong("expectations:\n  - {rule: \" \", declared: true}\n", "2:12: expectations[0].rule: it is empty"),
        Wrong("expectations:\n  - {rule: \"a\\nb\", declared: true}\n", "without control characters", schema: false),
        Wrong(
            "expectations:\n  - {rule: a, declared: true}\n  - {rule: a, sysctls: {net.x: 1}}\n",
            "3:12: expectations[1].rule: there is another rule 'a'", schema: false),
        Wrong("expectations:\n  - {rule: as-declared, sysctls: {net.x: 1}}\n", "on by default", schema: false),
        Wrong("expectations:\n  - {rule: a, declared: yes}\n", "write true or false", schema: false),
        Wrong("expectations:\n  - {rule: a, declared: 1.5}\n", "write true or false"),
        Wrong("expectations:\n  - {rule: a, declared: true, sysctls: {net.x: 1}}\n", "put sysctls into a rule"),
        Wrong("expectations:\n  - {rule: a, severity: warn, declared: true}\n", "'warn' is none of them"),
        Wrong("expectations:\n  - {rule: a, severty: info, declared: true}\n", "did you mean 'severity'?"),
        Wrong("expectations:\n  - {rule: a, sysctls: {}}\n", "expects nothing"),
        Wrong("expectations:\n  - {rule: a, sysctls: {net.x: 1}, namespaces: {pods: a}}\n", "did you mean 'pod'?"),
        Wrong(
            "expectations:\n  - {rule: a, sysctls: {net.x: 1}, namespaces: {name: \"~[\"}}\n",
            "2:55: expectations[0].namespaces.name: '[' is no regular expression", schema: false),
        Wrong("expectations:\n  - {rule: a, sysctls: {net.x: 1}, namespaces: {name: []}}\n", "list of nothing"),
        Wrong(
            "expectations:\n  - {rule: a, sysctls: {net.x: 1}, namespaces: {origin: proces}}\n",
            "'proces' is no origin, did you mean 'process'?", schema: false),
        Wrong("expectations:\n  - {rule: a, sysctls: {net.x: 1}, namespaces: prod}\n", "a map is wanted"),
        Wrong(expecting("1", of: "kernel.x"), "4:7: expectations[0].sysctls.kernel.x: 'kernel.x' is not a network"),
        Wrong(expecting("1", of: "net.ipv6.conf.all.stable_secret"), "never read", schema: false),
        Wrong(expecting(""), "what is expected is missing"), Wrong(expecting("~"), "what is expected is missing"),
        Wrong(expecting("yes"), "4:19: expectations[0].sysctls.net.ipv4.x: 'yes' is no value of a sysctl: write 1"),
        Wrong(expecting("1_000"), "no number to the kernel", schema: false),
        Wrong(expecting("1e3"), "no number to the kernel", schema: false),
        Wrong(expecting("1.5"), "no number to the kernel"), Wrong(expecting("010"), "octal", schema: false),
        Wrong(expecting("0o10"), "no number to the kernel", schema: false),
        Wrong(expecting("18446744073709551616"), "64 bits", schema: false),
        Wrong(expecting(">= 5"), "put a text that begins with > into quotes", schema: false),
        Wrong(expecting(">5"), "put a text that begins with > into quotes", schema: false),
        Wrong(expecting("!= 0"), "put a text that begins with ! into quotes", schema: false),
        Wrong(expecting("\">= bbr\""), "compares numbers, and 'bbr' is none", schema: false),
        Wrong(expecting("9..1"), "runs backwards: write 1..9", schema: false),
        Wrong(expecting("[]"), "a list of nothing"), Wrong(expecting("[[1]]"), "not a list"),
        Wrong(expecting("[1 2]"), "several elements", schema: false), Wrong(expecting("[~]"), "missing"),
        Wrong(expecting("{}"), "write one of one_of, not, same_as"),
        Wrong(expecting("{not: 1, one_of: [1]}"), "write one of one_of, not, same_as"),
        Wrong(expecting("{no: 1}"), "did you mean 'not'?"), Wrong(expecting("{one_of: []}"), "one of nothing"),
        Wrong(expecting("{one_of: bbr}"), "a list is wanted"),
        Wrong(expecting("{same_as: hots}"), "did you mean 'host'?"),
        Wrong(expecting("{not: {same_as: host}}"), "stands on its own"),
        Wrong(expecting("{same_as: baseline}"), "no saved state", schema: false),
        Wrong(expecting("\"> 5\"", of: "net.ipv4.tcp_congestion_control"), "is text", schema: false),
        Wrong(expecting("http", of: "net.ipv4.ip_local_reserved_ports"), "no list of ports", schema: false),
        Wrong("baseline: []\n", "a text is wanted"), Wrong("probes: {}\n", "a list is wanted"),
        Wrong("probes:\n  - {kind: icmp, target: gateway}\n", "2:5: probes[0]: a probe has a name"),
        Wrong("probes:\n  - {name: a, kind: ping, target: gateway}\n", "'ping' is none of them"),
        Wrong("probes:\n  - {name: a, kind: tcp, target: gateway}\n", "needs a port"),
        Wrong("probes:\n  - {name: a, kind: tcp, target: 'a:0'}\n", "cannot be reached by tcp", schema: false),
        Wrong("probes:\n  - {name: a, kind: tcp, target: 'a:65536'}\n", "cannot be reached by tcp", schema: false),
        Wrong("probes:\n  - {name: a, kind: icmp, target: 'a b'}\n", "cannot be reached by icmp", schema: false),
        Wrong("probes:\n  - {name: a, kind: icmp, target: 'a:5'}\n", "cannot be reached by icmp", schema: false),
        Wrong("probes:\n  - {name: a, kind: dns, target: resolver}\n", "has a query"),
        Wrong(
            "probes:\n  - {name: a, kind: dns, target: resolver, query: 'a..b'}\n", "no name of the DNS", schema: false),
        Wrong("probes:\n  - {name: a, kind: icmp, target: gateway, query: a}\n", "only a probe of kind dns has it"),
        Wrong("probes:\n  - {name: a, kind: icmp, target: gateway, interval: 0}\n", "out of bounds: it is 100ms to 1d"),
        Wrong("probes:\n  - {name: a, kind: icmp, target: gateway, interval: 5}\n", "no length of time"),
        Wrong(
            "probes:\n  - {name: a, kind: icmp, target: gateway, timeout: 6s}\n", "longer than the interval",
            schema: false),
        Wrong("probes:\n  - {name: a, kind: icmp, target: gateway, timeout: 0s}\n", "out of bounds", schema: false),
        Wrong("probes:\n  - {name: a, kind: icmp, target: gateway, count: 0}\n", "from 1 to 100"),
        Wrong(
            "probes:\n  - {name: a, kind: icmp, target: gateway}\n  - {name: a, kind: icmp, target: b}\n",
            "3:5: probes[1]: there is another probe 'a'", schema: false),
    ]
}

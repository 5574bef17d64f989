internal import NetnsCore
internal import NetnsSystem

/// Writes a configuration from what the host has now: read again at once, nothing of it has drifted.
enum ConfigurationWriter {
    /// The host's own sysctls, beside the built-in list, that people set and that no other namespace has.
    private static let hostOnly = [
        "net.core.default_qdisc", "net.core.netdev_max_backlog", "net.core.rmem_default", "net.core.rmem_max",
        "net.core.wmem_default", "net.core.wmem_max",
    ]

    /// The headings, each with what its sysctls' names begin with; what fits none comes last.
    private static let groups: [(title: String, prefixes: [String])] = [
        ("Sockets and queues", ["net.core."]), ("TCP", ["net.ipv4.tcp_"]),
        ("What interfaces begin with", ["net.ipv4.conf.", "net.ipv6.conf."]),
        ("Connection tracking", ["net.netfilter."]), ("IPv4", ["net.ipv4."]), ("IPv6", ["net.ipv6."]),
        ("Others", [""]),
    ]

    /// The file. `fresh` is what a new namespace has, nil when none could be made; `kernel` is its release.
    static func text(host: SysctlSurvey, fresh: SysctlSurvey?, kernel: String) -> String {
        var left = chosen(host, fresh)
        var text = """
            # netdrift.yml, written by netdrift config init on Linux \(kernel): what the host had then.
            # Take out what may change, and see docs/configuration.md for all that can be said.

            expectations:
              - rule: host
                namespaces: { name: host }
                severity: warning
                sysctls:

            """
        for group in groups {
            let names = left.filter { name in group.prefixes.contains { name.dotted.hasPrefix($0) } }
            left.removeAll { names.contains($0) }
            guard !names.isEmpty else { continue }
            text += "      # \(group.title)\n"
            for name in names { text += line(name, host, fresh) }
        }
        return text + """

              # Containers: what each declared is expected of it without being said (rule as-declared). More of them, for
              # example that none keeps an idle connection longer than ten minutes:
              # - rule: keepalive
              #   namespaces: { runtime: "*", pod_namespace: "prod-*" }
              #   severity: warning
              #   sysctls:
              #     net.ipv4.tcp_keepalive_time: "<= 600"
              #     net.ipv4.tcp_congestion_control: { same_as: host }

            """
    }

    /// What is worth expecting of the host, sorted: the built-in list, what only the host has and people set, and what is
    /// not as a new namespace would have it.
    private static func chosen(_ host: SysctlSurvey, _ fresh: SysctlSurvey?) -> [SysctlName] {
        var names = Set(BuiltinSysctls.names)
        names.formUnion(hostOnly.compactMap { try? SysctlName($0) })
        if let fresh {
            for (name, entry) in host.values where name.device == nil {
                guard let mine = entry.text, let theirs = fresh.text(of: name) else { continue }
                if !areEqual(name, mine, theirs) { names.insert(name) }
            }
        }
        return names.filter { name in
            guard let entry = host.values[name], let value = entry.text else { return false }
            return entry.isWritable && comesBack(name, value)
        }.sorted { $0.dotted < $1.dotted }
    }

    private static func line(_ name: SysctlName, _ host: SysctlSurvey, _ fresh: SysctlSurvey?) -> String {
        guard let value = host.text(of: name) else { return "" }
        var line = "      \(name): \(Remedy.doubleQuoted(value))"
        if let other = fresh?.text(of: name), !areEqual(name, value, other) {
            line += "  # a new namespace has \(other.isEmpty ? "none" : other)"
        }
        return line + "\n"
    }

    private static func areEqual(_ name: SysctlName, _ a: String, _ b: String) -> Bool {
        SysctlInterpretation(name).areEqual(a.utf8Span.span, b.utf8Span.span)
    }

    /// Whether the file would mean this value: it stands for itself as an expectation, and its name is a plain one.
    private static func comesBack(_ name: SysctlName, _ value: String) -> Bool {
        let isPlain = name.dotted.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: "._-/".utf8.contains(byte)
            }
        }
        guard isPlain, !value.contains("\\x"), let pattern = try? SysctlPattern(name.dotted),
            let expectation = try? Expectation(value), (try? expectation.validate(for: pattern)) != nil
        else { return false }
        return Check(expectation, for: name).evaluate(value.utf8Span.span) == .matched
    }
}

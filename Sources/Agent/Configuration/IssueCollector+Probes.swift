internal import NetnsCore

/// Probes.
extension IssueCollector {
    mutating func probes(_ value: YAMLValue, _ path: KeyPath) -> [Probe] {
        var probes: [Probe] = []
        var names: Set<String> = []
        for (value, path) in items(value, path) ?? [] {
            guard let probe = probe(value, path) else { continue }
            if !names.insert(probe.name).inserted {
                add("there is another probe '\(Self.quoted(probe.name))'", value, path)
            }
            probes.append(probe)
        }
        return probes
    }

    private mutating func probe(_ value: YAMLValue, _ path: KeyPath) -> Probe? {
        let known = [
            "name", "kind", "target", "interval", "timeout", "count", "query", "query_type", "namespaces",
        ]
        guard let fields = fields(value, path, known: known) else { return nil }
        func field(_ name: String) -> Field? { fields.first { $0.name == name } }
        let before = issues.count
        for name in ["name", "kind", "target"] where field(name) == nil {
            add("a probe has a \(name)", value, path)
        }
        let name = field("name").flatMap { self.name($0.value, $0.path) }
        let kind: Probe.Kind? = field("kind").flatMap { choice($0.value, $0.path) }
        let target = field("target").flatMap { field in kind.flatMap { self.target(field.value, field.path, of: $0) } }
        guard issues.count == before, let name, let kind, let target else { return nil }

        var probe = Probe(name: name, kind: kind, target: target)
        if let field = field("interval") {
            probe.interval = duration(field.value, field.path, 0.1...86400, "100ms to 1d") ?? probe.interval
        }
        probe.timeout = min(probe.timeout, probe.interval)
        if let field = field("timeout") {
            probe.timeout = duration(field.value, field.path, 0.001...86400, "1ms to 1d") ?? probe.timeout
            if probe.timeout > probe.interval {
                add("a try may not take longer than the interval, \(probe.interval) s", field.value, field.path)
            }
        }
        for (name, owner) in [("count", Probe.Kind.icmp), ("query", .dns), ("query_type", .dns)] {
            if let field = field(name), kind != owner {
                add("only a probe of kind \(owner.rawValue) has it", field.key, field.path)
            }
        }
        if let field = field("count") { probe.count = integer(field.value, field.path, 1...100) ?? probe.count }
        if let field = field("query_type") { probe.queryType = choice(field.value, field.path) ?? probe.queryType }
        if let field = field("query") {
            probe.query = text(field.value, field.path)
            if let query = probe.query, !Self.isHostName(query) {
                add("'\(Self.quoted(query))' is no name of the DNS", field.value, field.path)
            }
        } else if kind == .dns {
            add("a probe of kind dns has a query: the name to ask for", value, path)
        }
        if let field = field("namespaces") { probe.namespaces = matcher(field.value, field.path) }
        return probe
    }

    private mutating func target(_ value: YAMLValue, _ path: KeyPath, of kind: Probe.Kind) -> Probe.Target? {
        guard let text = text(value, path) else { return nil }
        switch (kind, text) {
        case (.icmp, "gateway"): return .gateway
        case (.dns, "resolver"): return .resolver
        case (.icmp, "peer"): return .peer
        case (.icmp, "host"): return .ownHost
        default: break
        }
        guard let target = Self.host(text, allowsPort: kind != .icmp) else {
            let example =
                switch kind {
                case .icmp: "gateway, peer, host, a host's name or an address"
                case .tcp: "HOST:PORT, as in 192.0.2.10:443 or [2001:db8::1]:443"
                case .dns: "resolver, ADDRESS or ADDRESS:PORT"
                }
            add("'\(Self.quoted(text))' cannot be reached by \(kind.rawValue): write \(example)", value, path)
            return nil
        }
        if let address = IPAddress(target.name), !address.isOfOneHost {
            add("\(address) is no address of one host: nobody answers for it alone", value, path)
            return nil
        }
        if kind == .tcp, target.port == nil {
            add("a probe of kind tcp needs a port, as in 192.0.2.10:443", value, path)
            return nil
        }
        return .host(target.name, port: target.port)
    }

    /// `HOST`, `HOST:PORT`, `[IPV6]:PORT` or an IPv6 address; nil for anything else, and for a port outside 1 to 65535.
    private static func host(_ text: String, allowsPort: Bool) -> (name: String, port: UInt16?)? {
        let bytes = Array(text.utf8)
        let colon = UInt8(ascii: ":")
        if bytes.first == UInt8(ascii: "[") {
            guard let end = bytes.firstIndex(of: UInt8(ascii: "]")), isIPv6(bytes[1..<end]) else { return nil }
            let name = String(decoding: bytes[1..<end], as: UTF8.self)
            if end == bytes.count - 1 { return (name, nil) }
            guard allowsPort, bytes[end + 1] == colon, let port = port(bytes[(end + 2)...]) else { return nil }
            return (name, port)
        }
        switch bytes.count(where: { $0 == colon }) {
        case 0: return isHostName(text) ? (text, nil) : nil
        case 1:
            guard let at = bytes.firstIndex(of: colon), allowsPort, let port = port(bytes[(at + 1)...]) else {
                return nil
            }
            let name = String(decoding: bytes[..<at], as: UTF8.self)
            return isHostName(name) ? (name, port) : nil
        default: return isIPv6(bytes[...]) ? (text, nil) : nil
        }
    }

    private static func port(_ digits: ArraySlice<UInt8>) -> UInt16? {
        guard !digits.isEmpty, digits.allSatisfy({ $0 &- 0x30 < 10 }) else { return nil }
        return UInt16(String(decoding: digits, as: UTF8.self)).flatMap { $0 == 0 ? nil : $0 }
    }

    /// Whether it looks like an IPv6 address, with a zone or without; who connects has the last word.
    private static func isIPv6(_ bytes: ArraySlice<UInt8>) -> Bool {
        let address = bytes.prefix { $0 != UInt8(ascii: "%") }
        return address.count(where: { $0 == UInt8(ascii: ":") }) >= 2
            && address.allSatisfy { ":.0123456789abcdefABCDEF".utf8.contains($0) }
            && bytes.dropFirst(address.count).allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    /// Labels of letters, digits, `-` and `_` with dots between, and one behind where it is wanted. Source: RFC 1123,
    /// RFC 2782.
    private static func isHostName(_ text: String) -> Bool {
        var labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        if labels.count > 1, labels.last?.isEmpty == true { labels.removeLast() }
        guard text.utf8.count <= 254 else { return false }
        return labels.allSatisfy { label in
            !label.isEmpty && label.count <= 63
                && label.allSatisfy { byte in
                    switch byte {
                    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"): true
                    default: false
                    }
                }
        }
    }
}

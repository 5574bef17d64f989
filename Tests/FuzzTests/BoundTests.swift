import FuzzTargets
import Testing

/// Inputs that are made to take long: a parser whose work grows with more than the input's length does not come to an end
/// within the limit, which is no measure of speed.
@Suite(.timeLimit(.minutes(3))) struct BoundTests {
    private static func feed(_ names: String..., bytes: [UInt8]) {
        for target in FuzzTarget.all where names.contains(where: { target.name.hasPrefix($0) }) {
            target.run(unsafe bytes.span.bytes)
        }
    }

    private static func text(_ text: String, _ count: Int) -> [UInt8] {
        Array(String(repeating: text, count: count).utf8)
    }

    /// A quarter of a megabyte in lines, and in one line.
    @Test func longFiles() {
        for line in [
            "36 35 0:4 net:[4026532700] /run/netns/a rw shared:18 - nsfs nsfs rw\n", "\\040", "a ", " ", "0::/",
            "net:[", "1",
            "nameserver 192.0.2.1\n", "search a\n", "search a ", "192.0.2.1 api api api\n", "cpu ", "TCP: inuse 1\n",
            "\n",
        ] {
            Self.feed(
                "proc-", "resolv-conf", "hosts", "sysctl-values", "exposition",
                bytes: Self.text(line, (1 << 18) / line.utf8.count))
        }
    }

    @Test func longHeadersAndWords() {
        // libmicrohttpd takes no more than 32 KiB of headers.
        for word in ["gzip;q=0.1,", ";", ",", "a/b;version=\"", "=", "1", "*/*"] {
            Self.feed("http-headers", bytes: Self.text(word, 32768 / word.utf8.count))
        }
        for word in ["*", "*a", "[a-", "[!a]*", "?", "net.", "/", "1:", "::", "1.", "~(a*)*"] {
            Self.feed(
                "glob", "ip-address", "sysctl-name", "expectation", bytes: Self.text(word, 4096 / word.utf8.count))
        }
    }

    /// Attributes in attributes, as deep as a datagram is long, of each type.
    @Test func deepAttributes() {
        for (name, header) in [
            ("netlink-links", 16), ("netlink-path", 16), ("netlink-filter", 4), ("netlink-qdiscs", 20),
        ] {
            for type in UInt16(0)...30 {
                var attributes: [UInt8] = []
                for depth in 0..<8000 {
                    let length = (8000 - depth) * 4
                    attributes += [UInt8(truncatingIfNeeded: length), UInt8(length >> 8), UInt8(type), 0x80]
                }
                let length = 16 + header + attributes.count
                // The messages of a ruleset by their types, links by theirs.
                for message in name == "netlink-filter" ? [0, 3, 6, 9, 12] as [UInt8] : [16] {
                    let start = [
                        UInt8(truncatingIfNeeded: length), UInt8(length >> 8), 0, 0, message,
                        name == "netlink-filter" ? 10 : 0,
                    ]
                    Self.feed(
                        name,
                        bytes: start + [UInt8](repeating: 0, count: 10) + [2] + [UInt8](repeating: 0, count: header - 1)
                            + attributes)
                }
            }
        }
    }

    @Test func deepJSON() {
        for (open, close) in [("[", "]"), ("{\"linux\":", "}"), ("{\"config\":{\"labels\":[", "]}}")] {
            Self.feed(
                "container-json", bytes: Self.text(open, 100_000) + Array("1".utf8) + Self.text(close, 100_000))
        }
        Self.feed("container-json", bytes: Self.text("[", 1 << 20))
    }

    /// "A billion laughs": each line is ten times the one before it.
    @Test func aliasesOfAliases() {
        var text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
        for level in 1..<12 {
            text +=
                "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ",") + "]\n"
        }
        Self.feed("configuration", "saved-state", bytes: Array(text.utf8))
        for word in ["[", "{a: ", "- ", "? ", "&a ", "- - "] {
            Self.feed("configuration", "saved-state", bytes: Self.text(word, 100_000 / word.utf8.count))
        }
    }

    /// A name that points to a name that points to a name, and one that points to itself.
    @Test func pointersInNames() {
        let header: [UInt8] = [0, 1, 0x81, 0x80, 0, 1, 0xFF, 0xFF, 0, 0, 0, 0]
        let question = [7] + Array("example".utf8) + [3] + Array("org".utf8) + [0, 0, 1, 0, 1] as [UInt8]
        var message = header + question
        while message.count < 60_000 {
            let place = min(message.count, 0x3FFF)
            message += [
                0xC0 | UInt8(place >> 8), UInt8(truncatingIfNeeded: place), 0, 5, 0, 1, 0, 0, 0, 60, 0, 2, 0xC0, 0x0C,
            ]
        }
        Self.feed("dns", bytes: message)
        Self.feed("dns", bytes: header + question + [UInt8](repeating: 0xC0, count: 60_000))
    }
}

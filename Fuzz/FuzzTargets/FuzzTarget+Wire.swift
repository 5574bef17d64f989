internal import Agent
internal import Exposition
internal import NetnsCore
internal import Web

/// What comes over a network, and what goes out over it.
extension FuzzTarget {
    static let wire: [FuzzTarget] = [
        FuzzTarget("dns", examples: { dnsExamples }) { bytes in
            // The id that the message has is the one that was asked for: else nothing behind it would be looked at.
            let id = bytes.array.prefix(2).reduce(0) { $0 << 8 | UInt16($1) }
            for type in [Probe.QueryType.a, .aaaa, .cname, .mx] {
                guard let question = try? DNSQuestion(id: id, name: "example.org", type: type) else { continue }
                if case .answered(let addresses, _) = DNSAnswer(decoding: bytes, to: question) {
                    precondition(addresses.count <= DNSAnswer.maximumAddresses)
                }
            }
        },
        FuzzTarget(
            "icmp",
            examples: {
                [IPFamily.ipv4, .ipv6].map { EchoRequest(family: $0, identifier: 1, sequence: 2, nonce: 3).bytes }
                    .flatMap { [$0, Array([0x45] + [UInt8](repeating: 0, count: 19)) + $0] }
            }
        ) { bytes in
            for family in [IPFamily.ipv4, .ipv6] {
                _ = EchoReply(decoding: bytes, family: family, hasHeader: false)
                _ = EchoReply(decoding: bytes, family: family, hasHeader: true)
            }
        },
        FuzzTarget(
            "http-headers",
            texts: [
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                "gzip;q=1.0, identity; q=0.5, *;q=0", "deflate, gzip", "10.5", "1e400", "inf", "0x1p3", "-1",
            ]
        ) { bytes in
            let text = bytes.text
            _ = ExpositionFormat.negotiate(accept: text)
            let encoding = AcceptEncoding(text)
            precondition((0...1000).contains(encoding.gzipWeight ?? 0))
            if let seconds = ScrapeTimeout.seconds(text) { precondition(seconds > 0 && seconds <= 3600) }
        },
        FuzzTarget(
            "authorization",
            texts: ["Basic dXNlcjpwYXNzd29yZA==", "basic   Og", "Bearer abc", "Basic dTpwOnE=", "Basic w7w6w7Y="]
        ) { bytes in
            if let login = BasicCredentials(header: bytes.text) {
                precondition(!login.user.contains(":") && login.password.count < bytes.byteCount)
            }
        },
        FuzzTarget(
            "exposition", texts: ["eth0", "a\"b\\c\nd", "\u{E9}\u{65E5}\u{1F600}", "\u{0}\u{7F}\u{80}"], run: roundTrip),
    ]

    /// example.org: a name that is pointed to, an alias, an address of each family, and a name that points to itself.
    private static var dnsExamples: [[UInt8]] {
        let name: [UInt8] = [7] + Array("example".utf8) + [3] + Array("org".utf8) + [0]
        func message(_ type: UInt8, _ answers: [UInt8], _ count: UInt8) -> [UInt8] {
            [0, 1, 0x81, 0x80, 0, 1, 0, count, 0, 0, 0, 0] + name + [0, type, 0, 1] + answers
        }
        func record(_ name: [UInt8], _ type: UInt8, _ data: [UInt8]) -> [UInt8] {
            name + [0, type, 0, 1, 0, 0, 0, 60, 0, UInt8(data.count)] + data
        }
        let alias = [3] + Array("www".utf8) + [0xC0, 0x0C]
        return [
            message(1, record([0xC0, 0x0C], 1, [192, 0, 2, 1]), 1),
            message(1, record([0xC0, 0x0C], 5, alias) + record(alias, 1, [192, 0, 2, 2]), 2),
            message(28, record([0xC0, 0x0C], 28, [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 1, count: 12)), 1),
            message(15, record([0xC0, 0x0C], 15, [0, 10] + alias), 1),
            message(1, record([0xC0, 0x1D], 5, [0xC0, 0x1D]), 1),
        ]
    }

    /// A label's value is written and read again by the letter of the format: what was text comes back as it was.
    private static func roundTrip(_ bytes: borrowing RawSpan) {
        let value = bytes.array
        let buffer = ByteBuffer(capacity: 64)
        buffer.appendEscaped(value.span)
        let written = buffer.copied
        guard let text = String(validating: written, as: UTF8.self) else { preconditionFailure("no UTF-8") }
        var read: [UInt8] = []
        var bytes = text.utf8.makeIterator()
        while let byte = bytes.next() {
            precondition(byte != UInt8(ascii: "\n") && byte != UInt8(ascii: "\"") && byte != 0, "not escaped")
            guard byte == UInt8(ascii: "\\") else {
                read.append(byte)
                continue
            }
            switch bytes.next() {
            case UInt8(ascii: "n"): read.append(UInt8(ascii: "\n"))
            case UInt8(ascii: "\""): read.append(UInt8(ascii: "\""))
            case UInt8(ascii: "\\"): read.append(UInt8(ascii: "\\"))
            default: preconditionFailure("no such escape")
            }
        }
        if String(validating: value, as: UTF8.self) != nil, !value.contains(0) { precondition(read == value) }
    }
}

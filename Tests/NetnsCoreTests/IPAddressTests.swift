import Glibc
import TestSupport
import Testing

@testable import NetnsCore

@Suite struct IPAddressTests {
    private static func address(_ text: String) -> IPAddress? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let family = text.contains(":") ? AF_INET6 : AF_INET
        guard unsafe inet_pton(family, text, &bytes) == 1 else { return nil }
        if family == AF_INET { bytes.removeLast(12) }
        return unsafe IPAddress(bytes.span.bytes)
    }

    /// inet_ntop(3) of the bytes.
    private static func libcText(_ bytes: [UInt8]) -> String {
        var text = [CChar](repeating: 0, count: 64)
        _ = unsafe inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, bytes, &text, 64)
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The examples of RFC 5952 section 4, and what is special.
    @Test(arguments: [
        ("2001:0db8::0001", "2001:db8::1"), ("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:DB8::ABCD", "2001:db8::abcd"), ("::", "::"),
        ("::1", "::1"), ("1::", "1::"), ("fe80::1:0:0:0", "fe80::1:0:0:0"), ("0:0:1::", "0:0:1::"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"), ("::192.0.2.1", "::192.0.2.1"),
        ("64:ff9b::192.0.2.1", "64:ff9b::c000:201"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("198.18.5.100", "198.18.5.100"),
    ])
    func text(_ given: String, _ expected: String) throws {
        #expect(try #require(Self.address(given)).description == expected)
    }

    /// Random addresses with many zeros, and each way that groups can be zero or not.
    @Test func asInetNtop() throws {
        var generator = SplitMix64(seed: 5952)
        for round in 0..<20_000 {
            var bytes = [UInt8](repeating: 0, count: round % 8 == 7 ? 4 : 16)
            for position in bytes.indices {
                let isZero =
                    round < 256 && bytes.count == 16 ? round >> (position / 2) & 1 == 0 : Bool.random(using: &generator)
                if !isZero { bytes[position] = UInt8.random(in: 0...255, using: &generator) }
            }
            // IPv4-mapped and IPv4-compatible, which few random ones are.
            if bytes.count == 16, round % 5 == 0 {
                for position in 0..<12 { bytes[position] = position >= 10 && round % 2 == 0 ? 0xFF : 0 }
            }
            let address = try #require(unsafe IPAddress(bytes.span.bytes))
            guard address.description == Self.libcText(bytes) else {
                Issue.record("\(bytes): \(address) is \(Self.libcText(bytes))")
                return
            }
        }
    }

    @Test func lengthsAndFamilies() throws {
        for count in 0...17 {
            let bytes = [UInt8](repeating: 1, count: count)
            let address = unsafe IPAddress(bytes.span.bytes)
            #expect((address != nil) == (count == 4 || count == 16))
            if let address { #expect(address.family == (count == 4 ? .ipv4 : .ipv6)) }
        }
        #expect(IPFamily(rawValue: UInt8(AF_INET)) == .ipv4)
        #expect(IPFamily(rawValue: UInt8(AF_INET6)) == .ipv6)
    }

    @Test func order() throws {
        let sorted = try ["0.0.0.1", "198.18.0.2", "198.18.0.10", "::1", "2001:db8::1", "fe80::1"].map {
            try #require(Self.address($0))
        }
        #expect(sorted.shuffled().sorted() == sorted)
        for address in sorted { #expect(!(address < address)) }
    }

    @Test(arguments: [
        ("0.0.0.0", false), ("255.255.255.255", false), ("224.0.0.1", false), ("239.255.255.250", false), ("::", false),
        ("ff02::1", false), ("0.0.0.1", true), ("223.255.255.255", true), ("240.0.0.1", true), ("::1", true),
        ("fe80::1", true), ("2001:db8::1", true),
    ])
    func someAreOfNoHost(_ text: String, _ isOfOneHost: Bool) throws {
        #expect(try #require(IPAddress(text)).isOfOneHost == isOfOneHost)
    }
}

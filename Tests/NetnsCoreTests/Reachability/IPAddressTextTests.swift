import Glibc
import TestSupport
import Testing

@testable import NetnsCore

/// IPAddress out of text, against inet_pton(3).
@Suite struct IPAddressTextTests {
    /// Nil where inet_pton(3) takes it for no address of either family.
    private static func libc(_ text: String) -> IPAddress? {
        var bytes = [UInt8](repeating: 0, count: 16)
        if unsafe inet_pton(AF_INET, text, &bytes) == 1 { return unsafe IPAddress(bytes.span.bytes.extracting(0..<4)) }
        guard unsafe inet_pton(AF_INET6, text, &bytes) == 1 else { return nil }
        return unsafe IPAddress(bytes.span.bytes)
    }

    @Test(arguments: [
        "192.0.2.1", "0.0.0.0", "255.255.255.255", "::", "::1", "1::", "2001:db8::1", "1:2:3:4:5:6:7:8", "1::8",
        "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "::ffff:192.0.2.1", "1:2:3:4:5:6:192.0.2.1", "::192.0.2.1", "ABCD::EF01",
        "64:ff9b::192.0.2.33", "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "0001::0",
    ])
    func addresses(_ text: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address == Self.libc(text))
        #expect(IPAddress(address.description) == address)
    }

    @Test(arguments: [
        "", " ", ".", ":", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "01.2.3.4", "00.0.0.0", "1.2.3.256",
        "1.2.3.1000", " 1.2.3.4", "1.2.3.4 ", "1.2.3.4\n", "1.2.3.-4", "0x1.2.3.4", ":::", "1:", ":1", "1:2", "::1::",
        "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1::2::3", "12345::", "g::",
        "::1.2.3", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3.4.5", "fe80::1%eth0", "2001:db8::/32", "[::1]",
        "1.2.3.4:5", "::01.2.3.4", "1:2:3:4:5:6:7:8:", "0000000000000000000000000000000000000000000000::", "::é",
    ])
    func noAddresses(_ text: String) {
        #expect(IPAddress(text) == nil)
        #expect(Self.libc(text) == nil)
    }

    /// Whatever inet_pton(3) makes of it.
    @Test func mutations() {
        let seeds = ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:192.0.2.1", "1::"]
        var generator = SplitMix64(seed: 2373)
        let alphabet = Array("0123456789abcdefAF::::....g ".utf8)
        var found = 0
        for round in 0..<120_000 {
            let broken = generator.mutation(of: Array(seeds[round % seeds.count].utf8), alphabet: alphabet)
            // A C string ends at the first zero.
            let text = String(decoding: broken.filter { $0 != 0 }, as: UTF8.self)
            let address = IPAddress(text)
            if address != Self.libc(text) { Issue.record("\(text): \(address.map { "\($0)" } ?? "none")") }
            if address != nil { found += 1 }
        }
        #expect(found > 5_000 && found < 100_000)
    }

    /// Everything short out of few characters.
    @Test func short() {
        let alphabet = Array("0:.1f".utf8)
        for length in 1...7 {
            var count = 1
            for _ in 0..<length { count *= alphabet.count }
            for number in 0..<count {
                var rest = number
                let text = String(
                    decoding: (0..<length).map { _ in
                        defer { rest /= alphabet.count }
                        return alphabet[rest % alphabet.count]
                    }, as: UTF8.self)
                if IPAddress(text) != Self.libc(text) { Issue.record("\(text)") }
            }
        }
    }
}

import NetnsCore
import TestSupport
import Testing

/// What `text` asks of `sysctl`, and whether `value` is that.
private func matches(_ text: String, _ value: String, _ sysctl: String = "net.ipv4.x") throws -> Bool {
    try evaluate(Expectation(text), value, sysctl) == .matched
}

private func evaluate(_ expectation: Expectation, _ value: String, _ sysctl: String = "net.ipv4.x") throws -> Verdict {
    let bytes = Array(value.utf8)
    return Check(expectation, for: try SysctlName(sysctl)).evaluate(bytes.span)
}

private func compare(_ a: String, _ b: String, _ sysctl: String) throws -> Verdict {
    let (actual, reference) = (Array(a.utf8), Array(b.utf8))
    return Check(.sameAs(.host), for: try SysctlName(sysctl)).evaluate(actual.span, reference: reference.span)
}

@Suite struct CheckTests {
    private static let reserved = "net.ipv4.ip_local_reserved_ports"
    private static let allowed = "net.ipv4.tcp_allowed_congestion_control"
    private static let control = "net.ipv4.tcp_congestion_control"
    private static let bitmap = "net.core.flow_limit_cpu_bitmap"

    @Test(
        arguments: [
            ("600", "600", true), ("600", "601", false), ("600", "6000", false), ("600", "60", false),
            ("600", " 600\n", true), (" 600 ", "600", true), ("600", "", false), ("600", "600 600", false),
            ("0x10", "16", true), ("16", "0x10", true), ("0X1f", "31", true), ("0x10", "10", false), ("0", "-0", true),
            ("-1", "-1", true), ("-1", "1", false), ("1", "-1", false), ("-0x10", "-16", true),
            ("18446744073709551615", "18446744073709551615", true),
            ("18446744073709551615", "18446744073709551614", false), ("18446744073709551615", "-1", false),
            ("-9223372036854775808", "-9223372036854775808", true), ("= 600", "600", true), ("=600", "600", true),
            ("== 600", "600", true), ("= 600", "700", false), ("bbr", "bbr", true), ("bbr", "BBR", false),
            ("bbr", "bbr2", false), ("bbr2", "bbr", false), ("bbr", "", false), ("", "", true), ("", "  \n", true),
            ("", "0", false), ("600", "abc", false), ("abc", "600", false),
        ] as [(String, String, Bool)])
    func equality(_ text: String, _ value: String, _ expected: Bool) throws {
        #expect(try matches(text, value) == expected)
    }

    @Test(
        arguments: [
            ("4096 131072 6291456", "4096\t131072\t6291456", true), ("4096 131072", "4096\t131072\t6291456", false),
            ("4096", "4096\t131072\t6291456", false), ("4096 131072 6291456", "4096\t131072", false),
            ("4096 131072 6291456", "4096", false), ("4096 131072 6291456", "4096 131072 6291457", false),
            ("4096 131072 >=6291456", "4096 131072 33554432", true), (">= 4096", "4096 131072", false),
            ("4096 131072 >= 6291456", "4096 131072 33554432", true), ("a b", "a  b", true), ("a b", "b a", false),
            ("1..2 3", "2 3", true), ("1..2 3", "3 3", false), ("1 2", "1\u{0}2", true),
        ] as [(String, String, Bool)])
    func tuplesAreNeverCut(_ text: String, _ value: String, _ expected: Bool) throws {
        #expect(try matches(text, value) == expected)
    }

    @Test(
        arguments: [
            ("> 5", "6", true), ("> 5", "5", false), (">5", "6", true), (">= 5", "5", true), (">= 5", "4", false),
            ("< 5", "4", true), ("< 5", "5", false), ("<= 5", "5", true), ("<= 5", "6", false), ("!= 5", "6", true),
            ("!= 5", "5", false), ("!= 0x10", "16", false), (">= 0x10", "16", true), ("> -1", "0", true),
            ("< 0", "-1", true), ("> -2", "-1", true), ("< -2", "-1", false), ("< -1", "-18446744073709551615", true),
            ("> 18446744073709551614", "18446744073709551615", true), ("> 9223372036854775807", "-1", false),
            ("> 5", "abc", false), ("!= 5", "abc", false), ("> 5", "", false), ("> 5", "6 7", false),
            ("> 5", "18446744073709551616", false), ("> 5", "6.0", false), ("> 5", "+6", false), ("> 5", "0x", false),
        ] as [(String, String, Bool)])
    func comparisons(_ text: String, _ value: String, _ expected: Bool) throws {
        #expect(try matches(text, value) == expected)
    }

    @Test(
        arguments: [
            ("1024..65535", "1024", true), ("1024..65535", "65535", true), ("1024..65535", "1023", false),
            ("1024..65535", "65536", false), ("-5..-3", "-4", true), ("-5..-3", "-2", false),
            ("0x10..0x20", "32", true),
            ("7..7", "7", true), ("0..18446744073709551615", "18446744073709551615", true), ("1..9", "a", false),
            ("1..9", "5 5", false),
        ] as [(String, String, Bool)])
    func ranges(_ text: String, _ value: String, _ expected: Bool) throws {
        #expect(try matches(text, value) == expected)
    }

    @Test func combinations() throws {
        let either = Expectation.oneOf([.equal("bbr"), .equal("cubic")])
        #expect(try evaluate(either, "cubic", Self.control) == .matched)
        #expect(try evaluate(either, "reno", Self.control) == .drifted)
        #expect(try evaluate(.not(either), "reno", Self.control) == .matched)
        #expect(try evaluate(.not(either), "bbr", Self.control) == .drifted)
        #expect(try evaluate(.not(.equal("0")), "0x0") == .drifted)
        #expect(try evaluate(.not(.equal("0")), "1 2") == .matched)
        let tuple = Expectation.tuple([.equal("1"), .oneOf([.equal("2"), try Expectation("> 9")]), .not(.equal("0"))])
        #expect(try evaluate(tuple, "1 2 3") == .matched)
        #expect(try evaluate(tuple, "1\t10\t-1") == .matched)
        #expect(try evaluate(tuple, "1 3 3") == .drifted)
        #expect(try evaluate(tuple, "1 2 0") == .drifted)
        #expect(try evaluate(tuple, "1 2") == .drifted)
        #expect(try evaluate(.oneOf([.equal("1 2"), .equal("3 4")]), "3\t4") == .matched)
    }

    @Test(
        arguments: [
            ("1-3,5", "1-3,5", true), ("5,1,2,3", "1-3,5", true), ("5, 1, 2-3", "1-3,5", true),
            ("1-3,5", "5,1,2,3", true), ("1-3", "1-4", false), ("1-4", "1-3", false), ("", "", true), ("", "1", false),
            ("1", "", false), ("1-2,3-4", "1-4", true), ("1-4", "1-2,3-4", true), ("8080", "8080", true),
            ("8080", "08080", false), ("8,16", "010,0x10", true), ("010", "8", true), ("65535", "65535", true),
            ("1-3,5", "1-3,5,", true), ("1-3", "1-3x", false),
            ("1-65535", "1-65535", true), ("1-3,2-9", "1-9", true),
        ] as [(String, String, Bool)])
    func portsHaveNoOrder(_ text: String, _ value: String, _ expected: Bool) throws {
        #expect(try matches(text, value, Self.reserved) == expected)
    }

    @Test(
        arguments: [
            ("reno cubic", "cubic reno", true), ("reno cubic bbr", "cubic reno", false), ("reno", "cubic reno", false),
            ("reno reno", "reno", true), ("", "", true), ("reno", "", false),
        ] as [(String, String, Bool)])
    func wordsHaveNoOrder(_ text: String, _ value: String, _ expected: Bool) throws {
        #expect(try matches(text, value, Self.allowed) == expected)
        #expect(try (compare(value, text, Self.allowed) == .matched) == expected)
    }

    @Test func textIsNoNumber() throws {
        #expect(try evaluate(.equal("10"), "0x10", Self.bitmap) == .drifted)
        #expect(try evaluate(.equal("16"), "0x10", Self.bitmap) == .drifted)
        #expect(try evaluate(.equal("0f"), "0f", Self.bitmap) == .matched)
        #expect(try evaluate(.equal("010"), "010", Self.bitmap) == .matched)
        #expect(try evaluate(.equal("1"), "01", Self.bitmap) == .drifted)
    }

    /// What the kernel reads out of a declared `010` is 8.
    @Test func declaredTextIsReadAsTheKernelReadsIt() throws {
        #expect(try evaluate(.equal("010"), "8") == .matched)
        #expect(try evaluate(.equal("010"), "10") == .drifted)
        #expect(try evaluate(.equal("08"), "8") == .drifted)
        #expect(try evaluate(.equal("0 2147483647"), "0\t2147483647") == .matched)
    }

    @Test(
        arguments: [
            ("7200", "7200", "net.ipv4.x", .matched), ("7200", " 7200\n", "net.ipv4.x", .matched),
            ("1 2", "1\t2", "net.ipv4.x", .matched), ("1 2", "1", "net.ipv4.x", .drifted),
            ("1", "1 2", "net.ipv4.x", .drifted), ("16", "0x10", "net.ipv4.x", .matched),
            ("16", "0x10", bitmap, .drifted), ("", "", "net.ipv4.x", .matched), ("a", "b", "net.ipv4.x", .drifted),
            ("1,2", "1-2", reserved, .matched), ("1-3", "1-2", reserved, .drifted), ("x", "x", reserved, .matched),
            ("x", "1", reserved, .drifted),
        ] as [(String, String, String, Verdict)])
    func references(_ actual: String, _ reference: String, _ sysctl: String, _ expected: Verdict) throws {
        #expect(try compare(actual, reference, sysctl) == expected)
    }

    @Test func withoutAReferenceNothingIsSaid() throws {
        #expect(try evaluate(.sameAs(.fresh), "1") == .noReference)
    }

    /// Values that nobody wrote: whatever the bytes are, a verdict and no trap.
    @Test func anyBytesGiveAVerdict() throws {
        var random = SplitMix64(seed: 5)
        let alphabet = Array("0123456789-,x. \tabcf\u{0}".utf8) + [0x80, 0xFF]
        let texts = ["600", ">= 4096", "1..9", "1 2 3", "bbr", "!= 0", ""]
        let names = ["net.ipv4.x", Self.reserved, Self.allowed, Self.bitmap]
        let checks = try texts.flatMap { text in
            try names.map { Check(try Expectation(text), for: try SysctlName($0)) }
        }
        let same = try names.map { Check(.sameAs(.host), for: try SysctlName($0)) }
        for _ in 0..<3000 {
            let value = (0..<Int.random(in: 0...24, using: &random)).map { _ in alphabet.randomElement(using: &random)!
            }
            for check in checks { #expect(check.evaluate(value.span) != .noReference) }
            for check in same { #expect(check.evaluate(value.span, reference: value.span) == .matched) }
        }
    }
}

import TestSupport
import Testing

@testable import NetnsCore

@Suite struct PrintableTextTests {
    @Test(arguments: [
        ("", ""), ("eth0", "eth0"), ("a b", "a b"), ("~", "~"), ("é", "é"), ("日本😀", "日本😀"), ("a\nb", "a\\x0ab"),
        ("\0", "\\x00"), ("\u{1B}[31m", "\\x1b[31m"), ("\u{7F}", "\\x7f"), ("\t", "\\x09"), ("a\\b", "a\\b"),
        ("\u{85}", "\\xc2\\x85"), ("\u{9B}x", "\\xc2\\x9bx"), ("\u{A0}", "\u{A0}"),
        ("\u{202E}evil", "\\xe2\\x80\\xaeevil"),
        ("\u{200E}\u{200F}", "\\xe2\\x80\\x8e\\xe2\\x80\\x8f"), ("\u{2028}", "\\xe2\\x80\\xa8"),
        ("\u{2066}", "\\xe2\\x81\\xa6"),
        ("\u{2069}\u{206A}", "\\xe2\\x81\\xa9\u{206A}"), ("\u{202F}", "\u{202F}"), ("é\u{1}é", "é\\x01é"),
    ])
    func text(_ text: String, _ expected: String) {
        #expect(PrintableText.string(Array(text.utf8)) == expected)
    }

    @Test(
        arguments: [
            ([0xFF], "\\xff"), ([0x61, 0x80, 0x62], "a\\x80b"), ([0xC3], "\\xc3"), ([0xC3, 0xA9, 0xC3], "é\\xc3"),
            ([0xE2, 0x82, 0x61], "\\xe2\\x82a"), ([0xED, 0xA0, 0x80], "\\xed\\xa0\\x80"),
            ([0xC0, 0xAF, 0x2F], "\\xc0\\xaf/"),
            ([0xF0, 0x9F, 0x98, 0x80, 0xFE], "😀\\xfe"), ([0xFF, 0x0A], "\\xff\\x0a"),
        ] as [([UInt8], String)])
    func bytes(_ bytes: [UInt8], _ expected: String) {
        #expect(PrintableText.string(bytes) == expected)
    }

    /// Whatever the bytes are, the text has no control character and gives every byte.
    @Test func nothingIsLost() {
        var generator = SplitMix64(seed: 31)
        for _ in 0..<20_000 {
            let bytes = (0..<generator.next() % 12).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
            let text = PrintableText.string(bytes)
            if text.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) }) {
                Issue.record("a control character of \(bytes)")
            }
            if !bytes.contains(UInt8(ascii: "\\")), Self.restored(text) != bytes {
                Issue.record("lost some of \(bytes)")
            }
        }
    }

    private static func restored(_ text: String) -> [UInt8] {
        let utf8 = Array(text.utf8)
        var bytes: [UInt8] = []
        var index = 0
        while index < utf8.count {
            if utf8[index] == UInt8(ascii: "\\") {
                bytes.append(UInt8(String(decoding: utf8[index + 2..<index + 4], as: UTF8.self), radix: 16) ?? 0)
                index += 4
            } else {
                bytes.append(utf8[index])
                index += 1
            }
        }
        return bytes
    }
}

@Suite struct InlineBytesTests {
    private static func of(_ bytes: [UInt8]) -> InlineBytes<4> { unsafe InlineBytes<4>(bytes.span.bytes) }

    private static func copied(_ bytes: InlineBytes<4>) -> [UInt8] {
        bytes.withSpan { span in
            var copy: [UInt8] = []
            for index in span.indices { copy.append(span[index]) }
            return copy
        }
    }

    @Test(arguments: [[], [1], [1, 2, 3, 4], [1, 2, 3, 4, 5], [0, 0xFF]] as [[UInt8]])
    func holdsTheFirst(_ bytes: [UInt8]) {
        let inline = Self.of(bytes)
        #expect(Self.copied(inline) == Array(bytes.prefix(4)))
        #expect(inline.count == min(4, bytes.count))
        #expect(inline.isEmpty == bytes.isEmpty)
        for index in 0..<inline.count { #expect(inline[index] == bytes[index]) }
    }

    @Test func equality() {
        #expect(Self.of([1, 2]) == Self.of([1, 2]))
        #expect(Self.of([1, 2]) != Self.of([1, 3]))
        #expect(Self.of([1, 2]) != Self.of([1, 2, 0]))
        #expect(Self.of([]) == InlineBytes<4>())
        #expect(Self.of([0]) != InlineBytes<4>())
        #expect(Set([Self.of([1]), Self.of([1]), Self.of([1, 0]), Self.of([2])]).count == 3)
    }

    @Test(
        arguments: [
            ([], true), ([0x61, 0x7E], true), ([0x61, 0x7F], false), ([0x0A], false), ([0x20], false),
            ([0x61, 0x5C], false), ([0x80], false),
            ([0x61, 0xFF], false),
        ] as [([UInt8], Bool)])
    func plain(_ bytes: [UInt8], _ expected: Bool) { #expect(Self.of(bytes).isPlain == expected) }

    @Test func texts() {
        #expect(InlineBytes<16>("eth0").description == "eth0")
        #expect(InlineBytes<4>("eth01").description == "eth0")
        #expect(Self.of([0x61, 0xFF, 0x0A]).description == "a\\xff\\x0a")
        #expect(InlineBytes<4>("").isEmpty)
    }
}

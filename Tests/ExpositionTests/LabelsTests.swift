import TestSupport
import Testing

@testable import Exposition

@Suite struct LabelsTests {
    private static func escaped(_ bytes: [UInt8]) -> String {
        written { $0.appendEscaped(bytes.span) }
    }

    @Test(arguments: [
        ("", ""), ("eth0", "eth0"), ("a\"b", "a\\\"b"), ("\"", "\\\""), ("a\\b", "a\\\\b"), ("\\\\", "\\\\\\\\"),
        ("a\nb", "a\\nb"), ("\n", "\\n"), ("\n\"\\", "\\n\\\"\\\\"), ("a\0b", "a\\\\x00b"), ("tab\there", "tab\there"),
        ("\r", "\r"), ("é", "é"), ("日本", "日本"), ("😀x", "😀x"), ("é\"é", "é\\\"é"), ("\u{7F}", "\u{7F}"),
        ("\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}", "\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}"),
        ("\u{D7FF}\u{E000}", "\u{D7FF}\u{E000}"),
    ])
    func escapesText(_ text: String, _ expected: String) {
        #expect(Self.escaped(Array(text.utf8)) == expected)
    }

    /// A byte that is no UTF-8 is written as `\xHH`, whose backslash is escaped in turn.
    @Test(
        arguments: [
            ([0xFF], #"\\xff"#), ([0x80], #"\\x80"#), ([0x61, 0xFF, 0x62], #"a\\xffb"#),
            ([0xC0, 0xAF], #"\\xc0\\xaf"#),  // overlong slash
            ([0xC1, 0xBF], #"\\xc1\\xbf"#), ([0xE0, 0x9F, 0xBF], #"\\xe0\\x9f\\xbf"#),
            ([0xF0, 0x8F, 0xBF, 0xBF], #"\\xf0\\x8f\\xbf\\xbf"#),
            ([0xED, 0xA0, 0x80], #"\\xed\\xa0\\x80"#),  // surrogate
            ([0xED, 0xBF, 0xBF], #"\\xed\\xbf\\xbf"#), ([0xF4, 0x90, 0x80, 0x80], #"\\xf4\\x90\\x80\\x80"#),
            ([0xF5, 0x80, 0x80, 0x80], #"\\xf5\\x80\\x80\\x80"#),
            ([0x61, 0xC3], #"a\\xc3"#), ([0x61, 0xE2, 0x82], #"a\\xe2\\x82"#),  // cut at the end
            ([0xF0, 0x9F, 0x98], #"\\xf0\\x9f\\x98"#), ([0xC3, 0x28], #"\\xc3("#),
            ([0xE2, 0x28, 0xA1], #"\\xe2(\\xa1"#),
            ([0xE2, 0x82, 0x28], #"\\xe2\\x82("#), ([0xF0, 0x9F, 0x98, 0x22], #"\\xf0\\x9f\\x98\""#),
            ([0xC3, 0xA9, 0xC3], "é\\\\xc3"), ([0xFF, 0xC3, 0xA9], "\\\\xffé"),
        ] as [([UInt8], String)])
    func escapesBytesThatAreNoText(_ bytes: [UInt8], _ expected: String) {
        #expect(Self.escaped(bytes) == expected)
    }

    @Test func opensAndAddsLabels() {
        let text = written { buffer in
            buffer.openLabels("netns", Array("a\"b".utf8).span)
            buffer.addLabel("device", Array("e\\0".utf8).span)
            buffer.addLabel("inode", UInt64(4_026_531_840))
            buffer.addLabel("user", "ro\not")
            buffer.addLabel("none", nil as String?)
            buffer.addLabel("empty", "")
        }
        #expect(text == #"{netns="a\"b",device="e\\0",inode="4026531840",user="ro\not""#)
    }

    /// A substring bridged from elsewhere has no contiguous UTF-8 of its own.
    @Test func addsLongStrings() {
        let long = String(repeating: "é", count: 1000)
        #expect(written { $0.addLabel("l", long) } == ",l=\"\(long)\"")
    }

    /// `scalarLength` against the standard library's decoder on bytes that are mostly near to UTF-8.
    @Test func scanAgreesWithTheStandardLibrary() {
        var generator = SplitMix64(seed: 3)
        let interesting: [UInt8] = [
            0x00, 0x22, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED,
            0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
        ]
        var valid = 0
        for _ in 0..<200_000 {
            let length = Int(generator.next() % 5) + 1
            let bytes = (0..<length).map { _ in
                generator.next() % 8 == 0
                    ? UInt8(truncatingIfNeeded: generator.next())
                    : interesting[Int(generator.next() % UInt64(interesting.count))]
            }
            let isValid = String(validating: bytes, as: UTF8.self) != nil
            if isValid { valid += 1 }
            let scans = Self.scansWhole(bytes)
            if scans != isValid { Issue.record("\(bytes): scanned \(scans), the standard library says \(isValid)") }
            // Whatever the bytes are, what is written is text.
            let text = ByteBuffer()
            text.appendEscaped(bytes.span)
            if String(validating: text.copied, as: UTF8.self) == nil || text.copied.contains(0) {
                Issue.record("\(bytes) was not made text")
            }
        }
        #expect(valid > 1000)
    }

    @Test func scanKnowsEveryScalar() {
        for value in 0...UInt32(0x10FFFF) {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let bytes = Array(String(Character(scalar)).utf8)
            if UTF8Scan.scalarLength(bytes.span, at: 0) != bytes.count { Issue.record("U+\(String(value, radix: 16))") }
        }
    }

    private static func scansWhole(_ bytes: [UInt8]) -> Bool {
        var index = 0
        while index < bytes.count {
            let length = UTF8Scan.scalarLength(bytes.span, at: index)
            if length == 0 { return false }
            index += length
        }
        return index == bytes.count
    }
}

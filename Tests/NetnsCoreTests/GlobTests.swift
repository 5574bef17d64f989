import NetnsCore
import TestSupport
import Testing

@Suite struct GlobTests {
    @Test(arguments: [
        ("", "", true), ("", "a", false), ("a", "", false), ("abc", "abc", true), ("abc", "ab", false),
        ("abc", "abcd", false), ("abc", "ABC", false), ("*", "", true), ("*", "anything/at.all", true),
        ("**", "", true), ("a*", "a", true), ("a*", "abc", true), ("a*", "ba", false), ("*c", "abc", true),
        ("*c", "abd", false), ("a*c", "ac", true), ("a*c", "abcbc", true), ("a*c", "abcb", false),
        ("*a*b*", "xxaxxbxx", true), ("*a*b*", "xxbxxaxx", false), ("*ab", "aab", true), ("a*b*c", "abbcabc", true),
        ("?", "", false), ("?", "a", true), ("?", "ab", false), ("??", "ab", true), ("a?c", "abc", true),
        ("a?c", "ac", false), ("*?", "", false), ("*?", "abc", true), ("?*", "a", true), ("?*?", "a", false),
        ("tcp_*", "tcp_rmem", true), ("tcp_*", "udp_mem", false), ("eth0/1*", "eth0/100", true), (".*", ".a", true),
        // Sets.
        ("[abc]", "b", true), ("[abc]", "d", false), ("[abc]", "", false), ("[a-c]", "b", true), ("[a-c]", "a", true),
        ("[a-c]", "c", true), ("[a-c]", "d", false), ("[c-a]", "b", false), ("[a-cx-z]", "y", true),
        ("[a-cx-z]", "m", false), ("eth[0-9]", "eth7", true), ("eth[0-9]", "etha", false), ("eth[0-9]", "eth10", false),
        ("[!a]", "b", true), ("[!a]", "a", false), ("[^a]", "b", true), ("[^a]", "a", false), ("[!a-c]", "b", false),
        ("[!a-c]", "d", true), ("[!a]", "", false), ("[]]", "]", true), ("[]a]", "a", true), ("[!]]", "]", false),
        ("[!]]", "a", true), ("[a-]", "-", true), ("[a-]", "a", true), ("[a-]", "b", false), ("[-a]", "-", true),
        ("[*]", "*", true), ("[*]", "a", false), ("[?]", "?", true), ("[a!]", "!", true), ("[[]", "[", true),
        // Without its end a bracket is itself.
        ("[", "[", true), ("[", "a", false), ("[abc", "[abc", true), ("a[", "a[", true), ("[]", "[]", true),
        ("[!", "[!", true), ("[!]", "[!]", true), ("[a-", "[a-", true), ("[*", "[xyz", true),
        // The backslash.
        ("\\*", "*", true), ("\\*", "a", false), ("\\?", "?", true), ("\\[a]", "[a]", true), ("\\\\", "\\", true),
        ("\\a", "a", true), ("a\\", "a\\", true), ("\\", "\\", true),
        // UTF-8: a question mark and a negated set take a whole character.
        ("?", "é", true), ("??", "é", false), ("?", "日", true), ("?", "😀", true), ("a?b", "a😀b", true),
        ("[!a]", "é", true), ("[!a][!a]", "é", false), ("é", "é", true), ("é*", "éa", true), ("*é", "aé", true),
        ("?*?", "é", false), ("*??", "éa", true),
    ])
    func matches(_ pattern: String, _ text: String, _ expected: Bool) {
        #expect(Glob(pattern).matches(text) == expected)
    }

    @Test(arguments: [
        ("abc", "abc"), ("a\\*b", "a*b"), ("[", "["), ("[a", "[a"), ("", ""), ("*", nil), ("a?", nil), ("[a]", nil),
        ("\\[a]", "[a]"),
    ])
    func literals(_ pattern: String, _ expected: String?) {
        #expect(Glob(pattern).literal == expected.map { Array($0.utf8) })
        #expect(Glob(pattern).isLiteral == (expected != nil))
        #expect(Glob(pattern).description == pattern)
    }

    @Test func matchesBytesThatAreNoText() {
        #expect(Self.matches("a*b", [0x61, 0xFF, 0x62]))
        #expect(Self.matches("a?b", [0x61, 0xFF, 0x62]))
        #expect(!Self.matches("ab", [0x61, 0xFF, 0x62]))
        #expect(Self.matches("?", [0xE2, 0x82]))
        #expect(Self.matches("*", []))
    }

    private static func matches(_ pattern: String, _ bytes: [UInt8]) -> Bool { Glob(pattern).matches(bytes.span) }

    /// With backtracking over every star this would take longer than the universe has; it takes a few million steps.
    @Test func manyStarsEnd() {
        let text = String(repeating: "a", count: 5_000)
        #expect(!Glob(String(repeating: "a*", count: 200) + "b").matches(text))
        #expect(!Glob(String(repeating: "*a", count: 200) + "*b").matches(text))
        #expect(Glob(String(repeating: "a*", count: 200)).matches(text))
        #expect(!Glob(String(repeating: "*", count: 10_000) + "b").matches(text))
    }

    /// Against a matcher that is slow and plain.
    @Test func agreesWithAPlainMatcher() {
        var generator = SplitMix64(seed: 21)
        var matched = 0
        for _ in 0..<50_000 {
            let pattern = (0..<generator.next() % 7).map { _ in Array("ab*?")[Int(generator.next() % 4)] }
            let text = (0..<generator.next() % 7).map { _ in Array("ab")[Int(generator.next() % 2)] }
            let expected = Self.plain(pattern[...], text[...])
            if expected { matched += 1 }
            if Glob(String(pattern)).matches(String(text)) != expected {
                Issue.record("\(String(pattern)) against \(String(text))")
            }
        }
        #expect(matched > 1000)
    }

    private static func plain(_ pattern: ArraySlice<Character>, _ text: ArraySlice<Character>) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        if first == "*" {
            return (text.startIndex...text.endIndex).contains { plain(pattern.dropFirst(), text[$0...]) }
        }
        guard let character = text.first, first == "?" || first == character else { return false }
        return plain(pattern.dropFirst(), text.dropFirst())
    }
}

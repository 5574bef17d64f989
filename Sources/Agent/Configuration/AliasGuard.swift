/// Keeps aliases of aliases from the parser, which has no bounds of its own: it compares keys by all they stand for, and
/// frees values level by level on the stack. So in a file with aliases no key may be a list, a map or an alias, and
/// nesting has a limit. No file of ours comes near, so it is enough to look at where these could be: outside of quotes.
struct AliasGuard {
    /// The most aliases of a file.
    static let maximumAliases = 200
    /// How deep brackets may be nested in a file with aliases, and how far a line may be indented.
    static let maximumDepth = 32, maximumIndent = 64

    private var aliases = 0
    private var depth = 0
    private var first: YAMLDocument.Mistake?

    /// Throws at the first place that the parser must not see.
    static func check(_ text: String) throws(YAMLDocument.Mistake) {
        var guardian = AliasGuard()
        for (number, line) in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .enumerated()
        {
            guardian.scan(Array(line), number + 1)
        }
        if guardian.aliases > 0, let first = guardian.first { throw first }
    }

    private mutating func scan(_ line: [UInt8], _ number: Int) {
        func refuse(_ index: Int, _ message: String) {
            if first == nil { first = YAMLDocument.Mistake(line: number, column: index + 1, message: message) }
        }
        let notWord = "in a file with aliases a key is a word, nothing else"
        let tooDeep = "this is nested too deep for a file with aliases"
        if let indent = line.firstIndex(where: { !" -\t".utf8.contains($0) }), indent > Self.maximumIndent {
            refuse(indent, tooDeep)
        }
        var quote: UInt8?
        for (index, byte) in line.enumerated() {
            if let open = quote {
                if byte == open { quote = nil }
                continue
            }
            let begins = index == 0 || " \t[{,:-?\r".utf8.contains(line[index - 1])
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                if begins { quote = byte }
            case UInt8(ascii: "#"):
                if begins { return }
            case UInt8(ascii: "*") where begins && index + 1 < line.count && Self.isWord(line[index + 1]):
                aliases += 1
                if aliases > Self.maximumAliases { refuse(index, "a file has at most \(Self.maximumAliases) aliases") }
                let end = line[(index + 1)...].firstIndex { !Self.isWord($0) } ?? line.count
                if Self.isColon(line[end...]) { refuse(index, notWord) }
            case UInt8(ascii: "?"):
                if begins, index + 1 == line.count || " \t\r".utf8.contains(line[index + 1]) { refuse(index, notWord) }
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                if depth > Self.maximumDepth { refuse(index, tooDeep) }
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                depth = max(0, depth - 1)
                if Self.isColon(line[(index + 1)...]) { refuse(index, notWord) }
            default: break
            }
        }
    }

    /// What the name of an anchor consists of.
    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }

    private static func isColon(_ rest: ArraySlice<UInt8>) -> Bool {
        rest.first { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") } == UInt8(ascii: ":")
    }
}

/// The numbers of a file whose lines are a name and a number, as those of /proc/net/{snmp6,xfrm_stat} are.
public struct NamedNumbers: FileReading {
    private let names: [[UInt8]]
    private var values: [UInt64?]

    /// The lines that are wanted; nothing is read yet.
    public init(_ names: [String]) {
        self.names = names.map { Array($0.utf8) }
        values = [UInt64?](repeating: nil, count: names.count)
    }

    /// The position of a name among those that are wanted; nil when it is none of them.
    public func position(of name: String) -> Int? { names.firstIndex(of: Array(name.utf8)) }

    /// The number at a position; nil where the kernel prints no such line.
    public subscript(position: Int) -> UInt64? { values[position] }

    /// See `FileReading`.
    public mutating func begin() {
        for position in values.indices { values[position] = nil }
    }

    /// See `FileReading`. A line without its end is passed over: its number may be longer.
    public mutating func read(_ text: borrowing RawSpan, of file: String) {
        var offset = 0
        var next = 0
        while let end = text.endOfLine(from: offset) {
            let word = text.word(at: &offset, before: end)
            if let position = position(of: word, in: text, near: next) {
                next = position + 1
                var start = text.word(at: &offset, before: end).lowerBound
                values[position] = text.decimal(at: &start)
            }
            offset = end
        }
    }

    /// The search begins at `near` and goes round: the kernel's order seldom changes.
    private func position(of word: Range<Int>, in text: borrowing RawSpan, near: Int) -> Int? {
        for step in names.indices {
            let position = (near + step) % names.count
            if names[position].count == word.count, text.holds(names[position], at: word.lowerBound) { return position }
        }
        return nil
    }
}

/// Reads the counters of /proc/net/{snmp,snmp6,netstat} by their names.
///
/// Which names stand where is learnt from the text, and known again as long as the text's names are the same byte for
/// byte: so a kernel may print more, fewer or others, in any order, and reading the same kind of file again costs a
/// comparison and the numbers, and allocates nothing.
///
/// A value is taken only from a line that is whole. What is no number from 0 to 2^64 - 1 (Tcp MaxConn is -1: no fixed
/// limit) gives none.
///
/// Concurrency: one for each thread.
public struct MIBParser: Sendable {
    /// A line of names that was seen, `Tcp: RtoAlgorithm RtoMin ...`, with its line feed.
    private struct Header {
        var line: [UInt8]
        /// `Tcp:`
        let prefix: [UInt8]
        /// For each column, the position in the selection, or -1.
        var positions: [Int]
    }

    /// A name at the begin of a line, with the white space behind it.
    private struct Name {
        let bytes: [UInt8]
        /// The position in the selection, or -1.
        let position: Int
    }

    /// Names of snmp6 that are remembered at most: a kernel has some 130, and one for each type of ICMPv6 message seen.
    private static let maximumNames = 1024

    /// Positions in the selection by group and name without anything between: `TcpRetransSegs`.
    private let positions: [[UInt8]: Int]
    /// The groups that are printed in pairs of lines and have fields in the selection; as they are and as lines begin.
    private let groups: [(name: [UInt8], prefix: [UInt8])]
    private var headers: [Header] = []
    private var names: [Name] = []
    /// The name that comes next, if the text is as it was the last time.
    private var next = 0

    /// A parser that takes the fields of a selection out of a text.
    public init(_ selection: MIBSelection) {
        let keys = selection.fields.enumerated().map { (Array("\($1.group.rawValue)\($1.name)".utf8), $0) }
        positions = Dictionary(keys, uniquingKeysWith: { first, _ in first })
        let groups = Set(selection.fields.map(\.group)).filter { $0.file != .snmp6 }.map(\.rawValue).sorted()
        self.groups = groups.map { (Array($0.utf8), Array("\($0):".utf8)) }
    }

    /// Adds the values of a file's text to what was read of the namespace.
    public mutating func parse(_ text: borrowing RawSpan, of file: MIBFile, into readings: inout MIBReadings) {
        switch file {
        case .snmp, .netstat: parsePairs(text, into: &readings)
        case .snmp6: parseLines(text, into: &readings)
        }
    }

    // MARK: Pairs of lines, names and values, that both begin with the group.

    private mutating func parsePairs(_ text: borrowing RawSpan, into readings: inout MIBReadings) {
        var offset = 0
        var near = 0
        while offset < text.byteCount {
            guard let index = header(at: offset, in: text, near: near) else {
                guard let end = text.endOfLine(from: offset) else { return }
                offset = end
                continue
            }
            near = index + 1
            offset += headers[index].line.count
            guard text.holds(headers[index].prefix, at: offset) else { continue }
            offset = parseValues(text, from: offset + headers[index].prefix.count, headers[index].positions, &readings)
        }
    }

    /// The line of names at an offset, as an index into those that are known; nil when it is none of a group that is
    /// selected.
    private mutating func header(at offset: Int, in text: borrowing RawSpan, near: Int) -> Int? {
        for step in headers.indices {
            let index = (near + step) % headers.count
            if text.holds(headers[index].line, at: offset) { return index }
        }
        return learnHeader(at: offset, in: text)
    }

    private mutating func learnHeader(at offset: Int, in text: borrowing RawSpan) -> Int? {
        // Nothing is allocated for a group that nobody wants: it comes this way each time.
        for group in groups where text.holds(group.prefix, at: offset) {
            guard let end = text.endOfLine(from: offset) else { return nil }
            let line = text.bytes(offset..<end)
            let words = line.dropLast().split(separator: UInt8(ascii: " ")).dropFirst()
            let header = Header(
                line: line, prefix: group.prefix, positions: words.map { positions[group.name + $0] ?? -1 })
            if let index = headers.firstIndex(where: { $0.prefix == group.prefix }) {
                headers[index] = header
                return index
            }
            headers.append(header)
            return headers.count - 1
        }
        return nil
    }

    /// Reads the numbers up to the line's end, and gives the offset behind it. Names and values go together by their
    /// order: were there more of one than of the other, no value could be told from its neighbour's, and none is taken.
    private func parseValues(
        _ text: borrowing RawSpan, from start: Int, _ positions: [Int], _ readings: inout MIBReadings
    ) -> Int {
        var offset = start
        var column = 0
        while offset < text.byteCount {
            let byte = text.loadByte(at: offset)
            if byte == UInt8(ascii: "\n") {
                if column == positions.count { return offset + 1 }
                break
            }
            if byte <= 0x20 {
                offset += 1
                continue
            }
            let value = text.decimal(at: &offset)
            if column < positions.count, positions[column] >= 0 { readings.set(positions[column], value) }
            column += 1
        }
        for position in positions where position >= 0 { readings.set(position, nil) }
        return text.endOfLine(from: offset) ?? text.byteCount
    }

    // MARK: A line for each, name and value.

    private mutating func parseLines(_ text: borrowing RawSpan, into readings: inout MIBReadings) {
        var offset = 0
        next = 0
        while offset < text.byteCount {
            if let index = name(at: offset, in: text) {
                next = index + 1
                offset += names[index].bytes.count
                if names[index].position >= 0 {
                    let value = text.decimal(at: &offset)
                    // Without the line's end the number may go on.
                    if offset < text.byteCount, text.loadByte(at: offset) == UInt8(ascii: "\n") {
                        readings.set(names[index].position, value)
                    }
                }
            }
            guard let end = text.endOfLine(from: offset) else { return }
            offset = end
        }
    }

    /// The name at an offset, as an index into those that are known.
    private mutating func name(at offset: Int, in text: borrowing RawSpan) -> Int? {
        for step in names.indices {
            var index = next + step
            if index >= names.count { index -= names.count }
            guard text.holds(names[index].bytes, at: offset) else { continue }
            // The value begins there, and not more white space.
            let end = offset + names[index].bytes.count
            if end < text.byteCount, text.loadByte(at: end) > 0x20 { return index }
        }
        return learnName(at: offset, in: text)
    }

    private mutating func learnName(at offset: Int, in text: borrowing RawSpan) -> Int? {
        var end = offset
        while end < text.byteCount, text.loadByte(at: end) > 0x20 { end += 1 }
        let name = text.bytes(offset..<end)
        while end < text.byteCount, text.loadByte(at: end) <= 0x20, text.loadByte(at: end) != UInt8(ascii: "\n") {
            end += 1
        }
        // A line that was cut within the name is none.
        guard !name.isEmpty, end < text.byteCount, text.loadByte(at: end) > 0x20 else { return nil }
        if names.count == Self.maximumNames { names.removeAll() }
        names.append(Name(bytes: text.bytes(offset..<end), position: positions[name] ?? -1))
        return names.count - 1
    }
}

extension MIBParser {
    /// The fields that a file's text has, in its order. Those with a number in place of a name (Icmp6InType135) are left
    /// out: the kernel prints them once such a message was seen.
    public static func fields(of file: MIBFile, in text: borrowing RawSpan) -> [MIBField] {
        let groups = MIBGroup.allCases.filter { $0.file == file }.sorted { $0.rawValue.count > $1.rawValue.count }
        var fields: [MIBField] = []
        var lastPrefix: Substring?
        for line in String(decoding: text.bytes(0..<text.byteCount), as: UTF8.self).split(separator: "\n") {
            guard let first = line.split(whereSeparator: \.isWhitespace).first else { continue }
            if file == .snmp6 {
                guard let group = groups.first(where: { first.hasPrefix($0.rawValue) }),
                    first.firstMatch(of: /Type[0-9]+$/) == nil
                else { continue }
                fields.append(MIBField(group, String(first.dropFirst(group.rawValue.count))))
            } else {
                defer { lastPrefix = lastPrefix == first ? nil : first }
                guard lastPrefix != first, let group = groups.first(where: { "\($0.rawValue):" == first }) else {
                    continue
                }
                fields += line.split(whereSeparator: \.isWhitespace).dropFirst().map { MIBField(group, String($0)) }
            }
        }
        return fields
    }
}

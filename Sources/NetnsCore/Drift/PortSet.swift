/// Ports as ip_local_reserved_ports lists them: numbers and ranges with commas or white space between.
struct PortSet: Hashable, Sendable {
    /// Ascending, apart from each other by at least one port.
    let ranges: [ClosedRange<UInt16>]

    /// The ports that a text lists, nil when it is no such list.
    init?(_ text: borrowing Span<UInt8>) {
        var ranges: [ClosedRange<UInt16>] = []
        var position = 0
        while let item = Self.next(text, &position) {
            guard case .range(let range) = item else { return nil }
            ranges.append(range)
        }
        ranges.sort { $0.lowerBound < $1.lowerBound }
        var merged: [ClosedRange<UInt16>] = []
        for range in ranges {
            if let last = merged.last, Int(range.lowerBound) <= Int(last.upperBound) + 1 {
                merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        self.ranges = merged
    }

    /// Whether a text lists these ports. The kernel writes them ascending and merged, which is compared in place; only
    /// another order costs memory.
    func isListed(in text: borrowing Span<UInt8>) -> Bool {
        var position = 0
        var index = 0
        while let item = Self.next(text, &position) {
            guard case .range(let range) = item else { return false }
            guard index < ranges.count, ranges[index] == range else { return PortSet(text) == self }
            index += 1
        }
        return index == ranges.count
    }

    private enum Item {
        case range(ClosedRange<UInt16>)
        case malformed
    }

    /// The next item of a list at `position`, nil at its end.
    private static func next(_ text: borrowing Span<UInt8>, _ position: inout Int) -> Item? {
        while position < text.count, isSeparator(text[position]) { position += 1 }
        if position == text.count { return nil }
        guard let low = port(text, &position) else { return .malformed }
        var high = low
        if position < text.count, text[position] == UInt8(ascii: "-") {
            position += 1
            guard let end = port(text, &position) else { return .malformed }
            high = end
        }
        guard low <= high, position == text.count || isSeparator(text[position]) else { return .malformed }
        return .range(low...high)
    }

    private static func isSeparator(_ byte: UInt8) -> Bool { byte == UInt8(ascii: ",") || SysctlForm.isSpace(byte) }

    /// A port as the kernel takes it: 010 is 8.
    private static func port(_ text: borrowing Span<UInt8>, _ position: inout Int) -> UInt16? {
        let start = position
        while position < text.count, text[position] != UInt8(ascii: "-"), !isSeparator(text[position]) { position += 1 }
        guard let number = SysctlNumber(text.extracting(start..<position)), !number.isNegative else { return nil }
        return UInt16(exactly: number.magnitude)
    }
}

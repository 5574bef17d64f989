/// The values of one namespace's sysctls in one collection: one reading for each entry of the table, the bytes in one
/// run that is used again.
public struct SysctlReadings: Sendable {
    /// What became of an entry.
    public enum State: Sendable, Hashable {
        /// It was read.
        case value(SysctlForm)
        /// This namespace has no such entry.
        case absent
        /// It exists and could not be read: an errno.
        case unreadable(Int32)
        /// It is longer than `maximumLength`, and was not kept.
        case tooLong
    }

    /// One entry's state and where its bytes are.
    public struct Reading: Sendable {
        /// What became of it.
        public let state: State
        let offset: Int
        let length: Int
    }

    /// Longer values are not kept: a label of that size helps nobody, and what a container can write into its own
    /// `ip_local_reserved_ports` (64 KiB and more) must not fill the exposition.
    public static let maximumLength = 4096

    /// The entries that were read.
    public private(set) var table: SysctlTable
    /// One for each entry, in the table's order.
    public private(set) var readings: [Reading] = []
    private var bytes: [UInt8] = []

    /// Nothing read yet.
    public init(table: SysctlTable) { self.table = table }

    /// Begins a collection; the memory of the last one is used again.
    public mutating func begin(_ table: SysctlTable) {
        self.table = table
        readings.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: true)
    }

    /// Adds the next entry's value, as read from the kernel; white space around it is dropped.
    public mutating func append(value: borrowing RawSpan, isText: Bool) {
        var end = value.byteCount
        while end > 0, SysctlForm.isSpace(value.loadByte(at: end - 1)) { end -= 1 }
        var start = 0
        while start < end, SysctlForm.isSpace(value.loadByte(at: start)) { start += 1 }
        guard end - start <= Self.maximumLength else { return append(.tooLong) }
        let offset = bytes.count
        for index in start..<end { bytes.append(value.loadByte(at: index)) }
        let form: SysctlForm = isText ? .text : SysctlForm(bytes.span.extracting(offset..<bytes.count))
        readings.append(Reading(state: .value(form), offset: offset, length: end - start))
    }

    /// Adds the next entry without a value.
    public mutating func append(_ state: State) {
        readings.append(Reading(state: state, offset: 0, length: 0))
    }

    /// Puts what `other` has at `position` in the place of the entry at `index`.
    public mutating func replace(_ index: Int, by other: SysctlReadings, at position: Int) {
        let reading = other.readings[position]
        let offset = bytes.count
        bytes += other.bytes[reading.offset..<reading.offset + reading.length]
        readings[index] = Reading(state: reading.state, offset: offset, length: reading.length)
    }

    /// Calls `body` with the bytes of the entry at `index`: empty unless it was read.
    public func withValue<R>(at index: Int, _ body: (borrowing Span<UInt8>) -> R) -> R {
        let reading = readings[index]
        return body(bytes.span.extracting(reading.offset..<reading.offset + reading.length))
    }

    /// The value of an entry as text with single spaces between its elements, nil when it was not read or is not in the
    /// table. For display, not for a loop.
    public func value(of name: String) -> String? {
        guard let index = table.entries.firstIndex(where: { $0.name.dotted == name }), index < readings.count,
            case .value = readings[index].state
        else { return nil }
        return text(at: index)
    }

    /// As `value(of:)`, of the entry at `index`: empty unless it was read.
    public func text(at index: Int) -> String {
        withValue(at: index) { value in
            var bytes: [UInt8] = []
            for position in value.indices {
                let isSpace = SysctlForm.isSpace(value[position])
                if !isSpace { bytes.append(value[position]) } else if bytes.last != 0x20 { bytes.append(0x20) }
            }
            return PrintableText.string(bytes)
        }
    }
}

/// What a value looks like.
public enum SysctlForm: Sendable, Hashable {
    /// One whole number.
    case number
    /// Two or more whole numbers with white space between.
    case tuple
    /// Anything else, the empty value too.
    case text

    /// Tells the form of a value without white space around it.
    public init(_ value: borrowing Span<UInt8>) {
        var numbers = 0
        var index = 0
        while index < value.count {
            while index < value.count, Self.isSpace(value[index]) { index += 1 }
            if index == value.count { break }
            if value[index] == UInt8(ascii: "-") { index += 1 }
            let digits = index
            while index < value.count, value[index] &- 0x30 < 10 { index += 1 }
            // 20 digits hold any 64-bit number; what is longer is no counter of the kernel's.
            guard index > digits, index - digits <= 20, index == value.count || Self.isSpace(value[index]) else {
                self = .text
                return
            }
            numbers += 1
        }
        self = numbers == 0 ? .text : numbers == 1 ? .number : .tuple
    }

    /// Calls `body` with each element of a tuple, in order.
    public static func forEachElement(of value: borrowing Span<UInt8>, _ body: (Int, borrowing Span<UInt8>) -> Void) {
        var index = 0
        var position = 0
        while true {
            while index < value.count, isSpace(value[index]) { index += 1 }
            if index == value.count { return }
            let start = index
            while index < value.count, !isSpace(value[index]) { index += 1 }
            body(position, value.extracting(start..<index))
            position += 1
        }
    }

    @inline(__always)
    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) || byte == 0 }
}

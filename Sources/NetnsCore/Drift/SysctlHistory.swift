/// The values of one namespace's sysctls as they were last read, and how often each has changed: `netns_sysctl_changes_total`
/// and the old value in the log.
///
/// A change is a value that differs from the one read before. Between the two it may have been unreadable; when it was
/// absent there is nothing to compare with, since an interface that comes back is another one. What happens between two
/// collections is seen as one change, or none.
public struct SysctlHistory: Sendable {
    private struct Past: Sendable {
        var changes: UInt64 = 0
        /// Where its last value is in `bytes`; nil when there is none.
        var value: Range<Int>?
    }

    private var table: SysctlTable
    private var past: [Past]
    private var bytes: [UInt8] = []

    /// Nothing read yet.
    public init(table: SysctlTable) {
        self.table = table
        past = Array(repeating: Past(), count: table.entries.count)
    }

    /// How often the entry at this index of the table has changed.
    public func changes(at index: Int) -> UInt64 { past[index].changes }

    /// Takes the readings of a collection and calls `body` for each value that changed, with its index, the value before
    /// and the value now. Where nothing changed nothing is allocated. A new table takes over the counts of the sysctls
    /// that the old one had too.
    public mutating func update(
        _ readings: SysctlReadings, _ body: (Int, borrowing Span<UInt8>, borrowing Span<UInt8>) -> Void
    ) {
        if table !== readings.table { adopt(readings.table) }
        var isStale = false
        for index in readings.readings.indices {
            switch readings.readings[index].state {
            case .value:
                guard let range = past[index].value else {
                    isStale = true
                    continue
                }
                if report(index, range, readings, body) {
                    past[index].changes += 1
                    isStale = true
                }
            case .absent:
                past[index].value = nil
            case .unreadable, .tooLong:
                break
            }
        }
        if isStale { remember(readings) }
    }

    /// Calls `body` when the value at `index` is not the one remembered at `range`, and says whether it was called.
    private func report(
        _ index: Int, _ range: Range<Int>, _ readings: SysctlReadings,
        _ body: (Int, borrowing Span<UInt8>, borrowing Span<UInt8>) -> Void
    ) -> Bool {
        let old = bytes.span.extracting(range)
        return readings.withValue(at: index) { new in
            if Self.areSame(old, new) { return false }
            body(index, old, new)
            return true
        }
    }

    /// Lays the values out anew: those of the readings, and the old ones of what was not readable.
    private mutating func remember(_ readings: SysctlReadings) {
        var kept: [UInt8] = []
        kept.reserveCapacity(bytes.count)
        for index in readings.readings.indices {
            let start = kept.count
            if case .value = readings.readings[index].state {
                readings.withValue(at: index) { value in for at in value.indices { kept.append(value[at]) } }
            } else if let range = past[index].value {
                kept += bytes[range]
            } else {
                continue
            }
            past[index].value = start..<kept.count
        }
        bytes = kept
    }

    private mutating func adopt(_ other: SysctlTable) {
        let old = Dictionary(uniqueKeysWithValues: zip(table.entries.map(\.name), past))
        past = other.entries.map { old[$0.name] ?? Past() }
        table = other
    }

    private static func areSame(_ a: borrowing Span<UInt8>, _ b: borrowing Span<UInt8>) -> Bool {
        guard a.count == b.count else { return false }
        for index in a.indices where a[index] != b[index] { return false }
        return true
    }
}

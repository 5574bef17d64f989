internal import Exposition
internal import NetnsCore

/// What is asked of the namespaces that are asked the same, with its labels rendered once.
///
/// Concurrency: belongs to the thread that collects.
final class ExpectationList {
    let assertions: [Assertion]
    /// For each entry of the table whether something is asked of it.
    let isAsserted: [Bool]
    /// What a fresh namespace has, for the assertions that compare with it.
    private let fresh: [[UInt8]?]
    /// Where the host has the sysctls of the assertions that compare with it.
    private var hostPositions: [Int?]
    private var hostTable: SysctlTable?
    private let buffer = ByteBuffer()
    /// `,sysctl="...",rule="..."`, and where the labels `source` and `severity` that follow it end.
    private var ranges: [(label: Range<Int>, end: Int)] = []

    init(_ assertions: [Assertion], table: SysctlTable, fresh: (SysctlName) -> [UInt8]?) {
        self.assertions = assertions
        hostPositions = assertions.map { _ in nil }
        var isAsserted = Array(repeating: false, count: table.entries.count)
        for assertion in assertions { if let index = assertion.index { isAsserted[index] = true } }
        self.isAsserted = isAsserted
        self.fresh = assertions.map { $0.check.expectation.reference == .fresh ? fresh($0.sysctl) : nil }
        for assertion in assertions {
            let start = buffer.count
            buffer.addLabel("sysctl", assertion.sysctl.dotted)
            buffer.addLabel("rule", assertion.rule)
            let label = start..<buffer.count
            buffer.addLabel("source", assertion.source.rawValue)
            buffer.addLabel("severity", assertion.severity.rawValue)
            ranges.append((label, buffer.count))
        }
    }

    /// `,sysctl="...",rule="..."` of an assertion.
    func label(at index: Int) -> LabelFragment { LabelFragment(buffer, ranges[index].label) }

    /// `,sysctl="...",rule="...",source="...",severity="..."` of an assertion.
    func longLabel(at index: Int) -> LabelFragment {
        LabelFragment(buffer, ranges[index].label.lowerBound..<ranges[index].end)
    }

    /// Finds the sysctls in the host's table, when that is another than the last time.
    func locate(in table: SysctlTable?) {
        guard table !== hostTable else { return }
        hostTable = table
        for index in assertions.indices where assertions[index].check.expectation.reference == .host {
            hostPositions[index] = table?.index(of: assertions[index].sysctl)
        }
    }

    /// Whether an assertion compares a value with one of the host's that could not be read.
    func isHostUnreadable(for index: Int, _ readings: SysctlReadings, host: NamespaceSample?) -> Bool {
        guard assertions[index].check.expectation.reference == .host, let own = assertions[index].index,
            case .value = readings.readings[own].state
        else { return false }
        guard let host else { return true }
        guard let position = hostPositions[index] else { return false }
        switch host.sysctls.readings[position].state {
        case .unreadable, .tooLong: return true
        case .value, .absent: return false
        }
    }

    /// Calls `body` with the value that an assertion compares with; not, when there is none.
    func withReference(
        of index: Int, host: NamespaceSample?, baseline: [[UInt8]?], _ body: (borrowing Span<UInt8>) -> Void
    ) {
        switch assertions[index].check.expectation.reference {
        case .host:
            guard let host, let position = hostPositions[index], case .value = host.sysctls.readings[position].state
            else { return }
            host.sysctls.withValue(at: position, body)
        case .fresh:
            if let value = fresh[index] { body(value.span) }
        case .baseline:
            if index < baseline.count, let value = baseline[index] { body(value.span) }
        case nil: return
        }
    }
}

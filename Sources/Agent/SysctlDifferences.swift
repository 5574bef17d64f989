internal import NetnsCore
internal import NetnsSystem

/// What differs between the sysctls of two namespaces.
struct SysctlDifferences {
    /// One sysctl that differs; a side that has no value to show says why.
    struct Difference {
        let name: SysctlName
        let a: SysctlSurvey.Entry?
        let b: SysctlSurvey.Entry?
    }

    /// By name.
    private(set) var differences: [Difference] = []
    /// Interfaces that only one side has, whose sysctls are left out.
    private(set) var devicesOfA: [String] = []
    private(set) var devicesOfB: [String] = []
    /// Sysctls of which one side could not be read.
    private(set) var unread: [SysctlName] = []

    /// Compares two namespaces; `all` leaves out no interface.
    init(_ a: SysctlSurvey, _ b: SysctlSurvey, all: Bool) {
        let inA = Set(a.values.keys.lazy.compactMap(\.device))
        let inB = Set(b.values.keys.lazy.compactMap(\.device))
        if !all {
            devicesOfA = inA.subtracting(inB).sorted()
            devicesOfB = inB.subtracting(inA).sorted()
        }
        let leftOut = Set(devicesOfA + devicesOfB)
        for name in Set(a.values.keys).union(b.values.keys) {
            if let device = name.device, leftOut.contains(device) { continue }
            let (left, right) = (a.values[name], b.values[name])
            switch Self.compare(name, left?.value, right?.value) {
            case true?: break
            case false?: differences.append(Difference(name: name, a: left, b: right))
            case nil: unread.append(name)
            }
        }
        differences.sort { $0.name.dotted < $1.name.dotted }
        unread.sort { $0.dotted < $1.dotted }
    }

    /// Whether two values are the same; nil when that cannot be told.
    private static func compare(_ name: SysctlName, _ a: SysctlSurvey.Value?, _ b: SysctlSurvey.Value?) -> Bool? {
        guard let a, let b else { return false }
        switch (a, b) {
        case (.text(let a), .text(let b)): return SysctlInterpretation(name).areEqual(a.utf8Span.span, b.utf8Span.span)
        // Keys are compared by nobody, and what answers with the same error on both sides is made so.
        case (.secret, .secret): return true
        case (.unreadable(let a), .unreadable(let b)) where a == b: return true
        default: return nil
        }
    }
}

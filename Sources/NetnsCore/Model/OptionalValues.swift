/// Up to `capacity` numbers (64 at most) stored in place, of which each may be absent: what a kernel of that age does not
/// print has no value. Copying allocates nothing.
struct OptionalValues<let capacity: Int>: Sendable {
    private var values = InlineArray<capacity, UInt64>(repeating: 0)
    private var present: UInt64 = 0

    /// The number at a position below `capacity`.
    subscript(position: Int) -> UInt64? {
        get { present & 1 << UInt64(position) != 0 ? values[position] : nil }
        set {
            values[position] = newValue ?? 0
            if newValue != nil { present |= 1 << UInt64(position) } else { present &= ~(1 << UInt64(position)) }
        }
    }

    /// Adds to a number that may not be there yet.
    mutating func add(_ value: UInt64, at position: Int) { self[position] = (self[position] ?? 0) &+ value }
}

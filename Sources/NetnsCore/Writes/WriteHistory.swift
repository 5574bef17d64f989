/// The last writes, at most so many of them, each with a number of its own.
///
/// Shape: a ring. The numbers begin at 1 and go on; what is older than the oldest kept is gone.
public struct WriteHistory: Sendable {
    /// A write with its number.
    public struct Entry: Sendable {
        /// Its number: one more than that of the write before.
        public let number: UInt64
        /// The write.
        public let write: SysctlWrite
    }

    /// How many are kept.
    public let capacity: Int
    private var entries: [Entry] = []
    /// Where the oldest is, once the ring is full.
    private var start = 0
    /// The number of the last one; 0 before the first.
    public private(set) var last: UInt64 = 0

    /// An empty history of at most `capacity` writes.
    public init(capacity: Int) { self.capacity = max(capacity, 0) }

    /// Adds a write; the oldest goes when there is no room.
    public mutating func add(_ write: SysctlWrite) {
        last += 1
        guard capacity > 0 else { return }
        let entry = Entry(number: last, write: write)
        if entries.count < capacity {
            entries.append(entry)
        } else {
            entries[start] = entry
            start = (start + 1) % capacity
        }
    }

    /// How many there are.
    public var count: Int { entries.count }

    /// Those with a number above `after` that `isWanted`, the newest `limit` of them, oldest first.
    public func entries(after: UInt64 = 0, limit: Int, _ isWanted: (SysctlWrite) -> Bool = { _ in true }) -> [Entry] {
        var found: [Entry] = []
        for offset in stride(from: entries.count - 1, through: 0, by: -1) {
            let entry = entries[(start + offset) % entries.count]
            guard entry.number > after, found.count < limit else { break }
            if isWanted(entry.write) { found.append(entry) }
        }
        return found.reversed()
    }
}

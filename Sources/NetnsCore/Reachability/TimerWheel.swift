/// Timers by the thousand: setting, cancelling and firing one costs the same however many there are.
///
/// A hashed wheel: a slot for each tick, a list in each slot; a timer that is further off than a turn of the wheel stays in
/// its slot until its turn has come. A timer fires at its time or up to a tick later, never earlier. Source: G. Varghese, T.
/// Lauck, "Hashed and Hierarchical Timing Wheels", 1987, scheme 6.
///
/// Concurrency: a value; belongs to whoever has it.
public struct TimerWheel<Payload: Sendable>: Sendable {
    /// A timer that was set. It is worthless once the timer has fired or was cancelled.
    public struct ID: Hashable, Sendable {
        fileprivate let node: Int
        fileprivate let generation: UInt64
    }

    private struct Node: Sendable {
        var payload: Payload?
        var tick: UInt64 = 0
        var generation: UInt64 = 0
        var next = -1
        var previous = -1
    }

    private static var slotCount: Int { 4096 }

    private let tickNanoseconds: UInt64
    private var heads = [Int](repeating: -1, count: slotCount)
    /// A bit for each slot that has timers.
    private var occupied = [UInt64](repeating: 0, count: slotCount / 64)
    private var nodes: [Node] = []
    private var free: [Int] = []
    /// The tick up to which everything has fired.
    private var done: UInt64
    /// How many timers are set.
    public private(set) var count = 0

    /// A wheel without timers; `tick` in seconds.
    public init(tick: Double, at now: Instant) {
        tickNanoseconds = max(UInt64(tick * 1e9), 1)
        done = now.nanoseconds / tickNanoseconds
    }

    /// Sets a timer. One whose time has passed fires with the next tick.
    public mutating func set(_ payload: Payload, at time: Instant) -> ID {
        // Rounded up: never earlier.
        let tick = max((time.nanoseconds + tickNanoseconds - 1) / tickNanoseconds, done + 1)
        let index: Int
        if let last = free.popLast() {
            index = last
        } else {
            index = nodes.count
            nodes.append(Node())
        }
        let slot = Int(tick % UInt64(Self.slotCount))
        nodes[index].payload = payload
        nodes[index].tick = tick
        nodes[index].generation += 1
        nodes[index].previous = -1
        nodes[index].next = heads[slot]
        if heads[slot] >= 0 { nodes[heads[slot]].previous = index }
        heads[slot] = index
        occupied[slot / 64] |= 1 << UInt64(slot % 64)
        count += 1
        return ID(node: index, generation: nodes[index].generation)
    }

    /// Cancels a timer; nothing happens when it has fired.
    public mutating func cancel(_ id: ID) {
        guard nodes[id.node].generation == id.generation, nodes[id.node].payload != nil else { return }
        remove(id.node)
    }

    /// Takes out every timer whose time has come, in the order of their ticks.
    public mutating func expire(at now: Instant, into fired: inout [Payload]) {
        let current = now.nanoseconds / tickNanoseconds
        guard current > done else { return }
        // Ticks that lie more than a turn back share the slots of the last turn.
        let first = max(done + 1, current &- min(current, UInt64(Self.slotCount) - 1))
        var due: [(tick: UInt64, index: Int)] = []
        for tick in first...current {
            let slot = Int(tick % UInt64(Self.slotCount))
            guard occupied[slot / 64] & 1 << UInt64(slot % 64) != 0 else { continue }
            var index = heads[slot]
            while index >= 0 {
                if nodes[index].tick <= current { due.append((nodes[index].tick, index)) }
                index = nodes[index].next
            }
        }
        done = current
        if due.count > 1 { due.sort { $0.tick < $1.tick } }
        for (_, index) in due {
            if let payload = nodes[index].payload { fired.append(payload) }
            remove(index)
        }
    }

    /// When to look again: the time of the next slot that has timers, which may be for a later turn; nil without timers.
    public var next: Instant? {
        guard count > 0 else { return nil }
        for offset in 1...UInt64(Self.slotCount) {
            let slot = Int((done + offset) % UInt64(Self.slotCount))
            let word = occupied[slot / 64] >> UInt64(slot % 64)
            guard word & 1 != 0 else { continue }
            return Instant(nanoseconds: (done + offset) * tickNanoseconds)
        }
        return nil
    }

    private mutating func remove(_ index: Int) {
        let slot = Int(nodes[index].tick % UInt64(Self.slotCount))
        let previous = nodes[index].previous
        let next = nodes[index].next
        if previous >= 0 { nodes[previous].next = next } else { heads[slot] = next }
        if next >= 0 { nodes[next].previous = previous }
        if heads[slot] < 0 { occupied[slot / 64] &= ~(1 << UInt64(slot % 64)) }
        nodes[index].payload = nil
        free.append(index)
        count -= 1
    }
}

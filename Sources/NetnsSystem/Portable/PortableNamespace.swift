internal import NetnsCore

/// A namespace as the portable engine keeps it between collections: its sample, the ways in, and kept descriptors.
///
/// Concurrency: changed by the engine's thread between, and by one collecting thread during, the visits.
final class PortableNamespace: @unchecked Sendable {
    /// What became of the last visit.
    enum Outcome {
        /// Not tried, or not reached before the deadline.
        case notReached
        /// Read.
        case read
        /// No holder leads to it any more.
        case gone
        /// It is there and could not be entered.
        case unreachable
    }

    let inode: UInt64
    let isHost: Bool
    var sample: NamespaceSample
    var kept = KeptDescriptors()
    var outcome = Outcome.notReached
    /// The ways in, the cheapest first.
    var ways: [Holder] = []
    /// What the deep scan found.
    var deepHolders: [Holder] = []
    /// Whether the filters let it be read and shown.
    var isSelected = true
    /// Whether it is one too many.
    var isLeftOut = false
    /// Links whose driver knows no speed.
    var withoutSpeed: Set<Int32> = []

    init(inode: UInt64, sample: NamespaceSample) {
        self.inode = inode
        self.sample = sample
        isHost = sample.isHost
    }

    /// The kernel has given this inode to another namespace: nothing that was known of the old one is true of it.
    func becomeNew(_ sample: NamespaceSample) {
        sample.name = self.sample.name
        sample.origin = self.sample.origin
        sample.processes = self.sample.processes
        sample.leader = self.sample.leader
        sample.mounts = self.sample.mounts
        sample.holders = self.sample.holders
        self.sample = sample
        kept = KeptDescriptors()
        withoutSpeed = []
    }

    /// Settles how it is held, and how to get in, from what was found.
    func setHolders(process: Int32?, processes: Int) {
        sample.processes = processes
        // A mount of our own costs 2.8 us to open, /proc/PID/ns/net about 10.
        ways.removeAll(keepingCapacity: true)
        for path in sample.mounts { ways.append(.mount(path: path)) }
        if let process { ways.append(.process(pid: process)) }
        ways += deepHolders
        sample.holders = deepHolders
        if processes > 0 || isHost {
            sample.origin = .process
        } else if !sample.mounts.isEmpty {
            sample.origin = .mount
        } else {
            sample.origin = deepHolders.map(\.origin).min() ?? .process
        }
    }
}

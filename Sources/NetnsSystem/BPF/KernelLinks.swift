internal import CNetnsBPF
internal import Glibc
internal import NetnsCore

/// The links of one namespace as the walk of the kernel's lists tells them, without counters.
///
/// The kernel's own dump is what is shown where the namespace can be entered. What the walk tells is held against it; while
/// the walk then tells the same, byte for byte, nothing but the counters can be another, and they alone are asked for. So
/// what a dump found between two changes that undid each other is never kept: it was not what the walk told.
struct KernelLinks {
    /// The records of the walk that read them last, in the kernel's order.
    private var bytes: [UInt8] = []
    /// Whether this collection's walk read them.
    var isFresh = false
    /// Whether a dump has given the sample's links, and all that the records tell is as they have it.
    private(set) var isConfirmed = false
    /// Whether the sample's links are what they were, but for the counters.
    var areCurrent: Bool { isFresh && isConfirmed }
    /// Whether whatever the records are sure of was as the last dump had it.
    private(set) var agrees = false
    /// Whether the sample's links are those of the records.
    private var isShown = false

    /// Takes what the walk told.
    mutating func take(_ records: UnsafeBufferPointer<nd_bpf_link>) {
        isFresh = true
        let raw = UnsafeRawBufferPointer(records)
        let isSame = unsafe bytes.withUnsafeBytes { last in
            guard last.count == raw.count, let one = last.baseAddress, let other = raw.baseAddress else {
                return last.count == raw.count
            }
            return unsafe memcmp(one, other, raw.count) == 0
        }
        if isSame { return }
        unsafe bytes.replaceSubrange(0..<bytes.count, with: raw)
        doubt()
    }

    /// Forgets what was known: it was not read, or the sample's links are about to be others.
    mutating func doubt() {
        isConfirmed = false
        agrees = false
        isShown = false
    }

    /// Holds what the walk told against a dump of the same namespace, whose cookie is given; sorted by index.
    mutating func confirm(_ links: [Link], cookie: UInt64) {
        doubt()
        guard isFresh else { return }
        var told = self.links(of: cookie)
        guard told.count == links.count else { return }
        told.sort { $0.link.index < $1.link.index }
        agrees = zip(told, links).allSatisfy { $0.isIn($1) }
        isConfirmed = agrees && told.allSatisfy { $0.doubts == 0 }
    }

    /// Gives the sample the links as the walk told them.
    mutating func show(in sample: NamespaceSample, cookie: UInt64) {
        guard !isShown else { return }
        doubt()
        sample.links = links(of: cookie).map(\.link)
        sample.links.sort { $0.index < $1.index }
        isShown = true
    }

    private func links(of cookie: UInt64) -> [ToldLink] {
        unsafe bytes.withUnsafeBytes { raw in
            unsafe raw.bindMemory(to: nd_bpf_link.self).map { ToldLink($0, in: cookie) }
        }
    }
}

/// One link as the walk told it, and what cannot be told of it: bits of `nd_bpf_link_doubt`.
private struct ToldLink {
    var link = Link()
    let doubts: UInt8

    /// Source: net/core/rtnetlink.c rtnl_fill_ifinfo(), net/core/dev.c dev_get_flags().
    init(_ record: nd_bpf_link, in cookie: UInt64) {
        doubts = record.doubts
        link.index = Int32(bitPattern: record.ifindex)
        link.name = Self.text(record.name)
        link.kind = Self.text(record.kind)
        link.address = Self.first(Int(record.address_length), of: record.address)
        link.broadcast = Self.first(Int(record.address_length), of: record.broadcast)
        link.hardwareType = record.type
        let isRunning = record.state & Self.isStarted != 0
        let hasCarrier = record.state & Self.hasNoCarrier == 0
        link.flags = record.flags & ~Self.computedFlags | record.requested_flags & Self.requestableFlags
        link.operationalState = OperationalState(rawValue: isRunning ? record.operstate : 2)
        if isRunning {
            // IF_OPER_UNKNOWN counts as up.
            if record.operstate == 0 || record.operstate == 6 { link.flags |= UInt32(IFF_RUNNING) }
            if hasCarrier { link.flags |= Self.lowerUp }
            if record.state & Self.isDormant != 0 { link.flags |= Self.dormant }
        }
        link.carrier = hasCarrier
        link.carrierUpCount = record.carrier_up
        link.carrierDownCount = record.carrier_down
        link.carrierChanges = record.carrier_up &+ record.carrier_down
        link.mtu = record.mtu
        link.transmitQueueLength = record.queue_length
        if record.master != 0 { link.master = Int32(bitPattern: record.master) }
        if record.port_state != UInt8(ND_BPF_NO_PORT) { link.portState = BridgePortState(rawValue: record.port_state) }
        if record.end_cookie != 0 {
            link.link = Int32(bitPattern: record.end)
            if record.end_cookie != cookie { link.linkCookie = record.end_cookie }
        }
    }

    /// Whether all that is sure of it is as a dump has it.
    func isIn(_ dumped: Link) -> Bool {
        guard link.index == dumped.index, link.name == dumped.name, link.kind == dumped.kind,
            link.address == dumped.address, link.broadcast == dumped.broadcast,
            link.hardwareType == dumped.hardwareType, link.flags == dumped.flags,
            link.operationalState == dumped.operationalState, link.carrier == dumped.carrier,
            link.carrierUpCount == dumped.carrierUpCount, link.carrierDownCount == dumped.carrierDownCount,
            link.carrierChanges == dumped.carrierChanges, link.mtu == dumped.mtu,
            link.transmitQueueLength == dumped.transmitQueueLength, link.master == dumped.master
        else { return false }
        if !doubts(ND_BPF_DOUBTS_END) {
            guard link.link == dumped.link, (link.linkCookie != nil) == (dumped.linkNamespace != nil) else {
                return false
            }
        }
        if !doubts(ND_BPF_DOUBTS_PORT), link.portState != dumped.portState { return false }
        return doubts(ND_BPF_DOUBTS_ALIAS) || dumped.alias == nil
    }

    private func doubts(_ what: nd_bpf_link_doubt) -> Bool { UInt32(doubts) & what.rawValue != 0 }

    /// __LINK_STATE_*, include/linux/netdevice.h.
    private static let isStarted: UInt32 = 1 << 0
    private static let hasNoCarrier: UInt32 = 1 << 2
    private static let isDormant: UInt32 = 1 << 4
    /// IFF_LOWER_UP and IFF_DORMANT, <linux/if.h>.
    private static let lowerUp: UInt32 = 1 << 16
    private static let dormant: UInt32 = 1 << 17
    private static let requestableFlags = UInt32(IFF_PROMISC | IFF_ALLMULTI)
    private static let computedFlags = requestableFlags | UInt32(IFF_RUNNING) | lowerUp | dormant

    /// The bytes of an array of C up to its NUL.
    private static func text<T, let size: Int>(_ array: T) -> InlineBytes<size> {
        let length = unsafe withUnsafeBytes(of: array) { unsafe $0.firstIndex(of: 0) ?? $0.count }
        return first(length, of: array)
    }

    /// The first bytes of an array of C, as many as it has.
    private static func first<T, let size: Int>(_ count: Int, of array: T) -> InlineBytes<size> {
        unsafe withUnsafeBytes(of: array) { bytes in
            InlineBytes(
                unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: bytes.prefix(min(count, bytes.count)))))
        }
    }
}

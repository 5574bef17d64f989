internal import CLinux
internal import CMnl
internal import Glibc
internal import NetnsCore

/// How much of a ruleset is read before it is `tooMany`.
struct FilterLimits: Sendable {
    /// Chains and rules together. A Kubernetes node with some thousand services has some ten thousand.
    var rules = 50_000
    /// Sets that rules look something up in.
    var sets = 2_000
    /// Elements of one set, beyond which it counts as not read.
    var elements = 100_000
    /// Bytes of messages in all.
    var bytes = 48 << 20
}

extension NetlinkSocket {
    fileprivate static func ofNetfilter() throws(NetlinkError) -> NetlinkSocket {
        do throws(Errno) { return try NetlinkSocket(Int32(NETLINK_NETFILTER)) } catch { throw .errno(error) }
    }

    /// Reads the tables, chains, rules and sets of nf_tables into `table`; the socket is one of NETLINK_NETFILTER.
    ///
    /// All of it is of one generation, else it is read again. A kernel without nf_tables has no table. It takes
    /// CAP_NET_ADMIN over the namespace. Where no table was ever made, asking makes the kernel load the module.
    mutating func readFilter(
        into table: inout FilterTable, limits: FilterLimits = FilterLimits(), buffer: NetlinkBuffer
    ) throws(NetlinkError) {
        try untilConsistent { (socket) throws(NetlinkError) in
            table = FilterTable()
            var reading = FilterReading(limits: limits)
            // EINVAL and EOPNOTSUPP: nobody serves NFNL_SUBSYS_NFTABLES (nfnetlink_rcv_msg()).
            do throws(NetlinkError) {
                try socket.dumpFilter(NftConstant.getTable, NftConstant.newTable, &reading, &table, buffer)
            } catch {
                if case .errno(let errno) = error, errno == .invalid || errno == .notSupported { return }
                throw error
            }
            try socket.dumpFilter(NftConstant.getChain, NftConstant.newChain, &reading, &table, buffer)
            try socket.dumpFilter(NftConstant.getRule, NftConstant.newRule, &reading, &table, buffer)
            try socket.dumpFilter(NftConstant.getSet, NftConstant.newSet, &reading, &table, buffer)
            let wanted = table.setsLookedUp
            if wanted.count > limits.sets { throw .tooMany }
            for id in wanted {
                do throws(NetlinkError) {
                    try socket.dumpElements(of: id, &reading, &table, buffer)
                } catch {
                    // Its name has bytes that are not printable, and so cannot be asked for.
                    guard case .errno(.noSuchFile) = error else { throw error }
                    table.sets[id]?.elements = nil
                }
            }
        }
    }

    private mutating func dumpFilter(
        _ request: UInt16, _ answer: UInt16, _ reading: inout FilterReading, _ table: inout FilterTable,
        _ buffer: NetlinkBuffer
    ) throws(NetlinkError) {
        var count = 0
        var isOther = false
        try dump(request, headerLength: MemoryLayout<nfgenmsg>.size, buffer: buffer) {
            (header, payload) throws(NetlinkDecodingError) in
            guard header.type == answer else { return .next }
            count += 1
            if count > reading.limits.rules || !reading.hasRoom(for: payload.byteCount) { return .stop }
            if !(try reading.isSame(FilterTable.generation(payload))) { isOther = true }
            try table.add(decoding: payload, type: header.type)
            return .next
        }
        if count > reading.limits.rules || reading.isFull { throw .tooMany }
        if isOther { throw .interrupted }
    }

    /// Reads what is in one set; nothing when that is too much.
    private mutating func dumpElements(
        of id: FilterSet.ID, _ reading: inout FilterReading, _ table: inout FilterTable, _ buffer: NetlinkBuffer
    ) throws(NetlinkError) {
        var isOther = false
        table.sets[id]?.elements = []
        try unsafe request(
            NftConstant.getElement, dump: true, buffer: buffer,
            { header in
                guard let extra = unsafe mnl_nlmsg_put_extra_header(header, MemoryLayout<nfgenmsg>.size) else {
                    return
                }
                var request = nfgenmsg()
                request.nfgen_family = id.family.rawValue
                unsafe extra.storeBytes(of: request, as: nfgenmsg.self)
                unsafe mnl_attr_put_strz(header, NftConstant.elementsTable, id.table)
                unsafe mnl_attr_put_strz(header, NftConstant.elementsSet, id.name)
            },
            { (header, payload) throws(NetlinkDecodingError) in
                guard header.type == NftConstant.newElement else { return .next }
                guard reading.hasRoom(for: payload.byteCount) else { return .stop }
                if !(try reading.isSame(FilterTable.generation(payload))) { isOther = true }
                guard let count = table.sets[id]?.elements?.count, count <= reading.limits.elements else {
                    table.sets[id]?.elements = nil
                    return .next
                }
                try table.add(decoding: payload, type: header.type)
                return .next
            })
        if reading.isFull { throw .tooMany }
        if isOther { throw .interrupted }
    }
}

extension FilterTable {
    /// Reads the ruleset of the namespace that the calling thread is in, and whether there are tables of
    /// iptables-legacy beside it.
    static func read(
        procfs: String, limits: FilterLimits = FilterLimits(), buffer: NetlinkBuffer
    ) throws(NetlinkError) -> FilterTable {
        var table = FilterTable()
        var socket = try NetlinkSocket.ofNetfilter()
        try socket.readFilter(into: &table, limits: limits, buffer: buffer)
        var files = NetworkFiles(procfs: procfs)
        table.hasLegacyTables = hasLegacyTables(&files)
        return table
    }

    /// Each file has the names of the tables that were ever used in the namespace, a line each; it is not there where the
    /// kernel has no such tables at all. nil when one could not be read.
    private static func hasLegacyTables(_ files: inout NetworkFiles) -> Bool? {
        var found = false
        for name in ["ip_tables_names", "ip6_tables_names"] {
            do throws(NetlinkError) {
                _ = try files.read(name) { if $0.byteCount > 0 { found = true } }
            } catch { return nil }
        }
        return found
    }
}

/// What several dumps of one ruleset have in common.
private struct FilterReading {
    let limits: FilterLimits
    private var generation: UInt16?
    private var bytes = 0

    init(limits: FilterLimits) { self.limits = limits }

    /// Whether it was more than is read.
    var isFull: Bool { bytes > limits.bytes }

    /// Takes a message's bytes into account; false when it is one too many.
    mutating func hasRoom(for count: Int) -> Bool {
        bytes += count
        return !isFull
    }

    /// Whether a message is of the generation of those before it.
    mutating func isSame(_ other: UInt16) -> Bool {
        if generation == nil { generation = other }
        return generation == other
    }
}

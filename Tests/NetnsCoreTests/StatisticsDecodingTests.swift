import CLinux
import TestSupport
import Testing

@testable import NetnsCore

/// Sockets, connection tracking, TCP states, queueing disciplines and CPUs: as the kernel tells of them, and broken.
@Suite struct StatisticsDecodingTests {
    private static func sockets(_ texts: [UInt8]...) -> SocketStatistics {
        var sockets = SocketStatistics()
        for text in texts { unsafe sockets.add(decoding: text.span.bytes) }
        return sockets
    }

    @Test func sockstat() throws {
        let sockets = Self.sockets(try fixture("sockstat.txt"), try fixture("sockstat6.txt"))
        for statistic in SocketStatistic.allCases { #expect(sockets[statistic] != nil, "\(statistic)") }
        let other = Self.sockets(
            Array("TCP: mem 7 newer 9 tw 3 inuse 1\nNEW: inuse 5\nUDP: inuse 2\nTCP6: inuse 4\nsockets: used 8\n".utf8))
        let expected: [SocketStatistic: UInt64] = [
            .tcpMemory: 7, .tcpTimeWait: 3, .tcpInUse: 1, .udpInUse: 2, .tcp6InUse: 4, .used: 8,
        ]
        for statistic in SocketStatistic.allCases { #expect(other[statistic] == expected[statistic], "\(statistic)") }
        let broken = Self.sockets(Array("TCP: inuse -1 tw x3 mem\nTCP: inuse\n\n:\nUDP inuse 3\nRAW: inuse 4".utf8))
        for statistic in SocketStatistic.allCases { #expect(broken[statistic] == nil, "\(statistic)") }
    }

    @Test func sockstatIsCutAnywhere() throws {
        let bytes = try fixture("sockstat.txt")
        let whole = Self.sockets(bytes)
        for length in bytes.indices {
            let part = Self.sockets(Array(bytes.prefix(length)))
            for statistic in SocketStatistic.allCases {
                #expect(part[statistic] == nil || part[statistic] == whole[statistic])
            }
        }
    }

    private static func softnet(_ text: [UInt8]) -> [SoftnetStatistics] {
        var cpus: [SoftnetStatistics] = []
        unsafe SoftnetStatistics.read(text.span.bytes, into: &cpus)
        return cpus
    }

    @Test func softnet() throws {
        let bytes = try fixture("softnet_stat.txt")
        let cpus = Self.softnet(bytes)
        #expect(cpus.map(\.cpu) == [0, 1])
        for column in SoftnetStatistics.Column.allCases { #expect(cpus[0][column] != nil) }
        #expect(cpus[0][.processed] ?? 0 > 0)
        // Before Linux 5.10, and before 3.9; a CPU is offline; numbers of 64 bits.
        let old = Self.softnet(Array("0000000a 00000001 00000002\n0000000B 0 0 0 0 0 0 0 0 3 4\n".utf8))
        #expect(old.map(\.cpu) == [0, 1] && old[0][.timeSqueezed] == 2 && old[0][.receivedRPS] == nil)
        #expect(old[1][.processed] == 11 && old[1][.flowLimited] == 4 && old[1][.backlog] == nil)
        let sparse = Self.softnet(
            Array("1 0 0 0 0 0 0 0 0 0 0 0 00000003 0 0\nffffffffffffffff 10000000000000000\n".utf8))
        #expect(sparse.map(\.cpu) == [3, 1] && sparse[1][.processed] == .max && sparse[1][.dropped] == nil)
        for length in bytes.indices {
            for (part, whole) in zip(Self.softnet(Array(bytes.prefix(length))), cpus) {
                for column in SoftnetStatistics.Column.allCases { #expect(part[column] == whole[column]) }
            }
        }
        #expect(Self.softnet(Array("x\n\n\n".utf8)).isEmpty)
    }

    private static func bigEndian(_ type: UInt16, _ value: UInt32) -> [UInt8] {
        Netlink.attribute(type, bytes(value.bigEndian))
    }

    private static func conntrack(global: [UInt8], cpus: [[UInt8]]) throws -> ConntrackStatistics {
        var statistics = ConntrackStatistics()
        try unsafe statistics.set(decoding: global.span.bytes)
        for cpu in cpus { try unsafe statistics.add(decoding: cpu.span.bytes) }
        return statistics
    }

    @Test func conntrack() throws {
        let header: [UInt8] = [0, 0, 0, 1]
        let statistics = try Self.conntrack(
            global: header + Self.bigEndian(1, 9) + Self.bigEndian(2, 262_144) + Self.bigEndian(77, 1),
            cpus: [
                header + Self.bigEndian(2, 3) + Self.bigEndian(10, .max) + Self.bigEndian(15, 1),
                header + Self.bigEndian(10, .max) + Self.bigEndian(2, 4) + Self.bigEndian(99, 5),
            ])
        #expect(statistics.entries == 9 && statistics.limit == 262_144)
        #expect(statistics[.found] == 7 && statistics[.chainTooLong] == 1 && statistics[.insert] == nil)
        // Counted in 32 bits on each CPU.
        #expect(statistics[.drop] == 2 * UInt64(UInt32.max))
        // Before Linux 4.18 there is no limit.
        #expect(try Self.conntrack(global: header + Self.bigEndian(1, 9), cpus: []).limit == nil)
        #expect(try Self.conntrack(global: header + Netlink.attribute(1, [1, 2]), cpus: []).entries == nil)
        #expect(throws: NetlinkDecodingError.tooShort(type: ConntrackConstant.getStatistics, length: 3)) {
            try Self.conntrack(global: [0, 0, 0], cpus: [])
        }
        #expect(throws: NetlinkDecodingError.attributeLength(type: 1, length: 60)) {
            try Self.conntrack(global: header + Netlink.attribute(1, [0, 0, 0, 1], length: 60), cpus: [])
        }
    }

    @Test func tcpStates() throws {
        var counts = TCPStateCounts()
        for (family, state) in [(2, 1), (2, 1), (10, 10), (2, 12), (2, 0), (1, 1), (10, 6), (2, 200)]
            as [(UInt8, UInt8)]
        {
            let message = [family, state] + [UInt8](repeating: 0, count: 70)
            try unsafe counts.add(decoding: message.span.bytes)
        }
        #expect(counts[.ipv4, .established] == 2 && counts[.ipv6, .listen] == 1 && counts[.ipv6, .timeWait] == 1)
        var total = 0
        for family in IPFamily.allCases { for state in TCPState.allCases { total += counts[family, state] } }
        #expect(total == 4)
        #expect(throws: NetlinkDecodingError.tooShort(type: 20, length: 71)) {
            let message = [UInt8](repeating: 2, count: 71)
            try unsafe counts.add(decoding: message.span.bytes)
        }
    }

    private static func qdisc(_ payload: [UInt8]) throws -> Qdisc? { try unsafe Qdisc(decoding: payload.span.bytes) }

    private static func message(kind: String, _ statistics: [UInt8]) -> [UInt8] {
        [0, 0, 0, 0] + bytes(Int32(7)) + bytes(UInt32(0x8001_0000)) + bytes(UInt32.max) + bytes(UInt32(2))
            + Netlink.attribute(1, Array(kind.utf8) + [0]) + Netlink.attribute(7, statistics)
    }

    @Test func qdiscs() throws {
        let basic = Netlink.attribute(1, bytes(UInt64(1) << 40) + bytes(UInt32(5)) + bytes(UInt32(0)))
        let queue = Netlink.attribute(3, [1, 2, 3, 4, 5].flatMap { bytes(UInt32($0)) })
        let whole = Self.message(kind: "tbf", basic + queue)
        let qdisc = try #require(try Self.qdisc(whole))
        #expect(qdisc.link == 7 && qdisc.handle == 0x8001_0000 && qdisc.parent == Qdisc.root)
        #expect(qdisc.kind == InlineBytes("tbf") && qdisc.bytes == 1 << 40 && qdisc.packets == 5)
        #expect(qdisc.queued == 1 && qdisc.backlog == 2 && qdisc.drops == 3 && qdisc.requeues == 4)
        #expect(qdisc.overlimits == 5)
        let more = Netlink.attribute(8, bytes(UInt64(1) << 33))
        #expect(try Self.qdisc(Self.message(kind: "tbf", more + basic))?.packets == 1 << 33)
        #expect(try Self.qdisc(Self.message(kind: "tbf", []))?.drops == nil)
        #expect(try Self.qdisc(Self.message(kind: "noqueue", queue)) == nil)
        for length in whole.indices {
            guard let part = try? Self.qdisc(Array(whole.prefix(length))) else { continue }
            #expect(part.drops == nil || part.drops == 3)
        }
    }

    @Test func noise() throws {
        let queue = Netlink.attribute(3, [1, 2, 3, 4, 5].flatMap { bytes(UInt32($0)) })
        let originals = [
            Self.message(kind: "fq_codel", queue), [0, 0, 0, 1] + Self.bigEndian(1, 9) + Self.bigEndian(2, 7),
            try fixture("sockstat.txt"), try fixture("softnet_stat.txt"),
        ]
        var generator = SplitMix64(seed: 5)
        for original in originals {
            for _ in 0..<2000 {
                var message = original
                for _ in 0..<UInt8.random(in: 1...8, using: &generator) {
                    message[Int.random(in: message.indices, using: &generator)] = .random(
                        in: 0...255, using: &generator)
                }
                _ = try? Self.qdisc(message)
                _ = try? Self.conntrack(global: message, cpus: [message])
                _ = Self.sockets(message)
                #expect(Self.softnet(message).count <= message.count)
            }
        }
    }

    @Test func constants() {
        #expect(Int(NetlinkConstant.newQdisc) == Int(RTM_NEWQDISC))
        #expect(QdiscAttribute.headerLength == MemoryLayout<tcmsg>.size)
        #expect(MemoryLayout<tcmsg>.offset(of: \.tcm_ifindex) == 4)
        #expect(MemoryLayout<tcmsg>.offset(of: \.tcm_handle) == 8)
        #expect(MemoryLayout<tcmsg>.offset(of: \.tcm_parent) == 12)
        #expect(MemoryLayout<gnet_stats_basic>.offset(of: \.packets) == 8)
        let queue: [(PartialKeyPath<gnet_stats_queue>, Int)] = [
            (\.qlen, 0), (\.backlog, 4), (\.drops, 8), (\.requeues, 12), (\.overlimits, 16),
        ]
        for (path, offset) in queue { #expect(MemoryLayout<gnet_stats_queue>.offset(of: path) == offset) }
        let pairs: [(Int, Int)] = [
            (Int(QdiscAttribute.kind), Int(TCA_KIND)), (Int(QdiscAttribute.statistics), Int(TCA_STATS2)),
            (Int(QdiscAttribute.basic), Int(TCA_STATS_BASIC)), (Int(QdiscAttribute.queue), Int(TCA_STATS_QUEUE)),
            (Int(QdiscAttribute.packets64), Int(TCA_STATS_PKT64)),
            (Int(ConntrackConstant.globalEntries), Int(CTA_STATS_GLOBAL_ENTRIES.rawValue)),
            (
                Int(ConntrackConstant.getStatistics),
                Int(NFNL_SUBSYS_CTNETLINK) << 8 | Int(IPCTNL_MSG_CT_GET_STATS.rawValue)
            ),
            (
                Int(ConntrackConstant.getStatisticsOfCPU),
                Int(NFNL_SUBSYS_CTNETLINK) << 8 | Int(IPCTNL_MSG_CT_GET_STATS_CPU.rawValue)
            ),
            (ConntrackCounter.found.rawValue, Int(CTA_STATS_FOUND.rawValue)),
            (ConntrackCounter.invalid.rawValue, Int(CTA_STATS_INVALID.rawValue)),
            (ConntrackCounter.insert.rawValue, Int(CTA_STATS_INSERT.rawValue)),
            (ConntrackCounter.insertFailed.rawValue, Int(CTA_STATS_INSERT_FAILED.rawValue)),
            (ConntrackCounter.drop.rawValue, Int(CTA_STATS_DROP.rawValue)),
            (ConntrackCounter.earlyDrop.rawValue, Int(CTA_STATS_EARLY_DROP.rawValue)),
            (ConntrackCounter.error.rawValue, Int(CTA_STATS_ERROR.rawValue)),
            (ConntrackCounter.searchRestart.rawValue, Int(CTA_STATS_SEARCH_RESTART.rawValue)),
            (ConntrackCounter.clashResolve.rawValue, Int(CTA_STATS_CLASH_RESOLVE.rawValue)),
            (ConntrackCounter.chainTooLong.rawValue, Int(CTA_STATS_CHAIN_TOOLONG.rawValue)),
            (TCPStateCounts.messageLength, MemoryLayout<inet_diag_msg>.size),
            (0, MemoryLayout<inet_diag_msg>.offset(of: \.idiag_family) ?? -1),
            (1, MemoryLayout<inet_diag_msg>.offset(of: \.idiag_state) ?? -1),
            (ConntrackConstant.headerLength, MemoryLayout<nfgenmsg>.size),
            (Int(ConntrackConstant.globalMaximum), Int(CTA_STATS_GLOBAL_MAX_ENTRIES.rawValue)),
        ]
        for (ours, kernels) in pairs { #expect(ours == kernels) }
    }
}

import NetnsCore

@testable import Agent

/// Counters as the kernel prints them; made by the decoders, since nothing else may set them.
extension Samples {
    /// Of each kind one: with and without a name of ours, with and without a version, in milliseconds, without a value.
    static let mib = MIBSelection([
        MIBField(.tcp, "RetransSegs"), MIBField(.tcp, "CurrEstab"), MIBField(.tcp, "RtoMin"), MIBField(.tcp, "MaxConn"),
        MIBField(.udp, "NoPorts"), MIBField(.udp6, "NoPorts"), MIBField(.tcpExt, "TCPDSACKRecv"),
        MIBField(.ip6, "InMcastPkts"), MIBField(.udpLite, "InErrors"), MIBField(.udpLite6, "InErrors"),
    ])

    private static let files: [(MIBFile, String)] = [
        (.snmp, "Tcp: RtoMin MaxConn CurrEstab RetransSegs\nTcp: 200 -1 4 18446744073709551615\n"),
        (.snmp, "Udp: NoPorts\nUdp: 5\nUdpLite: InErrors\nUdpLite: 8\n"),
        (.snmp6, "Udp6NoPorts   \t6\nIp6InMcastPkts   \t7\nUdpLite6InErrors   \t9\n"),
        (.netstat, "TcpExt: TCPDSACKRecv\nTcpExt: 10\n"),
    ]

    /// Gives a namespace with links 2 and 3 some of each.
    static func addStatistics(to sample: NamespaceSample) {
        var parser = MIBParser(mib)
        sample.mib.begin(mib)
        for (file, text) in files {
            let bytes = Array(text.utf8)
            unsafe parser.parse(bytes.span.bytes, of: file, into: &sample.mib)
        }
        let sockets = Array(
            """
            sockets: used 37
            TCP: inuse 1 orphan 2 tw 3 alloc 4 mem 5
            UDP: inuse 6 mem 7
            FRAG: inuse 8 memory 9
            TCP6: inuse 10
            FRAG6: inuse 0 memory 0

            """.utf8)
        unsafe sample.sockets.add(decoding: sockets.span.bytes)
        read(
            ["softnet_stat": "0000000a 0 1 0 0 0 0 0 0 2 3 4 00000000\n0000000b 0 1 0 0 0 0 0 0 2\n"],
            for: SoftnetCollector.self, into: sample)
        let header: [UInt8] = [0, 0, 0, 0]
        let global = header + [8, 0, 1, 0, 0, 0, 1, 0] + [8, 0, 2, 0, 0, 4, 0, 0]
        unsafe (try? sample.conntrack.set(decoding: global.span.bytes)) ?? ()
        let counters = header + [8, 0, 10, 0, 0, 0, 0, 3] + [8, 0, 15, 0, 0, 0, 0, 0]
        unsafe (try? sample.conntrack.add(decoding: counters.span.bytes)) ?? ()
        for (family, state) in [(2, 1), (2, 10), (10, 6)] as [(UInt8, UInt8)] {
            let message = [family, state] + [UInt8](repeating: 0, count: 70)
            unsafe (try? sample.tcpStates.add(decoding: message.span.bytes)) ?? ()
        }
        sample.qdiscs = [
            qdisc(2, handle: 0x8001_0000, parent: .max, seed: 1),
            qdisc(2, handle: 0xFFFF_0000, parent: 0xFFFF_FFF1, seed: 9),
            qdisc(3, handle: 0, parent: 0x8001_000A, seed: 20), qdisc(77, handle: 0, parent: .max, seed: 30),
        ].compactMap { $0 }
    }

    private static func qdisc(_ link: UInt8, handle: UInt32, parent: UInt32, seed: UInt8) -> Qdisc? {
        func word(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
        var message: [UInt8] = [0, 0, 0, 0, link, 0, 0, 0] + word(handle) + word(parent) + word(0)
        message += [8, 0, 1, 0] + Array("tbf".utf8) + [0]
        let basic: [UInt8] = [20, 0, 1, 0] + word(UInt32(seed)) + word(0) + word(UInt32(seed) + 1) + word(0)
        let queue: [UInt8] = [24, 0, 3, 0] + (2...6).flatMap { word(UInt32(seed) + $0) }
        message += [48, 0, 7, 0] + basic + queue
        return unsafe (try? Qdisc(decoding: message.span.bytes)) ?? nil
    }
}

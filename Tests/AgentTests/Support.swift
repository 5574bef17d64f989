import Foundation
import Logging
import NetnsSystem
import Synchronization
import Web

@testable import Agent
@testable import Exposition
@testable import NetnsCore

/// An engine that has seen what a test says it has.
final class FakeEngine: NamespaceEngine {
    var namespaces: [NamespaceSample]
    var report = CollectionReport()
    /// What was asked for.
    var asked: [(parts: CollectionParts, deadline: Instant?)] = []

    /// What cannot be read.
    var unread: CollectionParts = []

    init(_ namespaces: [NamespaceSample]) { self.namespaces = namespaces }

    var linkedNamespaces: [NamespaceSample] { namespaces }

    func reconfigure(_ settings: EngineSettings) {}

    func sites() -> [ProbeSite] { [] }

    /// What was asked to be read anew.
    var refreshed: [Set<UInt64>] = []
    var trustReport = SysctlTrustReport()

    func refreshSysctls(of cookies: Set<UInt64>) throws -> [NamespaceSample] {
        refreshed.append(cookies)
        return namespaces.filter { $0.cookie.map { cookies.contains($0) } ?? false }
    }

    func collect(_ parts: CollectionParts, until deadline: Instant?) throws -> CollectionReport {
        asked.append((parts, deadline))
        for namespace in namespaces {
            namespace.hasLinks = parts.contains(.links)
            namespace.hasSysctls = parts.contains(.sysctls)
            let read = parts.subtracting(unread)
            namespace.hasAddresses = read.contains(.addresses)
            namespace.hasRoutes = read.contains(.routes)
            namespace.hasNeighbours = read.contains(.neighbours)
            namespace.hasMIB = read.contains(.mib)
            namespace.hasSockets = read.contains(.sockets)
            namespace.hasConntrack = read.contains(.conntrack)
            namespace.hasTCPStates = read.contains(.tcpStates)
            namespace.hasQdiscs = read.contains(.qdiscs)
            for (index, type) in fileCollectors.enumerated() where index < namespace.readings.count {
                namespace.readings[index].wasRead =
                    read.contains(type.parts) && (namespace.isHost || !type.engineSource.inHostAlone)
            }
        }
        var topology = Topology()
        topology.resolve(namespaces)
        return report
    }
}

/// An exposer over samples, and how it is asked.
struct Stage {
    let engine: FakeEngine
    let scene: Scene
    let state: AgentState
    let exposer: Exposer
    let enabled: Set<CollectorName>

    init(
        _ namespaces: [NamespaceSample], include: String? = nil, exclude: String? = nil, hostVeths: Bool = false,
        maximumDevices: Int = 1000, drift: DriftConfiguration = DriftConfiguration(),
        references: DriftMonitor.References = .init(), maximumAddresses: Int = 1000,
        enabled: Set<CollectorName> = Set(CollectorName.allCases), fresh: FreshSysctls? = nil
    ) throws {
        engine = FakeEngine(namespaces)
        scene = Scene(
            filter: try DeviceFilter(include: include, exclude: exclude), includesHostVeths: hostVeths,
            maximumDevices: maximumDevices, maximumAddresses: maximumAddresses)
        state = AgentState(ledger: ErrorLedger(), startTime: 1_700_000_000.5)
        exposer = try Exposer(
            engine: engine, scene: scene, state: state, collectors: enabled, mib: Samples.mib,
            drift: DriftMonitor(drift, references, logger: Self.silent), fresh: fresh,
            now: { 1_700_000_100.125 })
        self.enabled = enabled
    }

    /// A logger that says nothing.
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }

    /// One collection, written.
    func expose(_ format: ExpositionFormat = .text, _ names: Set<CollectorName>? = nil) throws -> String {
        try exposer.collect(names ?? enabled, until: nil)
        return try render(format, names)
    }

    /// The last collection, written.
    func render(_ format: ExpositionFormat, _ names: Set<CollectorName>? = nil) throws -> String {
        let body = try exposer.render(Exposer.Variant(format: format, gzip: false), names ?? enabled)
        let bytes = body.withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension String {
    /// The lines that are samples.
    var samples: [Substring] { split(separator: "\n").filter { !$0.hasPrefix("#") } }

    /// The samples of one name.
    func samples(of name: String) -> [Substring] {
        samples.filter { $0.hasPrefix(name + "{") || $0.hasPrefix(name + " ") }
    }
}

/// Hand-made samples.
enum Samples {
    static func namespace(
        _ name: String, inode: UInt64, isHost: Bool = false, origin: Origin = .process, links: [Link] = [],
        sysctls: [(String, Sysctl)] = []
    ) throws -> NamespaceSample {
        let table = SysctlTable(try sysctls.map { try SysctlName($0.0) })
        let sample = NamespaceSample(
            serial: inode, inode: inode, isHost: isHost, firstSeen: 1_700_000_000.25, table: table)
        sample.name = name
        sample.origin = origin
        sample.wasRead = true
        sample.hasLinks = true
        sample.hasSysctls = true
        sample.links = links
        sample.sysctls.begin(table)
        let values = Dictionary(uniqueKeysWithValues: sysctls)
        for entry in table.entries {
            switch values[entry.name.dotted] ?? .state(.absent) {
            case .value(let text):
                let bytes = Array(text.utf8)
                unsafe sample.sysctls.append(value: bytes.span.bytes, isText: entry.isText)
            case .state(let state): sample.sysctls.append(state)
            }
        }
        return sample
    }

    /// What a sysctl is to have been found as.
    enum Sysctl {
        case value(String)
        case state(SysctlReadings.State)
    }

    static func link(
        _ index: Int32, _ name: [UInt8], kind: String = "", counters: Int = 25, seed: UInt64 = 0
    ) -> Link {
        var link = Link()
        link.index = index
        link.name = unsafe InlineBytes<16>(name.span.bytes)
        link.kind = InlineBytes<24>(kind)
        link.flags = 0x1043
        link.operationalState = .up
        link.carrier = true
        link.carrierChanges = 3
        link.carrierUpCount = 2
        link.carrierDownCount = 1
        link.mtu = 1500
        link.transmitQueueLength = 1000
        let address: [UInt8] = [2, 0, 0, 0, 0x0A, UInt8(truncatingIfNeeded: index)]
        link.address = unsafe InlineBytes<32>(address.span.bytes)
        link.broadcast = unsafe InlineBytes<32>([UInt8](repeating: 0xFF, count: 6).span.bytes)
        link.statistics = statistics(counters, seed)
        return link
    }

    static func link(_ index: Int32, _ name: String, kind: String = "", seed: UInt64 = 0) -> Link {
        link(index, Array(name.utf8), kind: kind, seed: seed)
    }

    /// Counter N is `seed` + N; made by the decoder, since nothing else may set them.
    private static func statistics(_ count: Int, _ seed: UInt64) -> LinkStatistics {
        var message: [UInt8] = [UInt8](repeating: 0, count: 16)
        message += [5, 0, 3, 0, 0x78, 0, 0, 0]
        message += [UInt8(count * 8 + 4), 0, 23, 0]
        for number in 0..<count {
            let value = seed + UInt64(number)
            for byte in 0..<8 { message.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(byte)))) }
        }
        return unsafe (try? Link(decoding: message.span.bytes))?.statistics ?? LinkStatistics()
    }

    /// The three namespaces of the golden files.
    static func three() throws -> [NamespaceSample] { [try container(), try hostile(), try host()] }

    private static func host() throws -> NamespaceSample {
        var loopback = link(1, "lo", seed: 100)
        loopback.operationalState = OperationalState(rawValue: 0)
        loopback.flags = 0x49
        loopback.mtu = 65536
        var ethernet = link(2, "eth0", seed: UInt64.max - 24)
        ethernet.speed = 1_250_000_000
        ethernet.duplex = "full"
        ethernet.alias = Array("uplink \"a\" \\ é".utf8)
        var veth = link(7, "veth7", kind: "veth", seed: 300)
        veth.linkNamespace = 4
        veth.link = 2
        veth.master = 2
        veth.portState = BridgePortState(rawValue: 3)
        var local = link(8, "veth8", kind: "veth", seed: 400)
        local.link = 10
        let sample = try namespace(
            "host", inode: 4_026_531_840, isHost: true, links: [loopback, ethernet, veth, local],
            sysctls: [
                ("net.ipv4.ip_forward", .value("1\n")), ("net.ipv4.tcp_rmem", .value("4096\t131072\t6291456\n")),
                ("net.ipv4.tcp_congestion_control", .value("cubic\n")),
                ("net.ipv4.ip_local_reserved_ports", .value("8080\n")), ("net.core.somaxconn", .value("4096\n")),
            ])
        sample.processes = 212
        addStatistics(to: sample)
        sample.leader = LeaderProcess(pid: 1, uid: 0, user: "root", command: "systemd")
        return sample
    }

    private static func container() throws -> NamespaceSample {
        var ethernet = link(2, Array("eth0".utf8), kind: "veth", counters: 24, seed: 500)
        ethernet.linkNamespace = 0
        ethernet.link = 7
        var down = Link()
        down.index = 3
        down.name = InlineBytes("eth0.100")
        down.kind = InlineBytes("vlan")
        down.operationalState = OperationalState(rawValue: 2)
        down.carrier = false
        down.link = 2
        let sample = try namespace(
            "prod/web-0", inode: 4_026_532_177, links: [ethernet, down],
            sysctls: [
                ("net.ipv4.ip_local_port_range", .value("32768\t60999\n")), ("net.ipv4.ip_forward", .value("0\n")),
                ("net.ipv4.tcp_congestion_control", .value("bbr\n")),
                ("net.ipv4.conf.eth0/100.rp_filter", .value("2\n")),
                ("net.netfilter.nf_conntrack_max", .state(.absent)),
                ("net.ipv4.tcp_fastopen", .state(.unreadable(13))),
                ("net.ipv4.ip_local_reserved_ports", .value("\n")),
                ("net.ipv4.tcp_allowed_congestion_control", .state(.tooLong)),
                ("net.ipv4.tcp_notsent_lowat", .value("4294967295\n")), ("net.ipv4.icmp_msgs", .value("-1\n")),
            ])
        addNetwork(to: sample)
        addStatistics(to: sample)
        sample.nsid = 4
        sample.isWritableInside = false
        sample.containers = [
            Container(
                id: "0123456789abcdef", runtime: .containerd, name: nil, pod: "web-0", podNamespace: "prod",
                isSandbox: true, network: .path("/run/netns/cni-1"), pid: 4711, startTime: 1, created: 10,
                declared: try [
                    ("net.ipv4.ip_forward", "0"), ("net.ipv4.tcp_congestion_control", "cubic"),
                    ("net.ipv4.tcp_fastopen", "1"), ("net.netfilter.nf_conntrack_max", "1"),
                ].map { DeclaredSysctl(name: try SysctlName($0.0), value: $0.1) }, owner: 0)
        ]
        sample.processes = 3
        sample.leader = LeaderProcess(pid: 4711, uid: 101, user: "101", command: "nginx: \"m\"")
        return sample
    }

    /// Two names look equal once what is no UTF-8 is written out.
    private static func hostile() throws -> NamespaceSample {
        let sample = try namespace(
            #"evil\x0a"b"\"#, inode: 4_026_532_200, origin: .fd,
            links: [
                link(2, #"q"b\s"#, seed: 600), link(3, [0x61, 0xFF], seed: 700), link(4, #"a\xff"#, seed: 800),
                link(5, Array("nl\n".utf8), seed: 900),
            ], sysctls: [("net.ipv4.tcp_congestion_control", .value("a\"b\\c\u{1}"))])
        sample.nsid = 0
        return sample
    }
}

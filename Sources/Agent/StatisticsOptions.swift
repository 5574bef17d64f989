internal import ArgumentParser
internal import NetnsCore
internal import NetnsSystem

/// The collectors of counters beside those of the interfaces.
struct StatisticsOptions: ParsableArguments {
    @Flag(
        name: .customLong("collector.netstat"), inversion: .prefixedNo,
        help: "Counters of IP, ICMP, TCP and UDP (/proc/net/snmp, snmp6, netstat).")
    var netstat = true

    @Option(
        name: .customLong("collector.netstat.fields"),
        help: ArgumentHelp(
            "Which counters: those whose name, as in Tcp_RetransSegs, matches this regular expression. A file without a "
                + "counter that matches is not read.", valueName: "regexp"))
    var fields = MIBFamily.defaultFields

    @Flag(
        name: .customLong("collector.sockstat"), inversion: .prefixedNo,
        help: "Sockets in use by protocol (/proc/net/sockstat, sockstat6).")
    var sockstat = true

    @Flag(
        name: .customLong("collector.conntrack"), inversion: .prefixedNo,
        help: "Connection tracking: entries, limit and statistics. Absent without the module nf_conntrack_netlink.")
    var conntrack = true

    @Flag(
        name: .customLong("collector.tcp"), inversion: .prefixedNo,
        help: ArgumentHelp(
            "TCP sockets by state. Off by default: the kernel walks the connections of all namespaces for each, which "
                + "takes 0.3 ms and more in every namespace."))
    var tcp = false

    @Flag(
        name: .customLong("collector.qdisc"), inversion: .prefixedNo,
        help: "Queueing disciplines of the interfaces that are reported. Off by default: 7 series for each.")
    var qdisc = false

    @Flag var files: [FileCollectorFlag] = []

    func validate() throws { _ = try expression() }

    /// Which of its collectors are switched on.
    var enabled: Set<CollectorName> {
        let flags: [(CollectorName, Bool)] = [
            (.netstat, netstat), (.sockstat, sockstat), (.conntrack, conntrack), (.tcp, tcp), (.qdisc, qdisc),
        ]
        var names = Set(flags.filter(\.1).map(\.0))
        names.formUnion(fileCollectors.filter { $0.isOnByDefault }.map { CollectorName($0) })
        for flag in files {
            if flag.isOn { names.insert(flag.name) } else { names.remove(flag.name) }
        }
        return names
    }

    func apply(to settings: inout EngineSettings) throws {
        settings.sources = fileCollectors.map { $0.engineSource }
        settings.mib = netstat ? try selection(of: KernelFeatures.mibFields(settings.paths)) : MIBSelection([])
    }

    /// The fields that are asked for: of those that have a name of ours, and of those of this kernel.
    func selection(of kernel: [MIBField]) throws -> MIBSelection {
        let expression = try expression()
        var fields: [MIBField] = []
        var seen: Set<MIBField> = []
        for field in MIBFamily.table.flatMap(\.fields) + kernel
        where seen.insert(field).inserted {
            if try expression.firstMatch(in: field.description) != nil { fields.append(field) }
        }
        return MIBSelection(fields)
    }

    private func expression() throws -> Regex<AnyRegexOutput> {
        do { return try Regex(fields) } catch {
            throw ValidationError("--collector.netstat.fields: '\(fields)' is no regular expression: \(error)")
        }
    }
}

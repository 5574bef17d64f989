internal import ArgumentParser
internal import Glibc
internal import Logging
internal import NetnsCore
internal import NetnsSystem
internal import Web

/// A length of time as Prometheus writes it: `30s`, `1m30s`, `500ms`, `0`.
struct PromDuration: ExpressibleByArgument, Sendable {
    let seconds: Double

    init(seconds: Double) { self.seconds = seconds }

    init?(argument: String) {
        if argument == "0" {
            seconds = 0
            return
        }
        let units: [(String, Double)] = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400), ("w", 604_800)]
        var rest = Substring(argument)
        var total = 0.0
        // Each unit once, the larger first, as Prometheus has them.
        var last = Double.infinity
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            let letters = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(letters.count)
            guard let number = Double(digits), let unit = units.first(where: { $0.0 == letters }), unit.1 < last
            else { return nil }
            last = unit.1
            total += number * unit.1
        }
        guard total < 1e8 else { return nil }
        seconds = total
    }

    var defaultValueDescription: String { "\(Int(seconds))s" }
}

/// The levels of the log, by the words of Prometheus.
enum LogLevel: String, CaseIterable, ExpressibleByArgument, Sendable {
    case debug, info, warn, error

    var level: Logger.Level {
        switch self {
        case .debug: .debug
        case .info: .info
        case .warn: .warning
        case .error: .error
        }
    }
}

struct PathOptions: ParsableArguments {
    @Option(name: .customLong("path.procfs"), help: ArgumentHelp("procfs of the host.", valueName: "dir"))
    var procfs = "/proc"

    @Option(
        name: .customLong("path.host-netns"),
        help: ArgumentHelp("The network namespace called host; the agent's own, when not given.", valueName: "file"))
    var hostNetns: String?

    @Option(
        name: .customLong("path.netns-dir"),
        help: ArgumentHelp("The directory of ip netns, whose mounts give names.", valueName: "dir"))
    var netnsDirectory = "/run/netns"

    @Option(
        name: .customLong("path.cgroup"),
        help: ArgumentHelp(
            "Where the root of the cgroup v2 hierarchy is mounted, for hearing writes; looked for, when not given.",
            valueName: "dir"))
    var cgroup: String?

    @Option(
        name: .customLong("path.rootfs"),
        help: ArgumentHelp(
            "Where the host's root directory is: before the paths of container runtimes.", valueName: "dir"))
    var rootfs = ""

    @Option(
        name: .customLong("path.runc"),
        help: ArgumentHelp("State of runc, its --root, instead of the usual places. Repeatable.", valueName: "dir"))
    var runc: [String] = []

    @Option(
        name: .customLong("path.crun"),
        help: ArgumentHelp("State of crun, its --root, instead of the usual places. Repeatable.", valueName: "dir"))
    var crun: [String] = []

    @Option(
        name: .customLong("path.containerd"),
        help: ArgumentHelp("State of containerd, instead of /run/containerd. Repeatable.", valueName: "dir"))
    var containerd: [String] = []

    @Option(
        name: .customLong("path.docker"),
        help: ArgumentHelp("Data of docker, instead of /var/lib/docker. Repeatable.", valueName: "dir"))
    var docker: [String] = []

    @Option(
        name: .customLong("path.containers-storage"),
        help: ArgumentHelp(
            "containers/storage of podman and CRI-O, graphroot and runroot, instead of the usual places. Repeatable.",
            valueName: "dir"))
    var storage: [String] = []

    var containers: ContainerPaths {
        var paths = ContainerPaths(rootfs: rootfs)
        if !runc.isEmpty { paths.runc = runc }
        if !crun.isEmpty { paths.crun = crun }
        if !containerd.isEmpty { paths.containerd = containerd }
        if !docker.isEmpty { paths.docker = docker }
        if !storage.isEmpty { paths.storage = storage }
        return paths
    }

    var paths: SystemPaths {
        SystemPaths(procfs: procfs, hostNamespace: hostNetns, namedNamespaces: netnsDirectory)
    }
}

struct ConfigurationOptions: ParsableArguments {
    @Option(
        name: .customLong("config.file"),
        help: ArgumentHelp(
            "The configuration file: what sysctls should be, and more. Loaded again on SIGHUP.", valueName: "file"))
    var file: String?
}

/// Which namespaces are of interest, by name.
struct FilterOptions: ParsableArguments {
    @Option(
        name: .customLong("discovery.include"),
        help: ArgumentHelp("Only namespaces whose name matches this glob. Repeatable.", valueName: "glob"))
    var include: [String] = []

    @Option(
        name: .customLong("discovery.exclude"),
        help: ArgumentHelp("No namespace whose name matches this glob. Repeatable.", valueName: "glob"))
    var exclude: [String] = []

    func apply(to settings: inout EngineSettings) {
        settings.include = include.map { Glob($0) }
        settings.exclude = exclude.map { Glob($0) }
    }
}

struct DiscoveryOptions: ParsableArguments {
    @OptionGroup var filter: FilterOptions

    @Option(
        name: .customLong("discovery.max-namespaces"),
        help: ArgumentHelp(
            "More namespaces than this are left out, first the newest of whoever has the most, and counted.",
            valueName: "n"))
    var maximum = 5000

    @Option(
        name: .customLong("discovery.deep-interval"),
        help: ArgumentHelp(
            "Time between scans for namespaces that only a descriptor, a socket, a thread or a mount elsewhere holds; "
                + "0 for none.", valueName: "duration"))
    var deepInterval = PromDuration(seconds: 30)

    func validate() throws {
        if maximum < 1 { throw ValidationError("--discovery.max-namespaces is \(maximum): it is at least 1") }
        if deepInterval.seconds > 0, deepInterval.seconds < 0.1 {
            throw ValidationError("--discovery.deep-interval is below 100ms: a deep scan looks at every descriptor")
        }
    }

    func apply(to settings: inout EngineSettings) {
        filter.apply(to: &settings)
        settings.maximumNamespaces = maximum
        settings.deepInterval = deepInterval.seconds
    }
}

struct CollectorOptions: ParsableArguments {
    @Flag(
        name: .customLong("collector.sysctl"), inversion: .prefixedNo, help: "Sysctls of every namespace.")
    var sysctl = true

    @Flag(
        name: .customLong("collector.sysctl.builtin"), inversion: .prefixedNo,
        help: "The built-in list of sysctls; without it, only what --collector.sysctl.include says.")
    var builtin = true

    @Option(
        name: .customLong("collector.sysctl.include"),
        help: ArgumentHelp(
            "More sysctls: a dotted name or a glob over it, in which * is one component. Repeatable.", valueName: "glob"
        ))
    var include: [String] = []

    @Option(
        name: .customLong("collector.sysctl.exclude"),
        help: ArgumentHelp("Fewer sysctls, in the same way. Repeatable.", valueName: "glob"))
    var exclude: [String] = []

    @Flag(
        name: .customLong("collector.interface"), inversion: .prefixedNo,
        help: "Counters, states and properties of every namespace's interfaces.")
    var interface = true

    @Flag(
        name: .customLong("collector.drift"), inversion: .prefixedNo,
        help: "Whether sysctls are what they should be: what containers declared, and what the configuration file says."
    )
    var drift = true

    @Option(
        name: .customLong("collector.interface.device-include"),
        help: ArgumentHelp("Only interfaces whose name matches this regular expression.", valueName: "regexp"))
    var deviceInclude: String?

    @Option(
        name: .customLong("collector.interface.device-exclude"),
        help: ArgumentHelp("No interface whose name matches this regular expression.", valueName: "regexp"))
    var deviceExclude: String?

    @Option(
        name: .customLong("collector.interface.max-devices"),
        help: ArgumentHelp("More interfaces than this in one namespace are left out and counted.", valueName: "n"))
    var maximumDevices = 1000

    @Flag(
        name: .customLong("collector.interface.host-veths"),
        help: "Also the host's veths whose other end is in another namespace, where it is reported anyway.")
    var hostVeths = false

    @OptionGroup var network: NetworkOptions

    @OptionGroup var statistics: StatisticsOptions

    @OptionGroup var probes: ProbeOptions

    @OptionGroup var writes: WriteOptions

    @Option(
        name: .customLong("collect.threads"),
        help: ArgumentHelp("Threads that enter namespaces; by default 2, or 1 on a host with one CPU.", valueName: "n"))
    var threads: Int?

    @Option(
        name: .customLong("collect.min-interval"),
        help: ArgumentHelp(
            "What the API tells may be this old; scrapes are always answered from a collection of their own.",
            valueName: "duration"))
    var minimumInterval = PromDuration(seconds: 1)

    func validate() throws {
        if maximumDevices < 0 {
            throw ValidationError("--collector.interface.max-devices is \(maximumDevices): it is at least 0")
        }
        if let threads, threads < 1 || threads > 64 {
            throw ValidationError("--collect.threads is \(threads): it is 1 to 64")
        }
        _ = try sysctls()
        _ = try filter()
    }

    var enabled: Set<CollectorName> {
        var names = network.enabled
        names.formUnion([.drift, .interface, .sysctl])
        names.formUnion(statistics.enabled)
        if writes.writes { names.insert(.writes) }
        if probes.probe { names.insert(.probe) }
        if !drift { names.remove(.drift) }
        if !sysctl { names.remove(.sysctl) }
        if !interface { names.remove(.interface) }
        return names
    }

    func sysctls() throws -> SysctlFlags {
        func patterns(_ texts: [String], _ flag: String) throws -> [SysctlPattern] {
            try texts.map { text in
                do { return try SysctlPattern(text) } catch { throw ValidationError("\(flag): \(error)") }
            }
        }
        return SysctlFlags(
            builtin: builtin, include: try patterns(include, "--collector.sysctl.include"),
            exclude: try patterns(exclude, "--collector.sysctl.exclude"))
    }

    func filter() throws -> DeviceFilter {
        do { return try DeviceFilter(include: deviceInclude, exclude: deviceExclude) } catch let error as UsageError {
            throw ValidationError(error.description)
        }
    }

    var threadCount: Int { threads ?? min(2, max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}

struct WebOptions: ParsableArguments {
    @Option(
        name: .customLong("web.listen-address"),
        help: ArgumentHelp(
            "Where to serve: HOST:PORT, [IPV6]:PORT, :PORT or PORT for all addresses, or unix:/PATH. Repeatable.",
            valueName: "address"))
    var listenAddresses: [String] = ["127.0.0.1:10124"]

    @Option(
        name: .customLong("web.telemetry-path"),
        help: ArgumentHelp("The path of the metrics.", valueName: "path"))
    var telemetryPath = "/metrics"

    @Option(
        name: .customLong("web.max-requests"),
        help: ArgumentHelp("Scrapes at one time; more are answered 503. 0 for no limit.", valueName: "n"))
    var maximumRequests = 40

    @Flag(
        name: .customLong("web.enable-lifecycle"),
        help: "POST /-/reload loads the configuration file again, as SIGHUP does.")
    var enableLifecycle = false

    @Option(
        name: .customLong("web.config.file"),
        help: ArgumentHelp(
            "TLS, users and headers of the web server, in the format of exporter-toolkit. Read again when it changes.",
            valueName: "file"))
    var configFile: String?

    @Flag(
        name: .customLong("web.systemd-socket"),
        help: "Serve on the sockets that systemd hands over, instead of --web.listen-address.")
    var systemdSocket = false

    @Flag(
        name: .customLong("web.disable-page"),
        help: "Only links at /, without the live page. The API stays.")
    var disablePage = false

    func validate() throws {
        guard telemetryPath.hasPrefix("/"), telemetryPath.utf8.count > 1,
            telemetryPath.utf8.allSatisfy({
                $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: "%")
            })
        else {
            throw ValidationError(
                "--web.telemetry-path is '\(telemetryPath)': it begins with a slash and is more than that, as in /metrics"
            )
        }
        if ["/-/healthy", "/-/ready", "/-/reload"].contains(telemetryPath) || telemetryPath.hasPrefix("/api/") {
            throw ValidationError("--web.telemetry-path is '\(telemetryPath)', which answers something else already")
        }
        // What cannot be an address is a mistake in the arguments, as every other.
        for address in listenAddresses {
            do { _ = try ListenAddress(parsing: address) } catch {
                throw ValidationError("--web.listen-address: \(error)")
            }
        }
        if maximumRequests < 0 { throw ValidationError("--web.max-requests is \(maximumRequests): it is at least 0") }
    }
}

/// What the agent may do beside its work.
struct RightsOptions: ParsableArguments {
    @Flag(
        name: .customLong("security.drop-rights"), inversion: .prefixedNo,
        help: "Give up at start what is not needed: capabilities, new privileges, system calls that are never made.")
    var drop = true
}

struct LogOptions: ParsableArguments {
    @Option(name: .customLong("log.level"), help: "What is logged: this and what is worse.")
    var level = LogLevel.info

    @Option(name: .customLong("log.format"), help: "How lines are written to standard error.")
    var format = LogFormat.logfmt

    var logger: Logger {
        Logger(label: "netdrift") { [level, format] _ in StandardErrorLog(level: level.level, format: format) }
    }
}

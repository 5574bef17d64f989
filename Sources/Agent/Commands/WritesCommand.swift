internal import ArgumentParser
internal import Glibc
internal import NetnsCore
internal import NetnsSystem
internal import Synchronization
internal import Web

/// `netdrift writes`: who wrote sysctls.
struct WritesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "writes", abstract: "Show who wrote sysctls of network namespaces.",
        discussion: """
            Without --follow, what the agent on this host has heard, oldest first. With --follow, each write as it happens: \
            heard by this command itself (root, or CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN), or by the agent when \
            --agent is given. Exit status 1 when nobody can be asked.
            """)

    @Flag(name: .shortAndLong, help: "Show each write as it happens, until this is interrupted.")
    var follow = false

    @Flag(name: .customLong("json"), help: "One JSON object a line.")
    var json = false

    @Option(
        name: .customLong("agent"),
        help: ArgumentHelp(
            "Where the agent listens, as --web.listen-address says it (default: 127.0.0.1:10124).", valueName: "address"
        ))
    var agent: String?

    @Option(name: .customLong("netns"), help: ArgumentHelp("Only those in this namespace.", valueName: "name"))
    var netns: String?

    @Option(
        name: .customLong("sysctl"),
        help: ArgumentHelp("Only those of this sysctl, a dotted name or a glob over it.", valueName: "glob"))
    var sysctl: String?

    @Option(name: .customLong("limit"), help: ArgumentHelp("The newest of the history, at most.", valueName: "n"))
    var limit = 1000

    @OptionGroup(title: "Paths") var paths: PathOptions

    func validate() throws {
        if let agent {
            do { _ = try ListenAddress(parsing: agent) } catch { throw ValidationError("--agent: \(error)") }
        }
        if limit < 1 { throw ValidationError("--limit is \(limit): it is at least 1") }
        if let sysctl {
            do { _ = try SysctlPattern(sysctl) } catch { throw ValidationError("--sysctl: \(error)") }
        }
    }

    func run() throws {
        var filter = WriteFilter(netns: netns, limit: limit)
        filter.sysctl = try sysctl.map { try SysctlPattern($0) }
        if follow, agent == nil { return try listen(filter) }
        let client = try WritesClient(agent ?? WritesClient.usualAddress)
        var listing = try client.ask(netns: netns, sysctl: sysctl, after: 0, limit: limit)
        guard follow else { return try show(listing.writes) }
        // From now on.
        while true {
            usleep(50_000)
            let last = listing.last
            listing = try client.ask(netns: netns, sysctl: sysctl, after: last, limit: WriteFilter.maximum)
            // Numbers begin anew when the agent does.
            if listing.last < last {
                listing = try client.ask(netns: netns, sysctl: sysctl, after: 0, limit: WriteFilter.maximum)
            }
            try show(listing.writes)
        }
    }

    private func show(_ writes: [WriteListing.Entry]) throws {
        var text = ""
        for write in writes { text += json ? try write.json() : write.line }
        try Output.print(text)
    }

    // MARK: Listening

    private func listen(_ filter: WriteFilter) throws {
        let loaded = try LoadedEngine.load(.auto)
        let watch: WriteWatch
        do throws(KernelProgramsUnavailable) {
            watch = try WriteWatch(cgroup: paths.cgroup, rootfs: paths.rootfs)
        } catch {
            throw Failure("writes cannot be heard (\(error.reason.rawValue)): \(error)")
        }
        var settings = EngineSettings()
        settings.paths = paths.paths
        settings.containers = paths.containers
        settings.deepInterval = 0
        settings.sysctls = SysctlSelection(builtin: false, include: [], exclude: [])
        let ledger = ErrorLedger()
        let engine = try PortableEngine(settings, ledger: ledger, programs: loaded.programs)
        _ = try engine.collect([], until: nil)
        watch.update(engine.sites())
        let isJSON = json
        let ended = Monitor(false)
        try watch.start(paths: settings.paths, ledger: ledger) { writes in
            var text = ""
            for write in writes where filter.admits(write) {
                let entry = WriteListing.Entry(write)
                text += isJSON ? (try? entry.json()) ?? "" : entry.line
            }
            // A reader that has seen enough ends it.
            if !text.isEmpty, Output.write(text, to: 1) != nil { ended.withLock { $0 = true } }
        }
        Output.write("netdrift: listening\n", to: 2)
        var lost: UInt64 = 0
        while ended.wait(until: .now().advanced(bySeconds: 0.5), { $0 ? true : nil }) != true {
            _ = try engine.collect([], until: nil)
            watch.update(engine.sites())
            let now = watch.counts.lost
            if now != lost { Output.write("netdrift: \(now - lost) writes were lost\n", to: 2) }
            lost = now
        }
        watch.stop()
    }
}

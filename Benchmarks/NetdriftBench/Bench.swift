import Agent
import ArgumentParser
import Foundation
import NetnsCore
import NetnsSystem

/// The benchmark: what a collection costs beside what its system calls alone cost, and beside the peers' way.
///
/// Everything is measured in one run, in rounds that alternate, since machines are shared and noisy: trust the ratios.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "netdrift-bench", abstract: "Measures netdrift against the bare system calls and the peers' way.",
        subcommands: [
            Run.self, AllocationCheck.self, EvaluationCheck.self, FloorWorker.self, PipelineWorker.self,
            RemoveWorld.self,
        ],
        defaultSubcommand: Run.self)
}

/// The sysctls and the threads of a measurement.
struct LoadOptions: ParsableArguments {
    @Flag(help: "The whole built-in list, not the 24 sysctls that are compared.") var builtin = false
    @Option(help: "The collectors: basic (interface and sysctl), defaults or all.")
    var collectors = Pipeline.Choice.basic
    @Flag(help: "Also evaluate 30 expectations in each namespace.") var expectations = false
    @Option(help: "The engine: portable, bpf, or watch: bpf that hears writes.") var engine = "portable"
    @Option(help: "Threads that enter namespaces.") var threads = 1
    @Option(help: "Prefix of the namespaces' names.") var prefix = "bench"
    @Option(help: "How many namespaces the world has.") var count = 0

    /// 24 that every namespace has: numbers, tuples, text, two directories deep and one.
    static let compared = [
        "net.core.somaxconn", "net.ipv4.ip_forward", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_congestion_control",
        "net.ipv4.tcp_ecn", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_max_syn_backlog", "net.ipv4.tcp_mtu_probing",
        "net.ipv4.tcp_retries2", "net.ipv4.tcp_rmem", "net.ipv4.tcp_sack", "net.ipv4.tcp_syn_retries",
        "net.ipv4.tcp_syncookies", "net.ipv4.tcp_timestamps", "net.ipv4.tcp_tw_reuse", "net.ipv4.tcp_wmem",
        "net.ipv4.conf.all.forwarding", "net.ipv4.conf.all.rp_filter", "net.ipv4.conf.default.rp_filter",
        "net.ipv6.conf.all.disable_ipv6", "net.ipv6.conf.all.forwarding",
    ]

    func selection() throws -> SysctlSelection {
        builtin
            ? SysctlSelection(builtin: true, include: [], exclude: [])
            : SysctlSelection(builtin: false, include: try Self.compared.map { try SysctlPattern($0) }, exclude: [])
    }

    /// What a worker's command line says again.
    var arguments: [String] {
        (builtin ? ["--builtin"] : []) + ["--collectors", collectors.rawValue]
            + (expectations ? ["--expectations"] : []) + [
                "--engine", engine, "--threads", String(threads), "--prefix", prefix, "--count", String(count),
            ]
    }
}

extension Pipeline.Choice: ExpressibleByArgument {}

/// The whole run.
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "run", abstract: "Measure and print the table.")

    @Option(help: "Sizes of the world, with commas between.") var namespaces = "100,1000,3000"
    @Option(help: "Processes that sleep in the namespaces.") var processes = 0
    @Option(help: "Rounds; the median counts.") var rounds = 7
    @Option(help: "Scrapes after which memory is looked at again.") var scrapes = 50
    @Option(help: "The agent's binary.") var binary = ".build/release/netdrift"
    @Option(help: "Namespaces the naive way is measured in; its cost is the same in each.") var naive = 20
    @OptionGroup var load: LoadOptions

    func run() throws {
        guard geteuid() == 0 else { throw ValidationError("the benchmark makes namespaces: run it as root") }
        let sizes = namespaces.split(separator: ",").compactMap { Int($0) }.filter { $0 > 0 && $0 <= 10_000 }
        guard !sizes.isEmpty else { throw ValidationError("--namespaces: numbers from 1 to 10000 with commas between") }
        Report.printMachine(load)
        for (index, size) in sizes.enumerated() {
            // Names of its own: the veths of namespaces that were deleted go a moment later.
            var load = load
            load.prefix += String(UnicodeScalar(UInt8(ascii: "a") + UInt8(index % 26)))
            load.count = size
            let world = try World(prefix: load.prefix, count: size)
            defer { world.remove() }
            try world.addProcesses(processes)
            try measure(size, load)
            // Also into a file: a long run may be looked at.
            fflush(nil)
        }
    }

    private func measure(_ size: Int, _ load: LoadOptions) throws {
        let floor = try Worker(["floor"] + load.arguments + ["--naive", String(naive)])
        let pipeline = try Worker(["pipeline"] + load.arguments)
        var other = load
        other.engine = "bpf"
        let kernel = try Worker(["pipeline"] + other.arguments)
        other.engine = "watch"
        let watch = try Worker(["pipeline"] + other.arguments)
        defer {
            watch.stop()
            floor.stop()
            pipeline.stop()
            kernel.stop()
        }
        var samples = Samples()
        for round in 0...rounds {
            let a = try floor.ask("floor")
            let b = try pipeline.ask("collect")
            let c = try kernel.ask("collect")
            let alone = (try pipeline.ask("sysctls"), try kernel.ask("sysctls"))
            let heard = try watch.ask("sysctls")
            // The first round opens what is kept.
            if round == 0 { continue }
            samples.add(a, prefix: "floor")
            samples.add(b, prefix: "netdrift")
            samples.add(c, prefix: "bpf")
            samples.add(alone.0, prefix: "netdrift")
            samples.add(alone.1, prefix: "bpf")
            samples.add(heard, prefix: "watch")
        }
        samples.add(try floor.ask("naive"), prefix: "naive")
        samples.add(try pipeline.ask("decode"), prefix: "netdrift")
        samples.add(try pipeline.ask("memory"), prefix: "netdrift")
        samples.add(try kernel.ask("memory"), prefix: "bpf")
        floor.stop()
        pipeline.stop()
        kernel.stop()
        watch.stop()
        try measureCollectors(load, &samples)
        let agent = try AgentUnderTest(binary: binary, load: load)
        defer { agent.stop() }
        try agent.measure(rounds: rounds, scrapes: scrapes, into: &samples)
        Report.print(size, samples)
    }

    /// What each of all collectors takes to read.
    private func measureCollectors(_ load: LoadOptions, _ samples: inout Samples) throws {
        var load = load
        load.collectors = .all
        let worker = try Worker(["pipeline"] + load.arguments)
        defer { worker.stop() }
        for round in 0...rounds {
            let seconds = try worker.ask("collectors")
            if round > 0 { samples.add(seconds, prefix: "collector") }
        }
    }
}

import Foundation

/// Numbers by name, each measured several times.
struct Samples {
    private var values: [String: [Double]] = [:]

    mutating func add(_ numbers: [String: Double], prefix: String) {
        for (name, value) in numbers { values["\(prefix).\(name)", default: []].append(value) }
    }

    /// What follows a prefix in the names, sorted.
    func names(prefix: String) -> [String] {
        values.keys.filter { $0.hasPrefix(prefix + ".") }.map { String($0.dropFirst(prefix.count + 1)) }.sorted()
    }

    /// The median, 0 when it was not measured.
    subscript(name: String) -> Double {
        guard let sorted = values[name]?.sorted(), !sorted.isEmpty else { return 0 }
        return sorted[sorted.count / 2]
    }
}

/// The table on standard output.
enum Report {
    static func printMachine(_ load: LoadOptions) {
        let list = load.builtin ? "the built-in list" : "\(LoadOptions.compared.count) sysctls"
        Swift.print(
            "netdrift-bench: \(list), collectors \(load.collectors.rawValue), 2 links a namespace, \(load.threads) thread\(load.threads == 1 ? "" : "s")"
        )
        Swift.print("medians; microseconds of CPU a namespace unless it says otherwise\n")
    }

    static func print(_ size: Int, _ samples: Samples) {
        let each = { (name: String) in samples[name] / Double(size) / 1000 }
        let floor = each("floor.cpu")
        let decode = each("netdrift.decode")
        let total =
            each("netdrift.discover") + each("netdrift.visit") + each("netdrift.evaluate")
            + each("netdrift.encode")
        Swift.print("== \(size) namespaces")
        row("floor: the bare system calls", floor, floor)
        row("netdrift: a collection to identity bytes", total, floor)
        row("  discover", each("netdrift.discover"), floor)
        row("  read", each("netdrift.visit") - decode, floor)
        row("  decode", decode, floor)
        row("  evaluate", each("netdrift.evaluate"), floor)
        row("  encode", each("netdrift.encode"), floor)
        row("compress", each("netdrift.compress"), floor)
        row("whole scrape, identity", each("whole.identity"), floor)
        row("whole scrape, gzip", each("whole.gzip"), floor)
        let kernel =
            each("bpf.discover") + each("bpf.visit") + each("bpf.evaluate") + each("bpf.encode")
        row("bpf engine: a collection to identity bytes", kernel, floor)
        row("  discover, with the sysctls", each("bpf.discover"), floor)
        row("  read and decode the rest", each("bpf.visit"), floor)
        row("  evaluate", each("bpf.evaluate"), floor)
        row("  encode", each("bpf.encode"), floor)
        row("namespaces and sysctls alone, portable", each("netdrift.sysctls"), floor)
        row("namespaces and sysctls alone, bpf", each("bpf.sysctls"), floor)
        row("the same where nobody wrote, by the watch", each("watch.sysctls"), floor)
        let naive = samples["naive.cpu"] / 1000
        row("naive: full paths, as the peers do", naive, floor)
        for name in samples.names(prefix: "collector") {
            row("collector \(name), to read", each("collector.\(name)"), floor)
        }
        Swift.print(String(format: "  naive / netdrift                         %9.1f", naive / total))
        Swift.print(
            String(
                format: "  sysctls alone: portable / bpf            %9.1f",
                samples["netdrift.sysctls"] / max(samples["bpf.sysctls"], 1)))
        Swift.print(
            String(
                format: "  sysctls alone: portable / watch          %9.1f",
                samples["netdrift.sysctls"] / max(samples["watch.sysctls"], 1)))
        Swift.print(
            String(
                format: "  wall of a collection %.1f ms, of the floor %.1f ms, of a gzip scrape %.1f ms",
                samples["netdrift.wall"] / 1e6, samples["floor.wall"] / 1e6, samples["whole.gzipwall"] / 1e6))
        Swift.print(
            String(
                format: "  allocations a collection %.0f (%.0f bytes): to read %.0f, to encode %.0f",
                samples["netdrift.allocations"], samples["netdrift.allocated"],
                samples["netdrift.allocations"]
                    - samples["netdrift.encodeallocations"], samples["netdrift.encodeallocations"]))
        Swift.print(
            String(
                format: "  samples %.0f, identity %.0f bytes, gzip %.0f bytes", samples["netdrift.samples"],
                samples["netdrift.bytes"], samples["netdrift.gzipbytes"]))
        Swift.print(
            String(
                format: "  the agent: resident %.1f MB, after more scrapes %.1f MB; descriptors %.0f\n",
                samples["whole.rss"] / 1e6, samples["whole.rssafter"] / 1e6, samples["whole.descriptors"]))
    }

    private static func row(_ name: String, _ value: Double, _ floor: Double) {
        let padded = name.padding(toLength: 42, withPad: " ", startingAt: 0)
        Swift.print(String(format: "  \(padded) %8.2f   %6.2f", value, floor > 0 ? value / floor : 0))
    }
}

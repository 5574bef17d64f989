internal import ArgumentParser
internal import NetnsCore

/// What the command line says of the probes.
struct ProbeOptions: ParsableArguments {
    @Flag(
        name: .customLong("collector.probe"), inversion: .prefixedNo,
        help:
            "Probes from inside every namespace: the gateway, or what the configuration file says. Without it nothing is sent."
    )
    var probe = true

    @Option(
        name: .customLong("collector.probe.buckets"),
        help: ArgumentHelp(
            "Upper bounds of the round trips' buckets, in seconds or with a unit, as in 100us,1ms,0.5.",
            valueName: "bound,..."))
    var buckets = ProbeBuckets(buckets: .roundTrip)
}

/// The bounds of a histogram's buckets, as a list.
struct ProbeBuckets: ExpressibleByArgument, CustomStringConvertible {
    let buckets: HistogramBuckets

    init(buckets: HistogramBuckets) { self.buckets = buckets }

    init?(argument: String) {
        let bounds = argument.split(separator: ",", omittingEmptySubsequences: false).map { Self.seconds($0) }
        guard let buckets = HistogramBuckets(bounds.map { $0 ?? .nan }) else { return nil }
        self.buckets = buckets
    }

    private static func seconds(_ text: Substring) -> Double? {
        let word = text.drop { $0 == " " }
        for (unit, factor) in [("us", 1e-6), ("ms", 1e-3), ("s", 1)] where word.hasSuffix(unit) {
            guard let number = Double(word.dropLast(unit.count)) else { continue }
            // Rounded to what was written: 50us is 5e-05, not 4.9999999999999996e-05.
            return Double("\(number * factor * 1e9)").map { ($0.rounded() / 1e9) }
        }
        return Double(word)
    }

    var description: String { buckets.bounds.map { "\($0)" }.joined(separator: ",") }

    var defaultValueDescription: String { description }
}

import FuzzTargets
import TestSupport
import Testing

/// Hostile bytes for every parser: what `make fuzz` does for minutes, for a moment and always the same.
@Suite struct MutationTests {
    static let names = FuzzTarget.all.map(\.name)

    private static func target(_ name: String) throws -> FuzzTarget {
        try #require(FuzzTarget.all.first { $0.name == name })
    }

    private static func feed(_ target: FuzzTarget, _ bytes: [UInt8]) {
        target.run(unsafe bytes.span.bytes)
    }

    @Test func namesAreUnique() {
        #expect(Set(Self.names).count == Self.names.count)
    }

    /// Whatever once went wrong does not again.
    @Test(arguments: names)
    func examplesAndFindings(_ name: String) throws {
        let target = try Self.target(name)
        let inputs = target.examples() + Corpus.kept(for: target)
        #expect(!inputs.isEmpty && inputs.allSatisfy { !$0.isEmpty })
        for input in inputs { Self.feed(target, input) }
        Self.feed(target, [])
    }

    @Test(arguments: names)
    func mutations(_ name: String) throws {
        let target = try Self.target(name)
        let seeds = target.examples() + Corpus.kept(for: target)
        let mutator = Mutator(target)
        var random = SplitMix64(seed: 9)
        // So many bytes rather than so many inputs: a ruleset is a thousand times as long as an address.
        var left = 400_000
        while left > 0 {
            let seed = try #require(seeds.randomElement(using: &random))
            let other = try #require(seeds.randomElement(using: &random))
            let bytes = mutator.mutation(of: seed, with: other, using: &random)
            left -= bytes.count + 100
            Self.feed(target, bytes)
        }
    }

    /// The mutator has to know how netlink is built: most of what it changes is still read to its end.
    @Test func netlinkStaysNetlink() throws {
        let target = try Self.target("netlink-links")
        let seed = try #require(target.examples().first)
        let mutator = Mutator(target)
        var random = SplitMix64(seed: 10)
        var whole = 0
        for _ in 0..<500 {
            let bytes = mutator.mutation(of: seed, with: seed, using: &random)
            var rest = bytes[...]
            while rest.count >= 16 {
                let length = (0..<4).reduce(0) { $0 | Int(rest[rest.startIndex + $1]) << (8 * $1) }
                guard length >= 16, length <= rest.count else { break }
                rest = rest.dropFirst((length + 3) & ~3)
            }
            if rest.isEmpty, bytes != seed { whole += 1 }
        }
        #expect(whole > 100)
    }
}

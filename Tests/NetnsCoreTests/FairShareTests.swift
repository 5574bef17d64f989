import NetnsCore
import TestSupport
import Testing

@Suite struct FairShareTests {
    /// How many of each owner are admitted, by the words `OWNER xCOUNT`.
    private static func counts(_ owners: [(String, Int)], _ limit: Int) -> [Int] {
        let paths = owners.flatMap { owner, count in
            Array(repeating: owner.split(separator: "/").map(String.init), count: count)
        }
        let admitted = FairShare.admitted(paths, limit: limit)
        var start = 0
        return owners.map { _, count in
            defer { start += count }
            return admitted[start..<start + count].count { $0 }
        }
    }

    @Test func whoHasTheMostLosesFirst() {
        #expect(Self.counts([("greedy", 1000), ("b", 3), ("c", 1)], 20) == [16, 3, 1])
        #expect(Self.counts([("b", 3), ("c", 1), ("greedy", 1000)], 20) == [3, 1, 16])
        #expect(Self.counts([("greedy", 1000), ("big", 900), ("c", 2)], 20) == [9, 9, 2])
        #expect(Self.counts([("a", 5), ("b", 5), ("c", 5)], 7) == [3, 2, 2])
        #expect(Self.counts([("greedy", 1000), ("b", 1), ("c", 1)], 2) == [0, 1, 1])
        #expect(Self.counts([("a", 1), ("b", 1), ("c", 1)], 2) == [1, 1, 0])
    }

    @Test func limitsThatDoNotBite() {
        #expect(Self.counts([("a", 5), ("b", 2)], 7) == [5, 2])
        #expect(Self.counts([("a", 5), ("b", 2)], 100) == [5, 2])
        #expect(Self.counts([("a", 5), ("b", 2)], 0) == [0, 0])
        #expect(FairShare.admitted([], limit: 5) == [])
        #expect(FairShare.admitted([["a"]], limit: -1) == [false])
    }

    /// Of one owner's the oldest stay.
    @Test func ageCounts() {
        let admitted = FairShare.admitted([["a"], ["b"], ["a"], ["a"], ["a"]], limit: 3)
        #expect(admitted == [true, true, true, false, false])
    }

    /// A container that makes cgroups below its own has no more than before.
    @Test func splittingIsOfNoUse() {
        let split = (0..<500).map { ("kubepods/pod1/greedy/group\($0)", 1) }
        let counts = Self.counts(split + [("kubepods/pod2/good", 4), ("system/service", 2)], 12)
        #expect(counts.suffix(2) == [4, 2])
        #expect(counts.dropLast(2).reduce(0, +) == 6)
        // What stands in a group itself is one party beside the groups below.
        #expect(Self.counts([("a", 100), ("a/b", 100), ("a/c", 1)], 9) == [4, 4, 1])
    }

    @Test func depthIsBounded() {
        let deep = Array(repeating: "x", count: 100_000)
        #expect(FairShare.admitted([deep, deep + ["y"], ["z"]], limit: 2) == [true, false, true])
    }

    /// Always as many as fit, the same each time; and one who asks for no more than an even share gets all.
    @Test func anyOwners() {
        var generator = SplitMix64(seed: 3)
        for _ in 0..<300 {
            let owners = (0..<Int.random(in: 1...60, using: &generator)).map { _ in
                (0..<Int.random(in: 0...3, using: &generator)).map { _ in
                    String(Int.random(in: 0..<4, using: &generator))
                }
            }
            let limit = Int.random(in: 0...70, using: &generator)
            let admitted = FairShare.admitted(owners, limit: limit)
            #expect(admitted.count { $0 } == min(limit, owners.count))
            #expect(admitted == FairShare.admitted(owners, limit: limit))
            let parties = Dictionary(grouping: owners.indices) { owners[$0].first }
            for members in parties.values where members.count <= limit / parties.count {
                #expect(members.allSatisfy { admitted[$0] })
            }
        }
    }

    private static func components(_ text: String) -> [String] {
        let bytes = Array(text.utf8)
        return unsafe CgroupPath.components(bytes.span.bytes)
    }

    @Test func cgroups() {
        #expect(Self.components("0::/system.slice/a:b.service\n") == ["system.slice", "a:b.service"])
        #expect(Self.components("0::/\n") == [])
        #expect(Self.components("") == [])
        #expect(Self.components("9:name=systemd:/\n4:memory:/m/n\n0::/u") == ["u", "m", "n"])
        #expect(Self.components("1:name=systemd:/a/b\n0::/a/b\n") == ["a", "b"])
        #expect(Self.components("0::/../../docker/x\n") == ["..", "..", "docker", "x"])
        #expect(Self.components("0::" + String(repeating: "/d", count: 99)).count == CgroupPath.maximumDepth)
        #expect(Self.components("0:") == [] && Self.components(":::\n\n::") == [":"])
    }
}

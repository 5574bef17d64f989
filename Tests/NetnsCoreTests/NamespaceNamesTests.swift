import NetnsCore
import TestSupport
import Testing

@Suite struct NamespaceNamesTests {
    private typealias Claim = NamespaceNames.Claim

    private static func claim(_ inode: UInt64, _ name: String, _ isGiven: Bool = true) -> Claim {
        Claim(inode: inode, name: name, standing: isGiven ? .given : .chosen)
    }

    @Test func nothingIsChangedWithoutNeed() {
        #expect(NamespaceNames.unique([]) == [])
        #expect(NamespaceNames.unique([Self.claim(1, "b"), Self.claim(2, "a", false)]) == ["b", "a"])
    }

    @Test func allOfAKindGiveWay() {
        let trusted = [Self.claim(1, "a"), Self.claim(2, "b"), Self.claim(3, "a")]
        #expect(NamespaceNames.unique(trusted) == ["a@1", "b", "a@3"])
        let others = [Self.claim(1, "a", false), Self.claim(3, "a", false), Self.claim(4, "a", false)]
        #expect(NamespaceNames.unique(others) == ["a@1", "a@3", "a@4"])
    }

    /// No container takes a name that root of the host gave.
    @Test func theTrustedKeepsItsName() {
        let claims = [Self.claim(1, "host", false), Self.claim(2, "host"), Self.claim(3, "host", false)]
        #expect(NamespaceNames.unique(claims) == ["host@1", "host", "host@3"])
    }

    @Test func twoTrustedAndOthersAllGiveWay() {
        let claims = [Self.claim(1, "a"), Self.claim(2, "a"), Self.claim(3, "a", false)]
        #expect(NamespaceNames.unique(claims) == ["a@1", "a@2", "a@3"])
    }

    /// A container that names its mount as another would be called after giving way.
    @Test func hostileSuffixes() {
        let claims = [Self.claim(1, "a"), Self.claim(2, "a"), Self.claim(3, "a@1", false)]
        #expect(NamespaceNames.unique(claims) == ["a@1", "a@2", "a@1@3"])
        let chain = [
            Self.claim(1, "a", false), Self.claim(2, "a", false), Self.claim(3, "a@1", false),
            Self.claim(4, "a@1@1", false), Self.claim(5, "a@1@3", false),
        ]
        let names = NamespaceNames.unique(chain)
        #expect(Set(names).count == 5)
        for (name, claim) in zip(names, chain) { #expect(name.hasPrefix(claim.name)) }
    }

    @Test func theOrderOfClaimsChangesNothing() {
        var generator = SplitMix64(seed: 41)
        for _ in 0..<200 {
            let claims = Self.random(&generator)
            let names = Dictionary(uniqueKeysWithValues: zip(claims.map(\.inode), NamespaceNames.unique(claims)))
            let shuffled = claims.shuffled(using: &generator)
            for (claim, name) in zip(shuffled, NamespaceNames.unique(shuffled)) {
                #expect(names[claim.inode] == name)
            }
        }
    }

    @Test func namesAreAlwaysUnique() {
        var generator = SplitMix64(seed: 42)
        var changed = 0
        for _ in 0..<5_000 {
            let claims = Self.random(&generator)
            let names = NamespaceNames.unique(claims)
            if names.count != claims.count || Set(names).count != names.count { Issue.record("\(claims): \(names)") }
            var trusted: [String: Int] = [:]
            for claim in claims where claim.standing == .given { trusted[claim.name, default: 0] += 1 }
            for (claim, name) in zip(claims, names) {
                if name != claim.name { changed += 1 }
                if !name.hasPrefix(claim.name) { Issue.record("\(claim): \(name)") }
            }
        }
        #expect(changed > 1_000)
    }

    /// A few inodes and names, and suffixes that collide as often as may be.
    private static func random(_ generator: inout SplitMix64) -> [Claim] {
        var claims: [Claim] = []
        for inode: UInt64 in 1...(generator.next() % 9 + 1) {
            var name = ["a", "b"][Int(generator.next() % 2)]
            for _ in 0..<generator.next() % 3 { name += "@\(generator.next() % 9 + 1)" }
            claims.append(claim(inode, name, generator.next() % 2 == 0))
        }
        return claims
    }

    @Test(
        arguments: [
            ("/run/netns/blue", "blue"), ("/var/run/netns/blue", "blue"), ("/run/netns/", nil), ("/run/netns", nil),
            ("/run/netns/a/b", nil), ("/run/netnsx/a", nil), ("/tmp/run/netns/a", nil), ("", nil),
            ("/run/docker/netns/default", nil), ("/run/netns/net:[1]", "net:[1]"), ("/run/netns/a b\n", "a b\\x0a"),
            ("/run/netns/é", "é"), ("/run/netns/host", "host"), ("/run/netns/ ", " "),
        ] as [(String, String?)])
    func mounts(_ path: String, _ expected: String?) {
        #expect(NamespaceNames.name(ofMount: Array(path.utf8)) == expected)
    }

    @Test func mountsElsewhere() {
        let path = Array("/mnt/ns/a".utf8)
        #expect(NamespaceNames.name(ofMount: path) == nil)
        #expect(NamespaceNames.name(ofMount: path, in: ["/x/", "/mnt/ns/"]) == "a")
        #expect(NamespaceNames.name(ofMount: Array("/run/netns/".utf8) + [0xFF]) == "\\xff")
    }

    @Test func anonymous() {
        #expect(NamespaceNames.anonymous(4_026_531_840) == "net:[4026531840]")
        #expect(NamespaceNames.host == "host")
    }
}

@Suite struct HolderTests {
    @Test func originsInTheirOrder() {
        #expect(Origin.allCases.sorted() == [.process, .mount, .fd, .socket, .thread, .unknown])
        #expect(Origin.allCases.map(\.rank) == [0, 1, 2, 3, 4, 5])
    }

    @Test(
        arguments: [
            (Holder.process(pid: 5), Origin.process, 5), (.mount(path: [1]), .mount, nil),
            (.foreignMount(pid: 6, path: [1]), .mount, 6), (.descriptor(pid: 7, fd: 3), .fd, 7),
            (.socket(pid: 8, fd: 3), .socket, 8), (.thread(pid: 9, tid: 10), .thread, 9),
        ] as [(Holder, Origin, Int32?)])
    func holders(_ holder: Holder, _ origin: Origin, _ pid: Int32?) {
        #expect(holder.origin == origin)
        #expect(holder.pid == pid)
    }
}

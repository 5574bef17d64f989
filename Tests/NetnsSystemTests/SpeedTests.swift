import TestSupport
import Testing

@testable import NetnsCore
@testable import NetnsSystem

extension KernelTests {
    @Suite struct SpeedTests {
        /// An index is given to another link: what the first one's driver said is not said of it, nor the other way round.
        @Test func anIndexThatIsAnotherLink() throws {
            let namespace = try NamedNamespace()
            let engine = try EngineUnderTest([namespace.name])
            func speeds() throws -> [String: UInt64] {
                try engine.collect(.links)
                let sample = try #require(engine[namespace.inode])
                let known = sample.links.compactMap { link in
                    link.speed.map { speed in (link.name.withSpan { PrintableText.string($0) }, speed) }
                }
                return Dictionary(known, uniquingKeysWith: { $1 })
            }
            func link(_ arguments: String) throws {
                try namespace.check("sh", "-ec", arguments)
            }
            try link("ip link add sp index 50 type veth peer name sp2; ip link set sp up; ip link set sp2 up")
            try link("ip link add ib index 60 type ifb; ip link set ib up")
            #expect(try speeds() == ["sp": 1_250_000_000, "sp2": 1_250_000_000])
            try link("ip link del sp; ip link del ib")
            try link("ip link add sp index 50 type ifb; ip link set sp up")
            try link("ip link add ib index 60 type veth peer name ib2; ip link set ib up; ip link set ib2 up")
            #expect(try speeds() == ["ib": 1_250_000_000, "ib2": 1_250_000_000])
        }

        /// A mount that another lies over leads nowhere: the namespace is shown as one that cannot be entered, and counted.
        @Test func aHiddenMount() throws {
            let namespace = try NamedNamespace()
            let directory = try TemporaryDirectory()
            try directory.mount(namespace.path, as: "hidden")
            try namespace.delete()
            try Command.check("mount", "-t", "tmpfs", "none", directory.path)
            defer { _ = try? Command.run(["umount", directory.path]) }
            let engine = try EngineUnderTest(["*"])
            for _ in 0..<2 { try engine.collect(.links) }
            let sample = try #require(engine[namespace.inode])
            #expect(!sample.wasRead && sample.origin == .mount)
            #expect(engine.errors("enter", "hidden_mount") > 0)
        }
    }
}

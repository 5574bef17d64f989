import Foundation
import NetnsCore
import TestSupport
import Testing

@testable import NetnsSystem

extension Link {
    /// All that is known of it.
    fileprivate var everything: String {
        func text<T>(_ value: T?) -> String { value.map { "\($0)" } ?? "-" }
        func hexadecimal(_ bytes: InlineBytes<32>) -> String {
            (0..<bytes.count).map { String(bytes[$0], radix: 16) }.joined(separator: ":")
        }
        let counters = (0..<statistics.count).map { "\(statistics[position: $0])" }.joined(separator: ",")
        return """
            \(index) \(name) type \(hardwareType) flags \(String(flags, radix: 16)) \(text(operationalState?.name)) \
            carrier \(text(carrier)) \(text(carrierChanges)) \(text(carrierUpCount)) \(text(carrierDownCount)) \
            mtu \(text(mtu)) queue \(text(transmitQueueLength)) \(hexadecimal(address)) \(hexadecimal(broadcast)) \
            kind \(kind) alias \(text(alias)) master \(text(master)) \(text(portState?.name)) end \(text(link)) \
            \(text(linkNamespace)) speed \(text(speed)) \(text(duplex)) counters \(counters)
            """
    }
}

extension KernelTests {
    /// Links where the walk tells whether they changed: what is shown is what a dump shows, whatever was done to them.
    @Suite(.needs(.bpf, .tool("ip"))) struct KernelLinkTests {
        /// Three silent namespaces: `x` in the first with its end `y` in the second, and a bridge with a port in the third.
        private struct World {
            let namespaces: [NamedNamespace]
            let kernel: EngineUnderTest
            let portable: EngineUnderTest

            init() throws {
                namespaces = try (0..<3).map { _ in try NamedNamespace() }
                for namespace in namespaces {
                    try namespace.set("net/ipv6/conf/all/disable_ipv6", "1")
                    try namespace.set("net/ipv6/conf/default/disable_ipv6", "1")
                }
                kernel = try EngineUnderTest(namespaces.map(\.name), asksKernel: true)
                portable = try EngineUnderTest(namespaces.map(\.name))
                try makeVeth("x", in: namespaces[0], to: "y", in: namespaces[1])
                try ip(0, "link set x up")
                try ip(1, "link set y up")
                try ip(2, "link add br0 type bridge")
                try ip(2, "link add port type veth peer name inner")
                try ip(2, "link set port master br0")
                for name in ["br0", "port", "inner"] { try ip(2, "link set \(name) up") }
            }

            func ip(_ index: Int, _ arguments: String) throws {
                let words = arguments.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
                try namespaces[index].check(arguments: ["ip"] + words)
            }

            /// Collects by both engines and compares; again for a while where they differ, since the kernel may send
            /// something between the two. What was missed stays missed.
            func compare(_ what: String) throws {
                var texts: ([String], [String]) = ([], [])
                let same = try eventually(within: 3) { () -> Bool? in
                    try kernel.collect(.links)
                    try portable.collect(.links)
                    texts = (everything(kernel), everything(portable))
                    return texts.0 == texts.1 ? true : nil
                }
                #expect(same == true, "\(what): \(texts.0.difference(from: texts.1))")
                #expect(kernel.namespaces.count == 3 && kernel.namespaces.allSatisfy(\.hasLinks), "\(what)")
                #expect(kernel.ledger.entries.isEmpty, "\(what)")
            }

            /// All that an engine knows of links and their other ends.
            private func everything(_ engine: EngineUnderTest) -> [String] {
                engine.namespaces.flatMap { sample in
                    zip(sample.links, peers(sample, engine)).map { "\(sample.name) \($0.everything) end \($1)" }
                }
            }

            private func peers(_ sample: NamespaceSample, _ engine: EngineUnderTest) -> [String] {
                sample.links.indices.map { position in
                    engine.engine.linkedNamespaces.peer(of: position, in: sample).map {
                        "\($0.namespace.name) \($0.link.name)"
                    } ?? "-"
                }
            }

            /// Whether the next collection may ask for the counters of a namespace alone.
            func isConfirmed(_ index: Int) -> Bool {
                kernel.engine.records[namespaces[index].inode]?.kernel.links.isConfirmed == true
            }
        }

        @Test func whateverChangesIsSeen() throws {
            let world = try World()
            // Carriers settle, and a bridge's port comes to forward, a moment later.
            let settled = try eventually { () -> Bool? in
                try world.portable.collect(.links)
                let links = world.portable.namespaces.flatMap(\.links)
                return links.allSatisfy { $0.isLoopback || $0.operationalState == .up }
                    && links.contains { $0.portState?.name.description == "forwarding" } ? true : nil
            }
            #expect(settled == true)
            for round in 0..<3 { try world.compare("nothing, \(round)") }
            for index in 0..<3 { #expect(world.isConfirmed(index)) }

            let changes: [(Int, [String])] = [
                (0, ["link set lo up"]),
                (0, ["link set x mtu 1400"]),
                (0, ["link set x mtu 1300", "link set x mtu 1400"]),
                (0, ["link set x txqueuelen 77"]),
                (0, ["link set x address 02:00:00:00:00:77"]),
                (0, ["link set x broadcast ff:ff:ff:ff:ff:fe"]),
                (0, ["link set x promisc on"]),
                (0, ["link set x allmulticast on"]),
                (0, ["link set x arp off"]),
                (0, ["link set x mode dormant"]),
                (0, ["link set x mode default"]),
                (0, ["link set x down", "link set x name other"]),
                (0, ["link set other up"]),
                (0, ["link set other down", "link set other up"]),
                (1, ["link set y down"]),
                (1, ["link set y up", "link set y down", "link set y up"]),
                (0, ["link set other alias words"]),
                (0, ["link set other alias wordz"]),
                (0, ["link set other alias "]),
                // Other links of the same name and index, and the same name at another index.
                (0, ["link del other", "link add index 2 name other type bridge"]),
                (0, ["link set other name third", "link add index 9 name other type bridge"]),
                (0, ["link del third", "link set other name third"]),
                (0, ["link add name lower type veth peer name upper"]),
                (0, ["link add name above link lower type macvlan"]),
                (0, ["link set lower mtu 1450"]),
                // To another namespace, and back; its other end says so by itself.
                (0, ["link set upper netns \(world.namespaces[1].name)"]),
                (1, ["link set upper netns \(world.namespaces[2].name)"]),
                (2, ["link set upper netns \(world.namespaces[0].name)"]),
                (2, ["link set port type bridge_slave state 4"]),
                (2, ["link set port type bridge_slave state 3"]),
                (2, ["link set port nomaster"]),
                (2, ["link set inner master br0"]),
                (2, ["link add vrf9 type vrf table 9"]),
                (2, ["link del br0"]),
            ]
            var unusable = 0
            for (index, commands) in changes {
                do {
                    for command in commands { try world.ip(index, command) }
                } catch {
                    // Of a kind that this kernel, or this ip(8), has not.
                    unusable += 1
                }
                let what = commands.joined(separator: "; ")
                // What the kernel does a moment later may fall between the two collections.
                usleep(50_000)
                try world.compare(what)
                try world.compare("after " + what)
            }
            #expect(unusable < 6)
            // One whose lower device an id may come to stand for is dumped each time.
            #expect(!world.isConfirmed(0) && world.isConfirmed(1) && world.isConfirmed(2))
        }

        @Test func countersGoOn() throws {
            let world = try World()
            for (index, name, address) in [(0, "x", "198.18.0.1/24"), (1, "y", "198.18.0.2/24")] {
                try world.ip(index, "address add \(address) dev \(name)")
            }
            var before: UInt64 = 0
            for round in 0..<4 {
                try world.compare("round \(round)")
                let link = try #require(world.kernel.namespaces.compactMap { $0.link("x") }.first)
                let sent = try #require(link.statistics[.txPackets])
                #expect(round < 2 || sent > before)
                before = sent
                try world.namespaces[0].check("bash", "-c", "for i in 1 2 3; do echo > /dev/udp/198.18.0.2/9; done")
                usleep(50_000)
            }
            #expect(world.isConfirmed(0) && world.isConfirmed(1))
        }

        /// While links come and go under the same index, each name has its own address.
        @Test func churn() throws {
            let namespace = try NamedNamespace()
            let child = try ChildProcess(
                "python3", "-c",
                """
                import select, subprocess, sys
                print("ready", flush=True)
                i = 0
                while not select.select([0], [], [], 0)[0]:
                    lines = ""
                    for _ in range(20):
                        i = (i + 1) % 90
                        lines += "link add index 50 name c%d address 02:00:00:00:00:%d type bridge\\n" % (i + 10, i + 10)
                        lines += "link del c%d\\n" % (i + 10)
                    subprocess.run(["ip", "-n", sys.argv[1], "-batch", "-"], input=lines.encode())
                """, namespace.name)
            defer { child.end() }
            let engine = try EngineUnderTest([namespace.name], asksKernel: true)
            var seen = Set<String>()
            let end = Date(timeIntervalSinceNow: 60)
            while seen.count < 5, Date() < end {
                try engine.collect(.links)
                for link in engine.namespaces.flatMap(\.links) where !link.isLoopback {
                    seen.insert(link.name.description)
                    #expect(LastByte.of(link.address) == link.name.description.dropFirst())
                }
            }
            #expect(seen.count >= 5)
        }
    }
}

/// The last byte of a hardware address as it is written.
private enum LastByte {
    static func of(_ address: InlineBytes<32>) -> Substring {
        Substring(address.isEmpty ? "" : String(address[address.count - 1], radix: 16))
    }
}

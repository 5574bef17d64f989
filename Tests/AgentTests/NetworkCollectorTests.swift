import NetnsCore
import NetnsSystem
import Testing

@testable import Agent
@testable import Exposition

/// Addresses, routes and neighbours as they are written.
@Suite struct NetworkCollectorTests {
    private static func samples(isHost: Bool = false) throws -> [NamespaceSample] {
        let first = try Samples.namespace(
            "a", inode: 1, isHost: isHost, links: [Samples.link(2, "eth0", kind: "veth"), Samples.link(3, "eth1")])
        Samples.addNetwork(to: first)
        return [try Samples.namespace("A", inode: 2), first]
    }

    private static let addresses: [Substring] = [
        #"netns_network_address_info{netns="a",device="eth0",address="198.18.0.2",family="ipv4",prefix_length="22",scope="global"} 1"#,
        #"netns_network_address_info{netns="a",device="eth1",address="198.18.4.1",family="ipv4",prefix_length="32",scope="99"} 1"#,
        #"netns_network_address_info{netns="a",device="eth0",address="2001:db8::1",family="ipv6",prefix_length="64",scope="global",flags="tentative,dadfailed,deprecated"} 1"#,
        #"netns_network_address_info{netns="a",device="eth0",address="2001:db8::2",family="ipv6",prefix_length="128",scope="link",flags="deprecated"} 1"#,
    ]

    @Test func addresses() throws {
        let stage = try Stage(try Self.samples())
        let text = try stage.expose(.text, [.address])
        #expect(text.samples(of: "netns_network_address_info") == Self.addresses)
        #expect(text.samples(of: "netdrift_addresses_left_out") == ["netdrift_addresses_left_out 0"])
        #expect(!text.contains("netns_network_up") && !text.contains("netns_routes"))
        #expect(stage.engine.asked.last?.parts == [.links, .addresses])
    }

    @Test func theDevicesAreThoseOfTheInterfaceCollector() throws {
        let without = try Stage(try Self.samples(), exclude: "^eth0$").expose()
        #expect(without.samples(of: "netns_network_address_info") == [Self.addresses[1]])
        #expect(
            without.samples(of: "netns_network_default_route_info") == [
                #"netns_network_default_route_info{netns="a",device="eth1",family="ipv4"} 1"#
            ])
        #expect(without.samples(of: "netns_routes").count == 4)
        let one = try Stage(try Self.samples(), maximumDevices: 1).expose()
        #expect(one.samples(of: "netns_network_address_info").count == 3)
        for (hostVeths, count) in [(false, 1), (true, 4)] {
            let samples = try Self.samples(isHost: true)
            samples[1].links[0].linkNamespace = 7
            let text = try Stage(samples, hostVeths: hostVeths).expose()
            #expect(text.samples(of: "netns_network_address_info").count == count)
        }
    }

    @Test(arguments: [(4, 0), (3, 1), (0, 4)])
    func tooManyAddresses(_ maximum: Int, _ leftOut: Int) throws {
        let text = try Stage(try Self.samples(), maximumAddresses: maximum).expose()
        #expect(text.samples(of: "netns_network_address_info") == Array(Self.addresses.prefix(maximum)))
        #expect(text.samples(of: "netdrift_addresses_left_out") == ["netdrift_addresses_left_out \(leftOut)"])
    }

    @Test func routes() throws {
        let stage = try Stage(try Self.samples())
        let text = try stage.expose(.text, [.route])
        #expect(
            text.samples(of: "netns_routes") == [
                #"netns_routes{netns="A",family="ipv4"} 0"#, #"netns_routes{netns="A",family="ipv6"} 0"#,
                #"netns_routes{netns="a",family="ipv4"} 3"#, #"netns_routes{netns="a",family="ipv6"} 2"#,
            ])
        #expect(
            text.samples(of: "netns_network_default_route_info") == [
                #"netns_network_default_route_info{netns="a",device="eth0",family="ipv4",gateway="198.18.0.1"} 1"#,
                #"netns_network_default_route_info{netns="a",device="eth1",family="ipv4"} 1"#,
                #"netns_network_default_route_info{netns="a",device="eth0",family="ipv6",gateway="2001:db8::9"} 1"#,
            ])
        #expect(stage.engine.asked.last?.parts == [.links, .routes])
    }

    @Test func neighbours() throws {
        let stage = try Stage(try Self.samples())
        let lines = try stage.expose(.text, [.neighbour]).samples(of: "netns_neighbours")
        let states = ["incomplete", "reachable", "stale", "delay", "probe", "failed", "noarp", "permanent"]
        let counts = [1, 1, 2, 1, 1, 1, 2, 1]
        #expect(lines.prefix(8).allSatisfy { $0.hasPrefix(#"netns_neighbours{netns="A""#) && $0.hasSuffix(" 0") })
        #expect(
            Array(lines.dropFirst(8))
                == zip(states, counts).map { Substring(#"netns_neighbours{netns="a",state="\#($0)"} \#($1)"#) })
        #expect(stage.engine.asked.last?.parts == .neighbours)
    }

    /// What was not read has no samples; what is switched off is not even read.
    @Test func notRead() throws {
        let stage = try Stage(try Self.samples())
        stage.engine.unread = [.addresses, .routes, .neighbours]
        let text = try stage.expose()
        for family in ["address_info", "default_route_info"] { #expect(!text.contains("netns_network_\(family){")) }
        #expect(!text.contains("netns_routes{") && !text.contains("netns_neighbours{"))
        let off = try Stage(try Self.samples(), enabled: CollectorName.defaults)
        _ = try off.expose(.text, Set(CollectorName.allCases))
        #expect(
            off.engine.asked.last?.parts
                == CollectorName.defaults.reduce(into: CollectionParts()) { $0.formUnion($1.parts) })
    }
}

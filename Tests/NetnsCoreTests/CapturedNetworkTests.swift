import Foundation
import TestSupport
import Testing

@testable import NetnsCore

/// Addresses, routes and neighbours as the kernel sent them (Fixtures/README.md) against what ip(8) said of them.
@Suite struct CapturedNetworkTests {
    private struct Link: Decodable {
        struct Address: Decodable {
            let family: String
            let local: String
            let address: String?
            let prefixlen: UInt8
            let scope: String
            let tentative: Bool?
            let dadfailed: Bool?
            let deprecated: Bool?
        }
        let ifindex: Int32
        let ifname: String
        let addresses: [Address]
        enum CodingKeys: String, CodingKey {
            case ifindex, ifname
            case addresses = "addr_info"
        }
    }

    private struct Route: Decodable {
        struct Hop: Decodable, Hashable {
            struct Via: Decodable, Hashable { let host: String }
            let dev: String?
            let gateway: String?
            let via: Via?
        }
        let type: String
        let dst: String
        let table: String?
        let nexthops: [Hop]?
    }

    private static func indexes() throws -> [String: Int32] {
        let links = try JSONDecoder().decode([Link].self, from: Data(try fixture("addresses.json")))
        return Dictionary(uniqueKeysWithValues: links.map { ($0.ifname, $0.ifindex) })
    }

    @Test func addresses() throws {
        let links = try JSONDecoder().decode([Link].self, from: Data(try fixture("addresses.json")))
        let told = links.flatMap { link in link.addresses.map { (link.ifindex, $0) } }
        let addresses = try Netlink.addresses(try fixture("addresses.bin"))
        #expect(told.count == 15)
        #expect(addresses.count == told.count)
        for (link, told) in told {
            let ours = addresses.filter {
                $0.link == link && $0.address.description == told.local && $0.hasPeer == (told.address != nil)
            }
            #expect(ours.count == (told.local == "198.18.0.1" ? 2 : 1), "\(told.local)")
            let address = try #require(ours.first)
            #expect(address.address.family == (told.family == "inet" ? .ipv4 : .ipv6))
            #expect(address.prefixLength == told.prefixlen)
            let scopes = ["0": "global", "200": "site", "253": "link", "254": "host"]
            #expect(address.scope.name?.description == scopes[told.scope])
            #expect(String(address.scope.rawValue) == told.scope)
            #expect(address.flags.contains(.tentative) == (told.tentative ?? false))
            #expect(address.flags.contains(.dadFailed) == (told.dadfailed ?? false))
            #expect(address.flags.contains(.deprecated) == (told.deprecated ?? false))
        }
        // The capture is worth something only while it has each of them.
        for flag: InterfaceAddress.Flags in [.tentative, .dadFailed, .deprecated] {
            #expect(addresses.contains { $0.flags.contains(flag) })
        }
        var once = addresses
        once.removeRepeated()
        #expect(once.count == addresses.count - 1)
        #expect(once.count { $0.address.description == "198.18.0.1" } == 1)
    }

    @Test func routes() throws {
        let indexes = try Self.indexes()
        let summary = try Netlink.routes(try fixture("routes.bin"))
        let lines = String(decoding: try fixture("routes.json"), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 2)
        for (family, line) in zip(IPFamily.allCases, lines) {
            let all = try JSONDecoder().decode([Route].self, from: Data(line.utf8))
            #expect(all.contains { $0.table == "255" })
            let routes = all.filter { $0.table != "255" }
            #expect(summary[family] == routes.count)
            let defaults = routes.filter { $0.dst == "default" && $0.table == "254" && $0.type == "1" }
            // ip writes the next hop of a simple route beside its destination.
            let simple = try JSONDecoder().decode([Route.Hop].self, from: Data(line.utf8))
            let hops = zip(all, simple).filter { route, _ in
                route.dst == "default" && route.table == "254" && route.type == "1"
            }.flatMap { route, hop in route.nexthops ?? [hop] }
            #expect(hops.count > defaults.count)
            let expected = Set(hops.map { "\(indexes[$0.dev ?? ""] ?? 0) \($0.gateway ?? $0.via?.host ?? "-")" })
            let ours = summary.defaults.filter { $0.family == family }
            #expect(ours.count == expected.count)
            #expect(Set(ours.map { "\($0.link) \($0.gateway?.description ?? "-")" }) == expected)
        }
        #expect(summary.defaults == summary.defaults.sorted())
    }

    @Test func neighbours() throws {
        struct Neighbour: Decodable { let state: [String] }
        let told = try JSONDecoder().decode([Neighbour].self, from: Data(try fixture("neighbours.json")))
        let counts = try Netlink.neighbours(try fixture("neighbours.bin"))
        for state in NeighbourState.allCases {
            let expected = told.count { $0.state == [state.name.description.uppercased()] }
            #expect(counts[state] == expected, "\(state)")
        }
        for state: NeighbourState in [.incomplete, .reachable, .stale, .failed, .noarp, .permanent] {
            #expect(counts[state] > 0, "\(state)")
        }
    }

    /// Cut at every byte: an error, or some of what was there; never a trap.
    @Test(arguments: ["addresses.bin", "routes.bin", "neighbours.bin"])
    func everyTruncation(_ name: String) throws {
        let whole = try fixture(name)
        for length in 0..<whole.count { Netlink.decodeAll(Array(whole[..<length])) }
        for message in try Netlink.messages(whole) {
            for length in 0..<message.payload.count {
                Netlink.decodeAll(Netlink.message(type: message.header.type, Array(message.payload[..<length])))
            }
        }
    }

    @Test(arguments: ["addresses.bin", "routes.bin", "neighbours.bin"])
    func mutations(_ name: String) throws {
        let whole = try fixture(name)
        var generator = SplitMix64(seed: 28)
        var failed = 0
        for _ in 0..<8_000 {
            var datagram = whole
            for _ in 0...generator.next() % 8 {
                let position = Int(generator.next() % UInt64(datagram.count))
                datagram[generator.next() % 2 == 0 ? position : position & ~3] = UInt8(generator.next() % 256)
            }
            if !Netlink.decodeAll(datagram) { failed += 1 }
        }
        #expect(failed > 100 && failed < 8_000)
    }
}

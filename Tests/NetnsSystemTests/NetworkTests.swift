import Foundation
import NetnsCore
import TestSupport
import Testing

@testable import NetnsSystem

extension KernelTests {
    /// Addresses, routes and neighbours of the real kernel, beside what ip(8) shows of them.
    @Suite struct NetworkTests {
        /// A namespace with a veth whose other end is in a second one; both are up, and resolve nothing by themselves.
        private func pair() throws -> (NamedNamespace, NamedNamespace) {
            let (left, right) = (try NamedNamespace(), try NamedNamespace())
            try makeVeth("left", in: left, to: "right", in: right)
            for (namespace, device) in [(left, "left"), (right, "right")] {
                try namespace.check("ip", "link", "set", device, "up")
                try namespace.check("ip", "link", "set", "lo", "up")
            }
            return (left, right)
        }

        /// `DEVICE ADDRESS/PREFIX SCOPE FLAGS` of each address, as ip(8) tells, sorted.
        private func shownAddresses(_ namespace: NamedNamespace) throws -> [String] {
            let text = try Command.check("ip", "-n", namespace.name, "-j", "address")
            let links = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]] ?? []
            return links.flatMap { link in
                (link["addr_info"] as? [[String: Any]] ?? []).map { address in
                    let flags = ["tentative", "dadfailed", "deprecated"].filter { address[$0] as? Bool == true }
                    return "\(link["ifindex"] ?? "") \(address["local"] ?? "")/\(address["prefixlen"] ?? "") "
                        + "\(address["scope"] ?? "") \(flags)"
                }
            }.sorted()
        }

        private func ours(_ sample: NamespaceSample) -> [String] {
            sample.addresses.map { address in
                let known: [(InterfaceAddress.Flags, String)] = [
                    (.tentative, "tentative"), (.dadFailed, "dadfailed"), (.deprecated, "deprecated"),
                ]
                return "\(address.link) \(address.address)/\(address.prefixLength) "
                    + "\(address.scope.name?.description ?? "") \(known.filter { address.flags.contains($0.0) }.map(\.1))"
            }.sorted()
        }

        @Test func addresses() throws {
            let (left, right) = try pair()
            try right.check("ip", "address", "add", "2001:db8::d/64", "dev", "right", "nodad")
            for address in [
                "192.0.2.1/24", "192.0.2.2/24", "198.18.0.1 peer 198.18.0.2/32", "192.0.2.9/32 scope link",
                "2001:db8::1/64 nodad", "2001:db8::2/64 nodad preferred_lft 0", "2001:db8::d/64",
            ] {
                try Command.check("ip", "-n", left.name, "-batch", "-", input: "address add \(address) dev left\n")
            }
            // Detection takes a second or so; from then on it takes very long.
            let failed = try eventually { try shownAddresses(left).first { $0.contains("dadfailed") } }
            #expect(failed != nil)
            try left.set("net/ipv6/conf/left/dad_transmits", "1000")
            try left.check("ip", "address", "add", "2001:db8::77/64", "dev", "left")
            let engine = try EngineUnderTest([left.name])
            // The link-local address ends its own detection meanwhile.
            let compared = try eventually { () -> [String]? in
                let before = try shownAddresses(left)
                try engine.collect(.addresses)
                return try before == shownAddresses(left) ? before : nil
            }
            let told = try #require(compared)
            let sample = try #require(engine[left.inode])
            #expect(ours(sample) == told)
            #expect(sample.hasAddresses && !sample.hasLinks && !sample.hasRoutes && !sample.hasNeighbours)
            #expect(told.contains { $0.contains("::77/64 global [\"tentative\"]") })
            #expect(told.contains { $0.contains("::d/64") && $0.contains("dadfailed") })
            #expect(told.contains { $0.contains("::2/64 global [\"deprecated\"]") })
            #expect(told.contains { $0.contains(" 198.18.0.1/32 global") })
            // A second with another peer is the same to us.
            try left.check("ip", "address", "add", "198.18.0.1", "peer", "198.18.0.3/32", "dev", "left")
            try engine.collect(.addresses)
            #expect(engine[left.inode]?.addresses.count == told.count)
        }

        /// The lines of `ip route show table all` that are not of the table local.
        private func routeCount(_ namespace: NamedNamespace, _ family: String) throws -> Int {
            try Command.check("ip", "-n", namespace.name, family, "route", "show", "table", "all")
                .split(separator: "\n").count { !$0.contains(" table local ") && !$0.hasPrefix("\t") }
        }

        @Test func routes() throws {
            let (left, right) = try pair()
            defer { withExtendedLifetime(right) {} }
            try left.check("ip", "address", "add", "192.0.2.1/24", "dev", "left")
            try left.check("ip", "address", "add", "2001:db8::1/64", "dev", "left", "nodad")
            let engine = try EngineUnderTest([left.name])
            func defaults() throws -> [String] {
                try engine.collect(.routes)
                let sample = try #require(engine[left.inode])
                #expect(sample.hasRoutes && !sample.hasLinks)
                #expect(sample.routes.ipv4 == (try routeCount(left, "-4")))
                #expect(sample.routes.ipv6 == (try routeCount(left, "-6")))
                return sample.routes.defaults.map { "\($0.family.name) \($0.gateway?.description ?? "-")" }
            }
            #expect(try defaults() == [])
            for route in [
                "default via 192.0.2.9 table 100", "default via 192.0.2.9 table 4711", "blackhole default metric 9000",
                "203.0.113.0/24 via inet6 fe80::9 dev left", "unreachable 198.51.100.0/24",
            ] { try add(route, left) }
            try add("unreachable default metric 9000", left, "-6")
            #expect(try defaults() == [])
            try add("default via 192.0.2.2 metric 5", left)
            try add("default via 192.0.2.2 metric 6", left)
            try add("default dev left metric 7", left)
            try add("0.0.0.0/0 via inet6 fe80::9 dev left metric 8", left)
            #expect(try defaults() == ["ipv4 -", "ipv4 192.0.2.2", "ipv4 fe80::9"])
            try add("default metric 9 nexthop via 192.0.2.3 dev left nexthop via 192.0.2.4 dev left", left)
            try add("default via fe80::2 dev left", left, "-6")
            try add("default metric 7 nexthop via fe80::3 dev left nexthop via fe80::4 dev left", left, "-6")
            #expect(
                try defaults() == [
                    "ipv4 -", "ipv4 192.0.2.2", "ipv4 192.0.2.3", "ipv4 192.0.2.4", "ipv4 fe80::9", "ipv6 fe80::2",
                    "ipv6 fe80::3", "ipv6 fe80::4",
                ])
        }

        private func add(_ route: String, _ namespace: NamedNamespace, _ family: String = "-4") throws {
            try Command.check("ip", "-n", namespace.name, family, "-batch", "-", input: "route add \(route)\n")
        }

        /// Beyond the limit nothing is said of the routes; all else is read, and the next namespace too.
        @Test func tooManyRoutes() throws {
            let (left, right) = try pair()
            for octet in 1...40 { try add("unreachable 198.18.\(octet).0/24", left) }
            let engine = try EngineUnderTest([left.name, right.name]) { $0.maximumRoutes = 30 }
            for round in 1...2 {
                let report = try engine.collect()
                #expect(report.routes.attempts == 2 && report.routes.failures == 1)
                let sample = try #require(engine[left.inode])
                #expect(!sample.hasRoutes && sample.hasLinks && sample.hasAddresses && sample.hasNeighbours)
                #expect(sample.wasRead && engine[right.inode]?.hasRoutes == true)
                #expect(engine.errors("routes", "too_many") == UInt64(round))
            }
            #expect(engine.ledger.entries.allSatisfy { $0.key.reason == "too_many" })
        }

        @Test func neighbours() throws {
            let (left, right) = try pair()
            defer { withExtendedLifetime(right) {} }
            try left.check("ip", "address", "add", "192.0.2.1/24", "dev", "left")
            for (address, state) in [
                ("192.0.2.10", "permanent"), ("192.0.2.11", "permanent"), ("2001:db8::10", "permanent"),
                ("192.0.2.12", "stale"), ("192.0.2.13", "noarp"), ("192.0.2.14", "stale"),
            ] {
                try left.check(
                    "ip", "neigh", "add", address, "lladdr", "02:00:00:00:00:01", "dev", "left", "nud", state)
            }
            try left.check("ip", "neigh", "change", "192.0.2.14", "dev", "left", "nud", "failed")
            let engine = try EngineUnderTest([left.name])
            let compared = try eventually { () -> [String]? in
                let before = try shownNeighbours(left)
                try engine.collect(.neighbours)
                return try before == shownNeighbours(left) ? before : nil
            }
            let told = try #require(compared)
            let sample = try #require(engine[left.inode])
            #expect(sample.hasNeighbours && !sample.hasLinks)
            for state in NeighbourState.allCases {
                let expected = told.count { $0 == state.name.description.uppercased() }
                #expect(sample.neighbours[state] == expected, "\(state)")
            }
            #expect(sample.neighbours[.permanent] == 3)
            #expect(sample.neighbours[.failed] == 1)
            #expect(sample.neighbours[.stale] == 1)
        }

        /// The state of each, sorted.
        private func shownNeighbours(_ namespace: NamedNamespace) throws -> [String] {
            let text = try Command.check("ip", "-n", namespace.name, "-j", "neigh", "show", "nud", "all")
            let entries = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]] ?? []
            return entries.flatMap { $0["state"] as? [String] ?? [] }.sorted()
        }
    }
}

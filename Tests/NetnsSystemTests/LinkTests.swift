import Foundation
import NetnsCore
import TestSupport
import Testing

@testable import NetnsSystem

/// A link as `ip -s -s -j -d link` prints it.
private struct IPLink: Decodable, Equatable {
    struct Info: Decodable, Equatable {
        let kind: String?
        enum CodingKeys: String, CodingKey { case kind = "info_kind" }
    }
    struct Statistics: Decodable, Equatable {
        let rx: [String: UInt64]
        let tx: [String: UInt64]
    }
    let ifindex: Int32
    let ifname: String
    let mtu: UInt32
    let operstate: String
    let txqlen: UInt32?
    let address: String
    let ifalias: String?
    let linkinfo: Info?
    let stats64: Statistics

    static func all(in namespace: NamedNamespace) throws -> [IPLink] {
        let text = try Command.check("ip", "-n", namespace.name, "-s", "-s", "-d", "-j", "link", "show")
        return try JSONDecoder().decode([IPLink].self, from: Data(text.utf8))
    }
}

extension KernelTests {
    @Suite struct LinkTests {
        /// Where ip(8) prints a counter.
        private static let places:
            [(LinkCounter, any KeyPath<IPLink.Statistics, [String: UInt64]> & Sendable, String)] = [
                (.rxPackets, \.rx, "packets"), (.txPackets, \.tx, "packets"), (.rxBytes, \.rx, "bytes"),
                (.txBytes, \.tx, "bytes"), (.rxErrors, \.rx, "errors"), (.txErrors, \.tx, "errors"),
                (.rxDropped, \.rx, "dropped"), (.txDropped, \.tx, "dropped"), (.multicast, \.rx, "multicast"),
                (.collisions, \.tx, "collisions"), (.rxLengthErrors, \.rx, "length_errors"),
                (.rxCRCErrors, \.rx, "crc_errors"), (.rxFrameErrors, \.rx, "frame_errors"),
                (.rxFIFOErrors, \.rx, "fifo_errors"), (.rxMissedErrors, \.rx, "missed_errors"),
                (.txAbortedErrors, \.tx, "aborted_errors"), (.txCarrierErrors, \.tx, "carrier_errors"),
                (.txFIFOErrors, \.tx, "fifo_errors"), (.txHeartbeatErrors, \.tx, "heartbeat_errors"),
                (.txWindowErrors, \.tx, "window_errors"),
            ]

        /// Two namespaces, joined by a veth, silent but for what the test sends.
        private func pair() throws -> (NamedNamespace, NamedNamespace) {
            let left = try NamedNamespace()
            let right = try NamedNamespace()
            try makeVeth("left", in: left, to: "right", in: right)
            for (namespace, device, address) in [(left, "left", "198.18.0.1/24"), (right, "right", "198.18.0.2/24")] {
                try namespace.set("net/ipv6/conf/all/disable_ipv6", "1")
                try namespace.set("net/ipv6/conf/\(device)/disable_ipv6", "1")
                try namespace.check("ip", "address", "add", address, "dev", device)
                try namespace.check("ip", "link", "set", device, "up")
                try namespace.check("ip", "link", "set", "lo", "up")
            }
            return (left, right)
        }

        @Test func countersAndPropertiesAsIPShowsThem() throws {
            let (left, right) = try pair()
            try left.check("ip", "link", "set", "left", "alias", "uplink of \"left\"", "mtu", "1400")
            try left.check("ip", "link", "set", "left", "txqueuelen", "77", "address", "02:00:5e:10:00:01")
            try left.check("bash", "-c", "for i in {1..50}; do echo hello > /dev/udp/198.18.0.2/9 || :; done")
            try left.check("bash", "-c", "for i in {1..7}; do echo hello > /dev/udp/127.0.0.1/9 || :; done")
            let engine = try EngineUnderTest([left.name, right.name])
            // A late ARP packet may fall between: what ip shows before and after must be the same.
            let compared = try eventually { () -> [NamedNamespace]? in
                let before = try [left, right].map { try IPLink.all(in: $0) }
                try engine.collect(.links)
                let after = try [left, right].map { try IPLink.all(in: $0) }
                return before == after ? [left, right] : nil
            }
            for namespace in try #require(compared) {
                let sample = try #require(engine[namespace.inode])
                let expected = try IPLink.all(in: namespace)
                #expect(sample.links.map { $0.name.description } == expected.map(\.ifname))
                for (link, expected) in zip(sample.links, expected) {
                    #expect(link.index == expected.ifindex)
                    #expect(link.mtu == expected.mtu)
                    #expect(String(describing: link.operationalState?.name ?? "nil") == expected.operstate.lowercased())
                    #expect(link.transmitQueueLength == expected.txqlen)
                    #expect(link.kind.description == expected.linkinfo?.kind ?? "")
                    #expect(link.alias.map { String(decoding: $0, as: UTF8.self) } == expected.ifalias)
                    let address = (0..<link.address.count).map { String(format: "%02x", link.address[$0]) }
                    #expect(address.joined(separator: ":") == expected.address)
                    for (counter, group, key) in Self.places {
                        #expect(link.statistics[counter] == expected.stats64[keyPath: group][key], "\(counter)")
                    }
                }
            }
            let link = try #require(engine[left.inode]?.link("left"))
            #expect(link.statistics[.txPackets] ?? 0 >= 50)
            #expect(link.statistics[.rxPackets] ?? 0 >= 1)
            #expect(engine[left.inode]?.link("lo")?.statistics[.rxPackets] ?? 0 >= 7)
            #expect(link.alias != nil && link.transmitQueueLength == 77 && link.mtu == 1400)
            #expect(link.isVethToElsewhere)
            #expect(link.link == engine[right.inode]?.link("right")?.index)
            #expect(link.speed == 1_250_000_000)
            #expect(link.duplex.map { "\($0)" } == "full")
            #expect(engine[left.inode]?.link("lo")?.speed == nil)
        }

        @Test func carrier() throws {
            let (left, right) = try pair()
            let engine = try EngineUnderTest([left.name])
            func link() throws -> Link {
                try engine.collect(.links)
                return try #require(engine[left.inode]?.link("left"))
            }
            let up = try #require(try eventually { try link().operationalState == .up ? try link() : nil })
            #expect(up.isAdministrativelyUp)
            #expect(up.carrier == true)
            try right.check("ip", "link", "set", "right", "down")
            // ip knows whether it is `down` or `lowerlayerdown`; the kernel tells by the peer's index.
            let down = try #require(try eventually { try link().operationalState == .up ? nil : try link() })
            let shown = try IPLink.all(in: left).first { $0.ifname == "left" }?.operstate
            #expect(down.operationalState?.name.description == shown?.lowercased())
            #expect(down.isAdministrativelyUp)
            #expect(down.carrier == false)
            #expect(down.speed == nil)
            #expect(down.carrierChanges == up.carrierChanges.map { $0 + 1 })
            #expect(down.carrierDownCount == up.carrierDownCount.map { $0 + 1 })
            #expect(down.carrierUpCount == up.carrierUpCount)
            try right.check("ip", "link", "set", "right", "up")
            let again = try #require(try eventually { try link().carrier == true ? try link() : nil })
            #expect(again.speed == 1_250_000_000)
            #expect(again.carrierUpCount == up.carrierUpCount.map { $0 + 1 })
            try left.check("ip", "link", "set", "left", "down")
            #expect(try link().isAdministrativelyUp == false)
        }

        @Test func portsOfABridge() throws {
            let namespace = try NamedNamespace()
            try namespace.check(
                "sh", "-c", "ip link add br0 type bridge; ip link add p type veth peer name q; ip link set p master br0"
            )
            let engine = try EngineUnderTest([namespace.name])
            try engine.collect(.links)
            let sample = try #require(engine[namespace.inode])
            let (a, b, bridge) = (sample.link("p"), sample.link("q"), sample.link("br0"))
            #expect(bridge?.kind.description == "bridge")
            #expect(a?.master == bridge?.index)
            #expect(b?.master == nil)
            #expect(a?.link == b?.index)
            #expect(a?.linkNamespace == nil && a?.isVethToElsewhere == false)
        }

        @Test func sixHundredLinks() throws {
            let namespace = try NamedNamespace()
            let batch = (0..<300).map { "link add a\($0) type veth peer name b\($0)" }.joined(separator: "\n")
            try Command.check("ip", "-n", namespace.name, "-batch", "-", input: batch + "\n", timeout: 120)
            let engine = try EngineUnderTest([namespace.name])
            let report = try engine.collect(.links)
            // And the host's, where other ends may be.
            #expect(report.links.attempts == 2 && report.links.failures == 0)
            let names = try #require(engine[namespace.inode]).links.map { $0.name.description }
            #expect(Set(names) == Set(["lo"] + (0..<300).flatMap { ["a\($0)", "b\($0)"] }))
            #expect(names.count == 601)
            #expect(engine.ledger.entries.isEmpty)
        }

        @Test func namesWithUnusualBytes() throws {
            let namespace = try NamedNamespace()
            try namespace.check(
                "sh", "-c",
                """
                for name in 'q"uote' "apo'" 'back\\' 'ü日本' "$(printf 'a\\377b')" "$(printf '\\001\\033')" ab@if3; do
                    ip link add name "$name" type bridge
                done
                """)
            let engine = try EngineUnderTest([namespace.name])
            try engine.collect(.links)
            let links = try #require(engine[namespace.inode]).links
            #expect(
                Set(links.map { $0.name.description })
                    == ["lo", "q\"uote", "apo'", "back\\", "ü日本", "a\\xffb", "\\x01\\x1b", "ab@if3"])
            let odd = try #require(links.first { $0.name.description == "a\\xffb" })
            #expect((0..<odd.name.count).map { odd.name[$0] } == [0x61, 0xFF, 0x62])
        }

        /// Links that are made, renamed and removed during the dumps.
        @Test func thatChangeAllTheTime() throws {
            let namespace = try NamedNamespace()
            let batch = (0..<300).map { "link add s\($0) type veth peer name t\($0)" }.joined(separator: "\n")
            try Command.check("ip", "-n", namespace.name, "-batch", "-", input: batch + "\n")
            let child = try ChildProcess(
                "ip", "netns", "exec", namespace.name, "bash", "-c",
                """
                echo ready
                while read -t 0.001 _; [ $? -gt 128 ]; do
                    printf '%s\\n' 'link set dev s7 name u1' 'link set dev s299 name s7' 'link set dev u1 name s299' \\
                        'link add name u2 type veth peer name u3' 'link set dev s20 name u4' 'link del dev u2' \\
                        'link set dev u4 name s20' | ip -batch - || exit 1
                done
                """)
            let engine = try EngineUnderTest([namespace.name]) { $0.sysctls = try rpFilters() }
            var complete = 0
            for _ in 0..<50 {
                try engine.collect()
                let sample = try #require(engine[namespace.inode])
                guard sample.hasLinks else { continue }
                complete += 1
                let names = Set(sample.links.map(\.name))
                #expect(names.count == sample.links.count)
                for index in 0..<300 { #expect(names.contains(InlineBytes<16>("t\(index)"))) }
            }
            #expect(complete > 0)
            #expect(engine.ledger.entries.allSatisfy { $0.key.reason == "interrupted" })
            #expect(child.isRunning)
            child.end()
        }

        private func rpFilters() throws -> SysctlSelection {
            SysctlSelection(builtin: true, include: [try SysctlPattern("net.ipv4.conf.*.rp_filter")], exclude: [])
        }
    }
}

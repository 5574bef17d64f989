import TestSupport
import Testing

@testable import NetnsCore

extension Netlink {
    /// The ruleset of captured dumps.
    static func filter(_ datagrams: [UInt8]) throws(NetlinkDecodingError) -> FilterTable {
        var table = FilterTable()
        for message in try messages(datagrams) {
            try unsafe table.add(decoding: message.payload.span.bytes, type: message.header.type)
        }
        return table
    }
}

/// A ruleset as the kernel sent it (Fixtures/README.md) against what nft(8) shows of it.
@Suite struct CapturedFilterTests {
    /// Where our text is another than nft's, by the rule's chain and handle.
    private static let ours: [String: String] = [
        "inet filter forward 19": "ip6 daddr 2001:db8::/32 reject",
        "inet filter forward 18": "limit accept",
        "inet filter forward 21": "meta mark 0x00004000 counter log accept",
        "inet filter forward 25": "iif 1 accept",
        "inet filter forward 26": "fib ... accept",
        "ip filter FORWARD 2": "tcp dport 80 xt match \"comment\" xt match \"conntrack\" counter accept",
        "ip filter FORWARD 3":
            "iifname \"eth0\" meta l4proto tcp ip saddr 198.18.0.0/16 xt match \"multiport\" counter drop",
        "ip filter FORWARD 4": "meta l4proto icmp xt match \"icmp\" counter LOG",
        "ip filter FORWARD 5": "xt match \"addrtype\" counter reject",
    ]

    /// The rules as nft shows them, by chain and handle.
    private static func told() throws -> [String: String] {
        var told: [String: String] = [:]
        var table = ""
        var chain = ""
        for line in String(decoding: try fixture("filter.txt"), as: UTF8.self).split(separator: "\n") {
            let words = line.split(whereSeparator: \.isWhitespace)
            if words.first == "table" { table = "\(words[1]) \(words[2])" }
            if words.first == "chain" { chain = String(words[1]) }
            guard line.hasPrefix("\t\t"), let end = line.range(ofLast: " # handle ") else { continue }
            var text = String(line[..<end.lowerBound].drop { $0 == "\t" })
            text = text.replacing(" packets 0 bytes 0", with: "").replacing(" comment \"from containers\"", with: "")
            told["\(table) \(chain) \(line[end.upperBound...])"] = text
        }
        return told
    }

    @Test func rules() throws {
        let table = try Netlink.filter(try fixture("filter.bin"))
        var told = try Self.told()
        #expect(told.count == 27)
        for rule in table.rules.values.flatMap({ $0 }) {
            let key = "\(rule.chain.family.name) \(rule.chain.table) \(rule.chain.name) \(rule.handle)"
            let expected = told.removeValue(forKey: key)
            #expect(expected != nil, "\(key)")
            #expect(rule.text(sets: table.sets) == Self.ours[key] ?? expected, "\(key)")
        }
        #expect(told.isEmpty)
    }

    @Test func chains() throws {
        let table = try Netlink.filter(try fixture("filter.bin"))
        #expect(table.chains.count == 7)
        let forward = table.chains(at: .forward, of: .ipv4).map { "\($0.id.family.name) \($0.id.table) \($0.id.name)" }
        #expect(forward == ["inet filter forward", "ip filter FORWARD", "inet filter late"])
        #expect(table.chains(at: .forward, of: .ipv6).map(\.id.name) == ["forward", "late"])
        #expect(table.chains(at: .postrouting, of: .ipv4).map(\.base?.type) == ["nat"])
        #expect(table.chainsOfLinks.map(\.id.table) == ["between"])
        #expect(table.dormantTables == [FilterTable.ID(family: .ipv4, name: "asleep")])
        let base = table.chains.first { $0.id.name == "late" }?.base
        #expect(base == FilterChain.Base(hook: 2, priority: 10, type: "filter", drops: false))
        #expect(table.chains.first { $0.id.name == "services" }?.base == nil)
    }

    @Test func sets() throws {
        let table = try Netlink.filter(try fixture("filter.bin"))
        func set(_ name: String) -> FilterSet? { table.sets[FilterSet.ID(family: .inet, table: "filter", name: name)] }
        #expect(set("blocked")?.hasIntervals == true && set("blocked")?.keyLength == 4)
        #expect(set("blocked")?.elements?.count == 5)
        #expect(Set(set("ports")?.elements?.map(\.key) ?? []) == [[0, 80], [1, 187]])
        #expect(set("decisions")?.isMap == true && set("decisions")?.elements?.count == 4)
        #expect(set("decisions")?.elements?.filter(\.catchesAll).map(\.data) == [.verdict(.continue)])
        #expect(set("pairs")?.fields == [4, 2] && set("pairs")?.keyLength == 8)
        #expect(set("pairs")?.elements?.allSatisfy { $0.lastKey?.count == 8 } == true)
        #expect(table.setsLookedUp.count == table.sets.count)
    }

    private static func packet(
        _ protocolNumber: UInt8, _ port: UInt16? = nil, from source: String = "198.18.0.2",
        to destination: String = "198.18.1.2", icmp: UInt8? = nil, state: FilterPacket.ConnectionState = .new,
        input: String = "eth0", output: String = "eth0"
    ) throws -> FilterPacket {
        FilterPacket(
            input: .init(index: 2, name: InlineBytes(input)), output: .init(index: 3, name: InlineBytes(output)),
            source: try #require(IPAddress(source)), destination: try #require(IPAddress(destination)),
            protocolNumber: protocolNumber, destinationPort: port, icmpType: icmp, state: state)
    }

    @Test func verdicts() throws {
        let table = try Netlink.filter(try fixture("filter.bin"))
        func handle(_ packet: FilterPacket) -> String {
            switch table.verdict(for: packet, hook: .forward) {
            case .accepted: "accepted"
            case .dropped(let cause): "dropped \(cause.handle.map { "\($0)" } ?? "policy")"
            case .rejected(let cause): "rejected \(cause.handle.map { "\($0)" } ?? "policy")"
            case .unknown(let doubt): "unknown \(doubt.rule.handle ?? 0) \(doubt.expression)"
            }
        }
        func expect(_ packet: FilterPacket, _ expected: String) {
            let verdict = handle(packet)
            #expect(verdict == expected, "\(packet)")
        }
        // A goto that comes back leads to the policy.
        expect(try Self.packet(6, 443), "dropped policy")
        // What is accepted by the first goes on to the rules of iptables, and there to addrtype.
        expect(try Self.packet(17, 1, state: .established), "unknown 5 match addrtype")
        expect(try Self.packet(6, 80, input: "cni0"), "accepted")
        expect(try Self.packet(6, 6, input: "cni0"), "unknown 22 meta mark")
        expect(try Self.packet(6, 22, to: "198.18.4.7", output: "eth1"), "dropped 14")
        expect(try Self.packet(6, 22, to: "198.18.9.7", output: "eth1"), "dropped 14")
        expect(try Self.packet(6, 22, to: "198.18.9.8", output: "eth1"), "unknown 22 meta mark")
        expect(try Self.packet(6, 90), "dropped 15")
        expect(try Self.packet(6, 91), "unknown 5 match addrtype")
        expect(try Self.packet(6, 91, from: "2001:db8::9", to: "2001:db8:1::9"), "accepted")
        expect(try Self.packet(58, from: "2001:db8::9", to: "2001:db8:1::9", icmp: 1), "unknown 18 limit")
    }

    /// Cut and changed bytes: an error or a ruleset, never a trap, and an answer for every packet.
    @Test func mutations() throws {
        let whole = try fixture("filter.bin")
        let messages = try Netlink.messages(whole)
        var generator = SplitMix64(seed: 10)
        let packets = [
            try Self.packet(6, 80), try Self.packet(58, from: "2001:db8::9", to: "2001:db8:1::9", icmp: 128),
        ]
        var failed = 0
        for _ in 0..<3_000 {
            var table = FilterTable()
            do {
                for message in messages {
                    var payload = message.payload
                    for _ in 0..<generator.next() % 4 where generator.next() % 16 == 0 && !payload.isEmpty {
                        let position = Int(generator.next() % UInt64(payload.count))
                        payload[position] = UInt8(truncatingIfNeeded: generator.next() >> (generator.next() % 8))
                    }
                    try unsafe table.add(decoding: payload.span.bytes, type: message.header.type)
                }
            } catch { failed += 1 }
            for packet in packets { _ = table.verdict(for: packet, hook: .forward) }
            for rule in table.rules.values.flatMap({ $0 }) where rule.text(sets: table.sets).count > 300 {
                Issue.record("a long text")
            }
        }
        #expect(failed > 100 && failed < 2_900)
        for message in messages {
            for length in 0..<message.payload.count {
                var table = FilterTable()
                try? unsafe table.add(decoding: Array(message.payload[..<length]).span.bytes, type: message.header.type)
            }
        }
    }
}

extension Substring {
    /// The last place of a text.
    fileprivate func range(ofLast text: String) -> Range<Index>? { ranges(of: text).last }
}

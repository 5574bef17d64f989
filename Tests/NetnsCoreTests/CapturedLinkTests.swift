import Foundation
import Testing

@testable import NetnsCore

/// What the kernel sent (Fixtures/README.md) against what ip(8) said of the same links.
@Suite struct CapturedLinkTests {
    /// A link in the words of `ip -s -s -d -j link`.
    private struct Told: Decodable {
        struct Info: Decodable {
            enum CodingKeys: String, CodingKey { case infoKind = "info_kind" }
            let infoKind: String?
        }
        struct Counters: Decodable {
            let rx: [String: UInt64]
            let tx: [String: UInt64]
        }
        let ifindex: Int32
        let ifname: String
        let flags: [String]
        let mtu: UInt32
        let operstate: String
        let txqlen: UInt32
        let linkType: String
        let address: String
        let broadcast: String
        let link: String?
        let linkIndex: Int32?
        let linkNetnsid: Int32?
        let master: String?
        let linkinfo: Info?
        let ifalias: String?
        let stats64: Counters

        enum CodingKeys: String, CodingKey {
            case ifindex, ifname, flags, mtu, operstate, txqlen, address, broadcast, link, master, linkinfo, ifalias
            case stats64
            case linkType = "link_type"
            case linkIndex = "link_index"
            case linkNetnsid = "link_netnsid"
        }
    }

    private static let files = [("links-a", ["links-a-0", "links-a-1"], 7), ("links-b", ["links-b-0"], 2)]

    private static func told(_ name: String) throws -> [Told] {
        try JSONDecoder().decode([Told].self, from: Data(try fixture(name + ".json")))
    }

    private static func hexadecimal(_ address: InlineBytes<32>) -> String {
        (0..<address.count).map { String(format: "%02x", address[$0]) }.joined(separator: ":")
    }

    @Test(arguments: files)
    func everyFieldIsWhatIpSays(_ json: String, _ datagrams: [String], _ count: Int) throws {
        let told = try Self.told(json)
        var links: [Link] = []
        for datagram in datagrams { links += try Netlink.links(try fixture(datagram + ".bin")) }
        #expect(told.count == count)
        #expect(links.count == count)
        let names = Dictionary(uniqueKeysWithValues: told.map { ($0.ifindex, $0.ifname) })
        for position in 0..<min(links.count, told.count) {
            Self.compare(links[position], told[position], names)
            Self.compare(links[position].statistics, told[position].stats64)
        }
    }

    private static func compare(_ link: Link, _ told: Told, _ names: [Int32: String]) {
        #expect(link.name.description == told.ifname)
        #expect(link.index == told.ifindex)
        #expect(link.isAdministrativelyUp == told.flags.contains("UP"))
        #expect(link.hardwareType == (told.linkType == "loopback" ? 772 : 1))
        #expect(link.mtu == told.mtu)
        #expect(link.operationalState?.name.description.uppercased() == told.operstate)
        #expect(link.transmitQueueLength == told.txqlen)
        #expect(hexadecimal(link.address) == told.address)
        #expect(hexadecimal(link.broadcast) == told.broadcast)
        #expect(link.linkNamespace == told.linkNetnsid)
        // ip gives the lower device by name where it is in the same namespace, and by number elsewhere.
        let lower = names.first { $0.value == told.link }?.key
        #expect(link.link == told.linkIndex ?? lower)
        let master = link.master.flatMap { names[$0] }
        #expect(master == told.master)
        #expect(link.kind.description == told.linkinfo?.infoKind ?? "")
        #expect(link.alias == told.ifalias.map { Array($0.utf8) })
        #expect(link.isVethToElsewhere == ["veth0", "eth0"].contains(told.ifname))
        if told.flags.contains("UP") { #expect(link.carrier == told.flags.contains("LOWER_UP")) }
        #expect(link.carrierChanges == told.stats64.tx["carrier_changes"].map { UInt32($0) })
        #expect((link.carrierUpCount ?? 99) + (link.carrierDownCount ?? 99) == link.carrierChanges)
        #expect(link.speed == nil)
        #expect(link.duplex == nil)
    }

    private static func compare(_ ours: LinkStatistics, _ told: Told.Counters) {
        #expect(ours.count == 25)
        let rx: [(String, LinkCounter)] = [
            ("bytes", .rxBytes), ("packets", .rxPackets), ("errors", .rxErrors), ("dropped", .rxDropped),
            ("over_errors", .rxOverErrors), ("multicast", .multicast), ("length_errors", .rxLengthErrors),
            ("crc_errors", .rxCRCErrors), ("frame_errors", .rxFrameErrors), ("fifo_errors", .rxFIFOErrors),
            ("missed_errors", .rxMissedErrors),
        ]
        let tx: [(String, LinkCounter)] = [
            ("bytes", .txBytes), ("packets", .txPackets), ("errors", .txErrors), ("dropped", .txDropped),
            ("carrier_errors", .txCarrierErrors), ("collisions", .collisions), ("aborted_errors", .txAbortedErrors),
            ("fifo_errors", .txFIFOErrors), ("window_errors", .txWindowErrors),
            ("heartbeat_errors", .txHeartbeatErrors),
        ]
        for (name, counter) in rx { #expect(ours[counter] == told.rx[name], "rx \(name)") }
        for (name, counter) in tx { #expect(ours[counter] == told.tx[name], "tx \(name)") }
    }

    /// The capture is worth something only while its numbers differ from nothing.
    @Test func theCaptureHasTraffic() throws {
        let veth = try #require(try Netlink.links(try fixture("links-b-0.bin")).last)
        #expect(veth.statistics[.rxPackets] == 56)
        #expect(veth.statistics[.txPackets] == 17)
        #expect(veth.statistics[.rxBytes] == 0x17CA)
        #expect(veth.statistics[.txBytes] == 0x0779)
        #expect(veth.carrierUpCount == 2)
        #expect(veth.carrierDownCount == 2)
        #expect(veth.flags == 0x11043)
    }

    @Test func headersAreRead() throws {
        let messages = try Netlink.messages(try fixture("links-b-0.bin"))
        #expect(messages.map(\.header.type) == [16, 16])
        #expect(messages.allSatisfy { $0.header.flags == 2 && $0.header.sequence == 7 && $0.header.port == 0x6F90 })
        #expect(messages.allSatisfy { !$0.header.isDumpInterrupted })
        #expect(messages.map(\.payload.count) == [0x5BC - 16, 0x5E0 - 16])
    }

    @Test(arguments: ["links-a-2.bin", "links-b-1.bin"])
    func theDumpEnds(_ name: String) throws {
        let messages = try Netlink.messages(try fixture(name))
        #expect(messages.map(\.header.type) == [3])
        #expect(Netlink.errorNumber(messages[0].payload) == 0)
    }

    @Test func theKernelsErrorIsRead() throws {
        let messages = try Netlink.messages(try fixture("no-such-link.bin"))
        #expect(messages.map(\.header.type) == [2])
        #expect(messages[0].header.sequence == 8)
        #expect(Netlink.errorNumber(messages[0].payload) == 19)
    }

    @Test(arguments: [("nsid-a.bin", nil), ("nsid-b.bin", 0), ("nsid-c.bin", nil)] as [(String, Int32?)])
    func namespaceIDs(_ name: String, _ expected: Int32?) throws {
        let messages = try Netlink.messages(try fixture(name))
        #expect(messages.map(\.header.type) == [88])
        #expect(try Netlink.namespaceID(messages[0].payload) == expected)
    }

    /// Cut at every byte: an error, or the links before the cut; never a trap, never another link.
    @Test(arguments: ["links-a-0.bin", "links-b-0.bin"])
    func everyTruncation(_ name: String) throws {
        let whole = try fixture(name)
        let names = try Netlink.links(whole).map { $0.name.description }
        // Two messages, so one cut leaves a whole one.
        let ends = try Netlink.messages(whole).reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.payload.count + 16) }
        #expect(names.count == ends.count - 1)
        for length in 0...whole.count {
            let cut = Array(whole[..<length])
            if let position = ends.firstIndex(of: length) {
                #expect(try Netlink.links(cut).map { $0.name.description } == Array(names[..<position]))
            } else {
                #expect(throws: NetlinkDecodingError.self) { try Netlink.links(cut) }
            }
        }
    }

    /// The payload of one link, cut at every byte: decoded as far as it goes, or an error.
    @Test func everyTruncationOfAPayload() throws {
        let payload = try Netlink.messages(try fixture("links-b-0.bin"))[1].payload
        var decoded = 0
        for length in 0..<payload.count {
            guard let link = try? Netlink.link(decoding: Array(payload[..<length])) else { continue }
            decoded += 1
            #expect(link.name.description == "eth0")
            #expect(link.index == 2)
            #expect(link.statistics.count == 0 || link.statistics.count == 25)
        }
        #expect(decoded > 50)
    }
}

import Foundation
import NetnsSystem
import Testing
import Web

@testable import Agent
@testable import NetnsCore

/// What `/api/v1/overview` and `/api/v1/namespace` say.
@Suite struct OverviewTests {
    private typealias Object = [String: Any]

    private static func object(_ stage: Stage, _ resource: Resource) throws -> [String: Any] {
        let body = try stage.exposer.body(of: resource, gzip: false, maximumAge: 60)
        let data = body.withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe Data($0) } }
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    private static func stage(_ samples: [NamespaceSample]? = nil, fresh: FreshSysctls? = nil) throws -> Stage {
        try Stage(try samples ?? Samples.three(), fresh: fresh)
    }

    @Test func everyNamespaceInShort() throws {
        let samples = try Samples.three()
        samples[2].links[0].hardwareType = 772
        let overview = try Self.object(try Self.stage(samples), .overview)
        #expect(overview["version"] as? String == Version.number)
        #expect(overview["started"] as? Double == 1_700_000_000.5)
        #expect(overview["time"] as? Double == 1_700_000_100.125)
        #expect(overview["left_out"] as? [String: Int] == ["deadline": 0, "limit": 0, "unreachable": 0])
        let entries = try #require(overview["namespaces"] as? [Object])
        #expect(entries.map { $0["name"] as? String } == ["prod/web-0", #"evil\x0a"b"\"#, "host"])
        let web = entries[0]
        #expect(web["pod"] as? String == "web-0" && web["pod_namespace"] as? String == "prod")
        #expect(web["runtime"] as? String == "containerd" && web["command"] as? String == #"nginx: "m""#)
        // tcp_congestion_control is not what it declared.
        #expect(web["drifted"] as? [String: Int] == ["critical": 1])
        let interfaces = try #require(web["interfaces"] as? [Object])
        #expect(interfaces.map { $0["device"] as? String } == ["eth0", "eth0.100"])
        #expect(interfaces.map { $0["down"] as? Bool } == [false, true])
        #expect(interfaces[0]["peer_netns"] as? String == "host" && interfaces[0]["peer_device"] as? String == "veth7")
        #expect(interfaces[0]["peer_master"] as? String == "eth0")
        #expect(web["interfaces_left_out"] == nil)
        // The loopback device says nothing, and the veth is told of at its other end.
        let host = entries[2]
        #expect((host["interfaces"] as? [Object])?.map { $0["device"] as? String } == ["eth0", "veth8"])
        #expect(host["interfaces_left_out"] as? Int == 1)
        #expect(host["container"] == nil && host["pod"] == nil)
    }

    @Test func whatWasNotReadIsLeftOut() throws {
        let samples = try Samples.three()
        samples[0].wasRead = false
        let stage = try Stage(samples, enabled: [.interface])
        let entries = try #require(try Self.object(stage, .overview)["namespaces"] as? [Object])
        #expect(entries.allSatisfy { $0["drifted"] == nil })
        #expect(entries[0]["interfaces"] == nil && entries[1]["interfaces"] != nil)
        #expect(stage.engine.asked.last?.parts == [.links, .addresses])
    }

    @Test func linksAreBroken() {
        func link(_ state: UInt8, kind: String = "veth", flags: UInt32 = 1, type: UInt16 = 1) -> Link {
            var link = Link()
            (link.operationalState, link.kind) = (OperationalState(rawValue: state), InlineBytes(kind))
            (link.flags, link.hardwareType) = (flags, type)
            return link
        }
        for state: UInt8 in [1, 2, 3, 4, 5] { #expect(link(state).isBroken(inHost: false)) }
        for state: UInt8 in [0, 6] { #expect(!link(state).isBroken(inHost: false)) }
        #expect(!link(2, kind: "sit").isBroken(inHost: false) && !link(2, kind: "dummy").isBroken(inHost: true))
        #expect(!link(2, kind: "", type: 772).isBroken(inHost: false))
        #expect(link(2, flags: 0).isBroken(inHost: false) && !link(2, flags: 0).isBroken(inHost: true))
        #expect(!Link().isBroken(inHost: false))
    }

    /// Of more than there is room for, the broken one is told.
    @Test func manyLinks() throws {
        var links = (1...300).map { Samples.link($0, "d\($0)", kind: "veth") }
        links[299].operationalState = OperationalState(rawValue: 2)
        let sample = try Samples.namespace("n", inode: 1, links: links)
        let told = ToldLinks(of: sample, most: 64)
        #expect(told.positions == Array(0..<63) + [299] && told.leftOut == 236)
        #expect(ToldLinks(of: sample, most: 300).leftOut == 0)
    }

    @Test func oneNamespace() throws {
        let fresh = FreshSysctls {
            SysctlSurvey(values: [
                try SysctlName("net.ipv4.tcp_congestion_control"): .init(value: .text("bbr"), mode: 0o644),
                try SysctlName("net.ipv4.ip_local_port_range"): .init(value: .text("1 2"), mode: 0o644),
            ])
        }
        while fresh.values().state == .pending { usleep(1000) }
        let samples = try Samples.three()
        let detail = try Self.object(try Self.stage(samples, fresh: fresh), .namespace("prod/web-0"))
        #expect(detail["fresh"] as? String == "ready" && detail["first_seen"] as? Double == 1_700_000_000.25)
        let identity = try #require(detail["namespace"] as? Object)
        #expect(identity["name"] as? String == "prod/web-0" && identity["interfaces"] == nil)
        #expect(identity["container_id"] as? String == "0123456789abcdef" && identity["inode"] as? Int == 4_026_532_177)
        #expect(detail["writable"] as? Bool == false)

        let sysctls = try #require(detail["sysctls"] as? [Object])
        let first = try #require(sysctls.first)
        #expect(first["sysctl"] as? String == "net.ipv4.tcp_congestion_control" && first["drifted"] as? Bool == true)
        #expect(first["value"] as? String == "bbr" && first["host"] as? String == "cubic")
        #expect(first["fresh"] as? String == "bbr" && first["differs_from"] as? [String] == ["host"])
        let demand = try #require((first["expectations"] as? [Object])?.first)
        #expect(demand["expected"] as? String == "cubic" && demand["state"] as? String == "drifted")
        #expect(demand["rule"] as? String == "as-declared" && demand["source"] as? String == "declared")
        #expect((demand["remedy"] as? String)?.contains("nsenter --net=/proc/4711/ns/net") == true)
        // Then what nothing is known of, then what differs.
        let order = sysctls.compactMap { $0["sysctl"] as? String }
        #expect(order[1...2].sorted() == ["net.ipv4.tcp_fastopen", "net.netfilter.nf_conntrack_max"])
        #expect(sysctls[1]["state"] as? String == "unreadable" && sysctls[2]["state"] as? String == "absent")
        #expect(order[3] == "net.ipv4.ip_local_port_range" || order[4] == "net.ipv4.ip_local_port_range")
        #expect(Set(order).count == order.count)

        let interfaces = try #require(detail["interfaces"] as? [Object])
        let ethernet = try #require(interfaces.first)
        #expect(ethernet["device"] as? String == "eth0" && ethernet["carrier_changes"] as? Int == 3)
        let counters = try #require(ethernet["counters"] as? [String: Int])
        #expect(counters["receive_packets"] == 500 && counters["transmit_bytes"] == 503)
        // An older kernel has one less: it is unknown, not zero.
        #expect(counters.count == 24 && counters["receive_otherhost_dropped"] == nil)
        #expect((ethernet["peer"] as? Object)?["device"] as? String == "veth7")
        #expect((ethernet["bridge"] as? Object)?["device"] as? String == "eth0")
        #expect(ethernet["port_state"] as? String == "forwarding")
        #expect((detail["default_routes"] as? [Object])?.isEmpty == false)
    }

    @Test func nobodyOfThatName() throws {
        let stage = try Self.stage()
        for name in ["", "web", "prod/web-0 "] {
            #expect(throws: UnknownNamespace.self) {
                try stage.exposer.body(of: .namespace(name), gzip: false, maximumAge: 60)
            }
        }
    }

    /// A page that asks for several things at once costs one collection.
    @Test func theyShareACollection() throws {
        let stage = try Self.stage()
        for resource: Resource in [.overview, .drift, .namespaces, .namespace("host"), .overview] {
            for gzip in [false, true] {
                _ = try stage.exposer.body(of: resource, gzip: gzip, maximumAge: 60)
            }
        }
        #expect(stage.engine.asked.count == 1)
        _ = try stage.exposer.body(of: .overview, gzip: false, maximumAge: 0)
        #expect(stage.engine.asked.count == 2)
    }

    @Test func aFreshNamespaceIsReadOnceAndWhenAskedFor() throws {
        final class Count: @unchecked Sendable { var value = 0 }
        let count = Count()
        let none = FreshSysctls {
            count.value += 1
            throw Failure("no")
        }
        #expect(count.value == 0)
        while none.values().state == .pending { usleep(1000) }
        #expect(none.values().state == .unavailable && none.values().values.isEmpty && count.value == 1)
    }
}

import Foundation
import Testing

@testable import Agent
@testable import NetnsCore

@Suite struct NamespaceListingTests {
    private static func samples() throws -> [NamespaceSample] {
        let samples = try Samples.three()
        samples[0].mounts = [Array("/run/netns/web".utf8), Array("/x\n".utf8)]
        samples[0].cookie = 77
        samples[0].hasAddresses = true
        samples[0].links[1].master = 2
        samples[0].containers = [try container(), try joined()]
        samples[1].holders = [
            .descriptor(pid: 9, fd: 4), .socket(pid: 9, fd: 5), .thread(pid: 9, tid: 10), .process(pid: 11),
            .mount(path: Array("/a".utf8)), .foreignMount(pid: 12, path: [0x2F, 0xFF]),
        ]
        var topology = Topology()
        topology.resolve(samples)
        return samples
    }

    static func container() throws -> Container {
        Container(
            id: String(repeating: "0123456789abcdef", count: 4), runtime: .containerd, name: nil, pod: "web-0",
            podNamespace: "prod", isSandbox: true, network: .path("/run/netns/cni-1"), pid: 4711, startTime: 1,
            created: 10,
            declared: [
                DeclaredSysctl(name: try SysctlName("net.core.somaxconn"), value: "128"),
                DeclaredSysctl(name: try SysctlName("net.ipv4.ip_forward"), value: "0"),
            ], owner: 0)
    }

    private static func joined() throws -> Container {
        Container(
            id: "a\n", runtime: nil, name: "app", pod: nil, podNamespace: nil, isSandbox: false, network: .unknown,
            pid: 4712, startTime: nil, created: 11,
            declared: [DeclaredSysctl(name: try SysctlName("net.core.somaxconn"), value: "256")], owner: 0)
    }

    @Test func json() throws {
        let samples = try Self.samples()
        let listing = NamespaceListing(samples, linked: samples, [4711: "nginx -g daemon off;"])
        let text = try listing.json(pretty: true)
        #expect(text.suffix(2) == Array("}\n".utf8))
        let data = try JSONSerialization.jsonObject(with: Data(text)) as? [String: Any]
        let namespaces = try #require(data?["namespaces"] as? [[String: Any]])
        #expect(namespaces.count == 3)
        let web = namespaces[0]
        #expect(web["name"] as? String == "prod/web-0")
        #expect(web["inode"] as? Int == 4_026_532_177)
        #expect(web["cookie"] as? Int == 77)
        #expect(web["nsid"] as? Int == 4)
        #expect(web["origin"] as? String == "process")
        #expect(web["processes"] as? Int == 3)
        #expect(web["pid"] as? Int == 4711)
        #expect(web["user"] as? String == "101")
        #expect(web["command"] as? String == "nginx -g daemon off;")
        #expect(web["mounts"] as? [String] == ["/run/netns/web", "/x\\x0a"])
        #expect((web["holders"] as? [Any])?.isEmpty == true)
        let interfaces = try #require(web["interfaces"] as? [[String: Any]])
        #expect(interfaces.map { $0["device"] as? String } == ["eth0", "eth0.100"])
        #expect(interfaces[0]["ifindex"] as? Int == 2)
        #expect(interfaces[0]["operstate"] as? String == "up")
        #expect(interfaces[0]["mtu"] as? Int == 1500)
        #expect(interfaces[0]["kind"] as? String == "veth")
        #expect(interfaces[0]["address"] as? String == "02:00:00:00:0a:02")
        // Its peer is a port; the other is one itself.
        #expect(interfaces[0]["peer_netns"] as? String == "host")
        #expect(interfaces[0]["peer_device"] as? String == "veth7")
        #expect(interfaces[0]["master"] as? String == "eth0")
        #expect(interfaces[0]["port_state"] as? String == "forwarding")
        #expect(interfaces[1]["master"] as? String == "eth0")
        #expect(
            Set(interfaces[1].keys) == [
                "addresses", "device", "ifindex", "kind", "master", "operstate", "peer_device", "peer_netns",
            ])
        #expect(interfaces[0]["addresses"] as? [String] == ["198.18.0.2/22", "2001:db8::1/64", "2001:db8::2/128"])
        #expect(web["runtime"] as? String == "containerd")
        #expect(web["container_id"] as? String == String(repeating: "0123456789abcdef", count: 4))
        #expect(web["container"] == nil)
        #expect(web["pod"] as? String == "web-0")
        #expect(web["pod_namespace"] as? String == "prod")
        // Keys of sysctls stay as they are, and a container that joined later has the last word.
        #expect(web["declared"] as? [String: String] == ["net.core.somaxconn": "256", "net.ipv4.ip_forward": "0"])
        let containers = try #require(web["containers"] as? [[String: Any]])
        #expect(containers.map { $0["pid"] as? Int } == [4711, 4712])
        #expect(containers[1]["container_id"] as? String == "a\n")
        #expect(containers[1]["runtime"] == nil && namespaces[1]["declared"] == nil)
        // What is not known is not there.
        #expect(namespaces[1]["cookie"] == nil && namespaces[1]["pid"] == nil && namespaces[1]["command"] == nil)
        // Without a command line, the command.
        #expect(namespaces[2]["command"] as? String == "systemd")
    }

    @Test func holders() throws {
        let samples = try Self.samples()
        let listing = NamespaceListing(samples, linked: samples)
        let holders = listing.namespaces[1].holders
        #expect(holders.map(\.origin) == ["fd", "socket", "thread", "process", "mount", "mount"])
        #expect(holders.map(\.pid) == [9, 9, 9, 11, nil, 12])
        #expect(holders.map(\.fd) == [4, 5, nil, nil, nil, nil])
        #expect(holders.map(\.tid) == [nil, nil, 10, nil, nil, nil])
        #expect(holders.map(\.path) == [nil, nil, nil, nil, "/a", "/\\xff"])
    }

    @Test func interfacesThatWereNotReadAreNotEmpty() throws {
        let samples = try Self.samples()
        samples[0].wasRead = false
        samples[2].hasLinks = false
        let listing = NamespaceListing(samples, linked: samples)
        #expect(listing.namespaces.map { $0.interfaces?.count } == [nil, 4, nil])
    }

    @Test func table() throws {
        let samples = try Self.samples()
        samples[2].wasRead = false
        samples[1].nsid = nil
        samples[0].links += [Samples.link(4, "c"), Samples.link(5, "d"), Samples.link(6, "e"), Samples.link(7, "f")]
        let listing = NamespaceListing(samples, linked: samples, [4711: "nginx -g daemon off;"])
        let expected = #"""
            NS         NAME           ORIGIN  NPROCS  PID USER NETNSID    NSFS                    CONTAINER               INTERFACES                            COMMAND
            4026532177 prod/web-0     process      3 4711 101  4          /run/netns/web, /x\x0a containerd:0123456789ab eth0 198.18.0.2/22 -> veth7 (eth0), eth0.100 198.18.4.1/32 -> prod/web-0:eth0, c, +3 nginx -g daemon off;
            4026532200 evil\x0a"b"\   fd           0    - -    unassigned -                       -                       q"b\s, a\xff, a\xff, +1              (fd 4 of pid 9)
            4026531840 host           process    212    1 root unassigned -                       -                       ?                                     systemd

            """#
        let words = { (text: String) in
            text.split(separator: "\n").map { $0.split(separator: " ", omittingEmptySubsequences: true) }
        }
        let text = listing.table(width: nil)
        #expect(words(text) == words(expected))
        // Columns begin at the same place in every line, and no line ends in a space.
        let lines = text.split(separator: "\n").map { Array($0) }
        for title in ["NAME", "ORIGIN", "USER", "NETNSID", "NSFS", "CONTAINER", "INTERFACES", "COMMAND"] {
            let column = try #require(String(lines[0]).firstRange(of: " " + title))
            let offset = String(lines[0]).distance(from: String(lines[0]).startIndex, to: column.lowerBound)
            for line in lines { #expect(line[offset] == " " && line[offset + 1] != " ") }
        }
        #expect(lines.allSatisfy { $0.last != " " })
        // PID is aligned to the right.
        #expect(text.contains("3 4711 101") && text.contains("212    1 root"))
    }

    @Test func linesAreCut() throws {
        let samples = try Self.samples()
        let listing = NamespaceListing(samples, linked: samples)
        let cut = listing.table(width: 40).split(separator: "\n")
        #expect(cut.allSatisfy { $0.count <= 40 })
        #expect(cut[1].count == 40)
        #expect(listing.table(width: nil).split(separator: "\n").contains { $0.count > 60 })
    }

    @Test(arguments: [
        (Origin.socket, Holder.socket(pid: 8, fd: 3), "(socket 3 of pid 8)"),
        (.thread, .thread(pid: 8, tid: 9), "(thread 9 of pid 8)"),
        (.mount, .foreignMount(pid: 8, path: Array("/m".utf8)), "(mounted on /m in the mount namespace of pid 8)"),
        (.fd, .socket(pid: 8, fd: 3), "-"),
    ])
    func whoHoldsIt(_ origin: Origin, _ holder: Holder, _ expected: String) throws {
        let sample = try Samples.namespace("n", inode: 1, origin: origin)
        sample.holders = [holder]
        let table = NamespaceListing([sample], linked: []).table(width: nil)
        #expect(table.hasSuffix(" " + expected + "\n"))
    }

    @Test func nothing() throws {
        let listing = NamespaceListing([], linked: [])
        #expect(listing.table(width: nil).split(separator: "\n").count == 1)
        #expect(String(decoding: try listing.json(pretty: false), as: UTF8.self) == "{\"namespaces\":[]}\n")
    }
}

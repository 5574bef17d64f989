import NetnsCore
import Testing

/// How to mend one sysctl of one namespace.
@Suite struct RemedyTests {
    private static let time = SysctlName(components: ["net", "ipv4", "tcp_keepalive_time"])

    private static func place(
        _ runtime: String?, pod: String? = nil, pid: Int32? = 42, mount: String? = nil, isHost: Bool = false
    ) -> Remedy.Place {
        var place = Remedy.Place()
        place.isHost = isHost
        place.runtime = runtime
        place.pod = pod
        place.wayIn = mount.map { .mount(path: Array($0.utf8)) } ?? pid.map { .process(pid: $0) }
        return place
    }

    @Test(arguments: [
        (place("docker"), "docker run --sysctl net.ipv4.tcp_keepalive_time=600"),
        (place("podman", pod: "p"), "podman run --sysctl net.ipv4.tcp_keepalive_time=600"),
        (
            place("containerd", pod: "p"),
            "the pod's securityContext.sysctls: [{name: \"net.ipv4.tcp_keepalive_time\", value: \"600\"}] "
                + "(safe since Kubernetes 1.29)"
        ),
        (
            place("runc"),
            "linux.sysctl in the bundle's config.json: {\"net.ipv4.tcp_keepalive_time\": \"600\"}"
        ),
        (
            place(nil, mount: "/run/netns/a b"),
            "after each ip netns add: ip netns exec 'a b' sysctl -w net.ipv4.tcp_keepalive_time=600"
        ),
        (place(nil), "let what makes the namespace set it there, before the first program starts"),
        (place(nil, isHost: true), "net.ipv4.tcp_keepalive_time = 600 in a file of /etc/sysctl.d"),
    ])
    func whereToSetIt(_ place: Remedy.Place, _ expected: String) {
        #expect(Remedy(Self.time, value: "600", in: place).forGood == expected)
    }

    @Test func atOnce() throws {
        func now(_ name: String, _ value: String?, _ place: Remedy.Place) throws -> String? {
            Remedy(try SysctlName(name), value: value, in: place).now
        }
        let process = Self.place("docker")
        #expect(
            try now("net.ipv4.tcp_keepalive_time", "600", process)
                == "nsenter --net=/proc/42/ns/net sysctl -w net.ipv4.tcp_keepalive_time=600")
        #expect(
            try now("net.ipv4.tcp_rmem", "4096\t131072\t6291456", process)
                == "nsenter --net=/proc/42/ns/net sysctl -w 'net.ipv4.tcp_rmem=4096 131072 6291456'")
        #expect(try now("net.core.somaxconn", nil, process)?.hasSuffix("sysctl -w net.core.somaxconn=VALUE") == true)
        #expect(
            try now("net.ipv4.conf.eth0/100.rp_filter", "1", process)
                == "nsenter --net=/proc/42/ns/net sysctl -w net.ipv4.conf.eth0/100.rp_filter=1")
        #expect(
            try now("net.core.somaxconn", "1", Self.place(nil, mount: "/run/netns/it's"))
                == "nsenter --net='/run/netns/it'\\''s' sysctl -w net.core.somaxconn=1")
        #expect(try now("net.core.somaxconn", "1", Self.place(nil, isHost: true)) == "sysctl -w net.core.somaxconn=1")
        #expect(try now("net.core.somaxconn", "1", Self.place(nil, pid: nil)) == nil)
    }

    /// A container chooses the names of its interfaces.
    @Test func hostileNamesAndValues() throws {
        let process = Self.place("docker")
        let evil = SysctlName(components: ["net", "ipv4", "conf", "a=$(id)'`;", "rp_filter"])
        #expect(
            Remedy(evil, value: "$(reboot)", in: process).now
                == "echo '$(reboot)' | nsenter --net=/proc/42/ns/net tee "
                + "'/proc/sys/net/ipv4/conf/a=$(id)'\\''`;/rp_filter'")
        let bytes = SysctlTable.Item(path: [[0x6E, 0x65, 0x74], [0x61], [0xFF]]).name
        #expect(Remedy(bytes, value: "1", in: process).now == nil)
        #expect(
            Remedy(Self.time, value: "1;reboot", in: process).forGood.hasSuffix(
                "'net.ipv4.tcp_keepalive_time=1;reboot'"))
        #expect(Remedy.oci(Self.time, "a\"b\\c").hasSuffix("\"a\\\"b\\\\c\"}"))
        var unreachable = Self.place(nil)
        unreachable.wayIn = .mount(path: Array("/run/netns/".utf8) + [0xFF])
        #expect(Remedy(Self.time, value: "1", in: unreachable).now == nil)
    }

    @Test func anInterfaceOfDocker() throws {
        #expect(
            Remedy(try SysctlName("net.ipv4.conf.eth0.rp_filter"), value: "0", in: Self.place("docker")).forGood
                == "docker run --network name=NETWORK,"
                + "driver-opt=com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.rp_filter=0 for the network of eth0"
        )
    }

    @Test func aKubernetesSysctlThatIsUnsafe() throws {
        let text = Remedy(try SysctlName("net.core.somaxconn"), value: "4096", in: Self.place("cri-o", pod: "p"))
            .forGood
        #expect(text.hasSuffix("(unsafe: the kubelet needs --allowed-unsafe-sysctls=net.core.somaxconn)"))
    }

    @Test func itIsThreeLinesAtMost() {
        let lines = Remedy(Self.time, value: "600\n\n7", in: Self.place("docker")).description.split(separator: "\n")
        #expect(lines.count == 3)
        // What is pasted is the command and nothing else.
        #expect(lines[0].hasPrefix("now: nsenter ") && lines[0].hasSuffix("=600 7'"))
        #expect(lines[1].hasPrefix("note: ") && lines[1].contains("wait out the timer"))
        #expect(lines[2].hasPrefix("for good: docker run "))
        #expect(Remedy(Self.time, value: "1", in: Self.place("docker", pid: nil)).description.hasPrefix("for good: "))
    }

    @Test(
        arguments: [
            ("net.ipv4.conf.all.x", nil), ("net.ipv4.conf.a/b.x", "a.b"), ("net.ipv6.neigh.lo.x", "lo"),
            ("net.ipv4.conf.x", nil),
        ] as [(String, String?)])
    func interfaceOfAName(_ name: String, _ device: String?) throws {
        #expect(try SysctlName(name).device == device)
    }
}

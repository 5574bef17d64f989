import Foundation
import NetnsCore
import Testing

@Suite struct ContainerDecodingTests {
    private static func decode<T: Decodable>(_ type: T.Type = T.self, _ text: String) throws -> T {
        try JSONDecoder().decode(type, from: Data(text.utf8))
    }

    private static func declared(_ sysctls: String) throws -> [String: String] {
        let spec = try decode(OCISpec.self, #"{"linux":{"sysctl":\#(sysctls)}}"#)
        return Dictionary(uniqueKeysWithValues: spec.sysctls.values.map { ($0.name.dotted, $0.value) })
    }

    @Test func sysctls() throws {
        let declared = try Self.declared(
            #"""
            {"net.ipv4.tcp_keepalive_time":"600","net/core/somaxconn":"4096","kernel.msgmax":"65536",
             "net.ipv4.conf.eth0/100.rp_filter":"1","net/ipv4/conf/eth1.100/rp_filter":"2","fs/mqueue/msg_max":"1"}
            """#)
        #expect(
            declared == [
                "net.ipv4.tcp_keepalive_time": "600", "net.core.somaxconn": "4096",
                "net.ipv4.conf.eth0/100.rp_filter": "1", "net.ipv4.conf.eth1/100.rp_filter": "2",
            ])
    }

    /// What is no namespace is passed over, and no file is made of millions of that.
    @Test func elementsThatAreNone() throws {
        func network(_ count: Int) throws -> Container.Network {
            let nothing = String(repeating: "0,", count: count)
            return try Self.decode(
                OCISpec.self, #"{"linux":{"namespaces":[\#(nothing){"type":"network"}]}}"#
            ).network
        }
        #expect(try network(999) == .own)
        #expect(try network(1000) == .host)
    }

    @Test func sysctlsThatCanBeNone() throws {
        let text =
            #"{"linux":{"sysctl":{"net..x":"1","net/":"1","net":"1","":"1","/net/x":"1","net.a":2,"net.b":"3"}}}"#
        let spec = try Self.decode(OCISpec.self, text)
        #expect(spec.sysctls.values.map(\.name.dotted) == ["net.b"])
        #expect(spec.sysctls.malformed == 2)
        #expect(try Self.declared(#"{"net.a":"\#(String(repeating: "1", count: 5000))"}"#).isEmpty)
        let many = (0..<3000).map { #""net.x\#($0)":"1""# }.joined(separator: ",")
        #expect(try Self.declared("{\(many)}").count == 1000)
        let sorted = try Self.decode(OCISpec.self, "{\"linux\":{\"sysctl\":{\(many)}}}").sysctls.values.map(
            \.name.dotted)
        #expect(sorted == sorted.sorted())
    }

    @Test(
        arguments: [
            (#"{"linux":{"namespaces":[{"type":"pid"},{"type":"network"}]}}"#, .own),
            (#"{"linux":{"namespaces":[{"type":"network","path":""}]}}"#, .own),
            (#"{"linux":{"namespaces":[{"type":"network","path":"/run/netns/cni-1"}]}}"#, .path("/run/netns/cni-1")),
            (#"{"linux":{"namespaces":[{"type":"network","path":7}]}}"#, .own),
            (#"{"linux":{"namespaces":[{"type":7},"x",null,{"type":"pid"}]}}"#, .host),
            (#"{"linux":{"namespaces":null}}"#, .host), (#"{"linux":{}}"#, .host), (#"{"linux":[]}"#, .unknown),
            ("{}", .unknown),
        ] as [(String, Container.Network)])
    func networks(_ text: String, _ network: Container.Network) throws {
        #expect(try Self.decode(OCISpec.self, text).network == network)
    }

    @Test func runcStates() throws {
        let state = try Self.decode(RuncState.self, ContainerTexts.runcState)
        #expect(state.pid == 12891 && state.startTime == 1_225_844)
        #expect(abs((state.created ?? 0) - 1_795_458_170.290) < 0.001)
        #expect(state.network == .own)
        #expect(
            state.sysctls.values.map(\.name.dotted) == ["net.ipv4.ping_group_range", "net.ipv4.tcp_keepalive_time"])
        #expect(state.annotations["io.container.manager"] == "libpod" && state.annotations["empty"] == "")
        let old = try Self.decode(
            RuncState.self,
            #"{"init_process_pid":"48289","init_process_start":"693752862","config":{"namespaces":[{"type":"NEWNET","path":"/proc/7/ns/net"}],"labels":["a=b=c","none",3]}}"#
        )
        #expect(old.pid == 48289 && old.startTime == 693_752_862 && old.network == .path("/proc/7/ns/net"))
        #expect(old.annotations == ["a": "b=c"])
        let odd = try Self.decode(
            RuncState.self, #"{"init_process_pid":1e99,"init_process_start":-1,"config":7,"created":4}"#)
        #expect(odd.pid == nil && odd.startTime == nil && odd.created == nil && odd.network == .unknown)
    }

    @Test func crunStatuses() throws {
        let status = try Self.decode(
            CrunStatus.self,
            #"{"pid":4711,"process-start-time":69375,"cgroup-path":"","bundle":"/b","created":"2026-11-23T10:00:00.5Z"}"#
        )
        #expect(status.pid == 4711 && status.startTime == 69375 && status.created == 1_795_428_000.5)
        #expect(try Self.decode(CrunStatus.self, #"{"pid":1,"process-start-time":0}"#).startTime == nil)
    }

    @Test func dockerConfigs() throws {
        let config = try Self.decode(
            DockerConfig.self,
            #"{"State":{"Running":true,"Pid":77},"ID":"x","Created":"2026-11-23T10:00:00Z","Name":"/web","Config":{"Labels":{"a":"b"}}}"#
        )
        #expect(config.pid == 77 && config.created == 1_795_428_000 && config.identity.name == "web")
        let pod = try Self.decode(DockerConfig.self, ContainerTexts.dockerPod)
        #expect(pod.identity.name == "nginx" && pod.identity.pod == "web-1" && pod.identity.podNamespace == "prod")
        let odd = try Self.decode(
            DockerConfig.self, #"{"Name":5,"State":[],"Config":{"Labels":{"io.kubernetes.pod.name":5}}}"#)
        #expect(odd.pid == nil && odd.identity == ContainerIdentity())
    }

    @Test(
        arguments: [
            ("2026-11-23T18:13:28.348787796Z", 1_795_457_608.348787796), ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:30:15+01:30", 951_822_015), ("2000-02-29 12:30:15-00:30", 951_829_215),
            ("1999-12-31T23:59:60Z", 946_684_800), ("0001-01-01T00:00:00Z", nil), ("2026-11-23", nil), ("", nil),
            ("2026-13-23T18:13:28Z", nil), ("2026-11-23T18:13:28", nil), ("2026-11-23T18:13:28Zx", nil), ("é", nil),
        ] as [(String, Double?)])
    func times(_ text: String, _ seconds: Double?) throws {
        let created = try Self.decode(CrunStatus.self, #"{"created":"\#(text)"}"#).created
        if let seconds { #expect(abs(try #require(created) - seconds) < 0.00001) } else { #expect(created == nil) }
    }

    @Test func namesOfCRIO() {
        let container = ContainerIdentity(crioName: "k8s_nginx_web-1_prod_05dda62e-aae5_0")
        #expect(container.name == "nginx" && container.pod == "web-1" && container.podNamespace == "prod")
        let sandbox = ContainerIdentity(crioName: "k8s_POD_web-1_prod_05dda62e-aae5_0")
        #expect(sandbox.isSandbox && sandbox.name == nil && sandbox.pod == "web-1")
        for name in ["k8s_a_b", "web", "k9s_nginx_web-1_prod_u_0"] {
            #expect(ContainerIdentity(crioName: name).name == name && ContainerIdentity(crioName: name).pod == nil)
        }
    }

    /// Names are cut at a whole character, and an empty one is none.
    @Test func longNames() throws {
        #expect(ContainerIdentity(name: "").name == nil)
        #expect(ContainerIdentity(name: String(repeating: "a", count: 255)).name?.utf8.count == 255)
        let long = try #require(ContainerIdentity(name: String(repeating: "ü", count: 1 << 19)).name)
        #expect(long.utf8.count == 254 && long.allSatisfy { $0 == "ü" })
    }

    /// Whatever a file holds at a place, what is elsewhere in it is kept.
    @Test(arguments: ["null", "7", "-1", "1e400", #""x""#, "[]", "{}", "[[]]", "true"])
    func wrongTypes(_ value: String) throws {
        let spec = try Self.decode(
            OCISpec.self,
            #"{"annotations":\#(value),"hostname":\#(value),"linux":{"sysctl":{"net.a":"1"},"namespaces":\#(value)}}"#)
        #expect(spec.sysctls.values.count == 1)
        let state = try Self.decode(
            RuncState.self, #"{"id":\#(value),"init_process_pid":5,"created":\#(value),"config":{"labels":\#(value)}}"#)
        #expect(state.pid == 5)
        let entries = try Self.decode(
            [Lenient<StorageContainer>].self, #"[\#(value),{"id":"a","names":\#(value),"metadata":\#(value)}]"#)
        #expect(entries.compactMap(\.value).map(\.id) == ["a"])
    }
}

/// Files as runtimes wrote them, without what is not read.
enum ContainerTexts {
    /// runc 1.1.5 under podman 4.3.1.
    static let runcState = #"""
        {"id":"72a887166fe4eec0bad3213db5f222e4d8458a1473ea0fac4ab9184ca51abe72","init_process_pid":12891,"init_process_start":1225844,"created":"2026-11-23T18:22:50.290052092Z","config":{"no_pivot_root":false,"rootfs":"/srv/rootfs","hostname":"72a887166fe4","namespaces":[{"type":"NEWPID","path":""},{"type":"NEWNET","path":""},{"type":"NEWIPC","path":""}],"networks":[{"type":"loopback","name":""}],"routes":null,"uid_mappings":null,"sysctl":{"net.ipv4.ping_group_range":"0 0","net.ipv4.tcp_keepalive_time":"600"},"labels":["io.container.manager=libpod","empty=","bundle=/var/lib/containers/storage/overlay-containers/72a887166fe4eec0bad3213db5f222e4d8458a1473ea0fac4ab9184ca51abe72/userdata"],"no_new_keyring":false},"rootless":false,"namespace_paths":{"NEWNET":"/proc/12891/ns/net"}}
        """#
    /// cri-dockerd.
    static let dockerPod = #"""
        {"Name":"/k8s_nginx_web-1_prod_05dda62e-aae5_0","State":{"Running":false,"Pid":0},"Config":{"Labels":{"io.kubernetes.container.name":"nginx","io.kubernetes.docker.type":"container","io.kubernetes.pod.name":"web-1","io.kubernetes.pod.namespace":"prod","io.kubernetes.sandbox.id":"5"}}}
        """#
}

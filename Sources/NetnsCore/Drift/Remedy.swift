/// How to mend a sysctl of one namespace: at once, and where to set it so that it stays.
public struct Remedy: Hashable, Sendable, CustomStringConvertible {
    /// The way by which a program on the host reaches a namespace.
    public enum WayIn: Hashable, Sendable {
        /// A process in it.
        case process(pid: Int32)
        /// A path it is mounted at; raw bytes.
        case mount(path: [UInt8])
    }

    /// What is known of the namespace.
    public struct Place: Hashable, Sendable {
        /// Whether it is the host's own.
        public var isHost = false
        /// What made it: `docker`, `containerd`, `cri-o`, `podman`, `crun`, `runc`; nil when that is not known.
        public var runtime: String?
        /// Its container's name.
        public var container: String?
        /// Its pod's name.
        public var pod: String?
        /// The Kubernetes namespace of its pod.
        public var podNamespace: String?
        /// The way in, nil when none is known.
        public var wayIn: WayIn?

        /// A namespace of which nothing is known.
        public init() {}

        /// What a collection found.
        public init(_ sample: NamespaceSample) {
            isHost = sample.isHost
            runtime = sample.owner?.runtime?.rawValue
            container = sample.owner?.name
            pod = sample.owner?.pod
            podNamespace = sample.owner?.podNamespace
            wayIn =
                sample.leader.map { .process(pid: $0.pid) } ?? sample.mounts.first.map { .mount(path: $0) }
        }
    }

    /// The command line that sets it now, nil when no way in is known or the name holds bytes that no command line can.
    public let now: String?
    /// Where to set it so that it is right from the start.
    public let forGood: String
    /// What open sockets do, when that is known of this sysctl.
    public let sockets: SocketEffect?

    /// How to give `sysctl` the value `value` in a namespace; without a value, `VALUE` stands in its place.
    public init(_ sysctl: SysctlName, value: String?, in place: Place) {
        let value = value.map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") } ?? "VALUE"
        now = Self.command(sysctl, value, place)
        forGood = Self.forGood(sysctl, value, place)
        sockets = SocketEffect(sysctl)
    }

    /// Three lines at most: `now: COMMAND`, which can be pasted, `note: ` with what open sockets do, and `for good: WHERE`.
    public var description: String {
        let note = now == nil ? nil : sockets
        return [now.map { "now: " + $0 }, note.map { "note: " + $0.description }, "for good: " + forGood]
            .compactMap(\.self).joined(separator: "\n")
    }

    // MARK: At once

    private static func command(_ sysctl: SysctlName, _ value: String, _ place: Place) -> String? {
        // Bytes that are no text are shown escaped: such a name leads to nothing.
        if sysctl.dotted.contains("\\x") { return nil }
        guard let prefix = prefix(place) else { return nil }
        if isPlain(sysctl) { return prefix + "sysctl -w " + ShellWord.quoted("\(sysctl)=\(value)") }
        // sysctl(8) splits at the first `=` and takes patterns.
        let path = ShellWord.quoted("/proc/sys/" + sysctl.components.joined(separator: "/"))
        return "echo \(ShellWord.quoted(value)) | \(prefix)tee \(path)"
    }

    /// Whether sysctl(8) takes the name as it stands.
    private static func isPlain(_ sysctl: SysctlName) -> Bool {
        !sysctl.dotted.utf8.contains { "=*?[]{}~!\\".utf8.contains($0) }
    }

    private static func prefix(_ place: Place) -> String? {
        if place.isHost { return "" }
        switch place.wayIn {
        case .process(let pid): return "nsenter --net=/proc/\(pid)/ns/net "
        case .mount(let path):
            let text = PrintableText.string(path)
            guard Array(text.utf8) == path else { return nil }
            return "nsenter --net=\(ShellWord.quoted(text)) "
        case nil: return nil
        }
    }

    // MARK: For good

    private static func forGood(_ sysctl: SysctlName, _ value: String, _ place: Place) -> String {
        if place.isHost { return "\(sysctl) = \(value) in a file of /etc/sysctl.d" }
        if place.runtime != "podman", place.pod != nil { return kubernetes(sysctl, value) }
        let setting = ShellWord.quoted("\(sysctl)=\(value)")
        switch place.runtime {
        case "docker": return docker(sysctl, value)
        case "podman": return "podman run --sysctl \(setting)"
        case "containerd": return "nerdctl run --sysctl \(setting), or linux.sysctl in the container's OCI spec"
        case "cri-o": return kubernetes(sysctl, value)
        case "runc", "crun": return oci(sysctl, value)
        default: break
        }
        if case .mount(let path) = place.wayIn,
            let name = NamespaceNames.name(ofMount: path, in: ["/run/netns/", "/var/run/netns/"])
        {
            return "after each ip netns add: ip netns exec \(ShellWord.quoted(name)) sysctl -w \(setting)"
        }
        return "let what makes the namespace set it there, before the first program starts"
    }

    /// `docker run --sysctl`; of one interface, which the container has not got yet when its sysctls are set, a driver
    /// option of its network. Source: docs.docker.com/reference/cli/docker/container/run, since Engine 27.1.
    public static func docker(_ sysctl: SysctlName, _ value: String) -> String {
        guard let device = sysctl.device, value.utf8.allSatisfy({ $0 != UInt8(ascii: ",") }) else {
            return "docker run --sysctl \(ShellWord.quoted("\(sysctl)=\(value)"))"
        }
        var parts = sysctl.components
        parts[3] = "IFNAME"
        let option = "driver-opt=com.docker.network.endpoint.sysctls=\(SysctlName(components: parts))=\(value)"
        return "docker run --network \(ShellWord.quoted("name=NETWORK,\(option)")) for the network of \(device)"
    }

    /// The pod's `securityContext.sysctls`, and whether Kubernetes lets it.
    public static func kubernetes(_ sysctl: SysctlName, _ value: String) -> String {
        "the pod's securityContext.sysctls: [{name: \(doubleQuoted(sysctl.dotted)), value: \(doubleQuoted(value))}] "
            + "(\(KubernetesSysctl(sysctl).description(of: sysctl)))"
    }

    /// `linux.sysctl` of the bundle's config.json.
    public static func oci(_ sysctl: SysctlName, _ value: String) -> String {
        "linux.sysctl in the bundle's config.json: {\(doubleQuoted(sysctl.dotted)): \(doubleQuoted(value))}"
    }

    /// A text in double quotes, as JSON and YAML read it.
    public static func doubleQuoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { quoted += "\\" }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "\""
    }
}

extension SysctlName {
    /// The interface whose entry it is, nil for every other one: `eth0` of `net.ipv4.conf.eth0.rp_filter` and of
    /// `net.ipv4.neigh.eth0.gc_stale_time`. `all` and `default` are none.
    public var device: String? {
        let parts = components
        guard parts.count == 5, parts[2] == "conf" || parts[2] == "neigh", parts[3] != "all", parts[3] != "default"
        else { return nil }
        return parts[3]
    }
}

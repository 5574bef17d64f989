/// Whether Kubernetes lets a pod set a sysctl.
public enum KubernetesSysctl: Hashable, Sendable {
    /// Every pod may, since Kubernetes 1.`minor`.
    case safe(minor: Int)
    /// Only where the kubelet was started with it among `--allowed-unsafe-sysctls`.
    case unsafe

    /// What holds for a sysctl. Source: Kubernetes pkg/kubelet/sysctl/safe_sysctls.go, and kubernetes.io, "Using
    /// sysctls in a Kubernetes Cluster".
    public init(_ name: SysctlName) {
        self = Self.safe[name.dotted].map { .safe(minor: $0) } ?? .unsafe
    }

    /// `safe since Kubernetes 1.29`, or what the kubelet needs.
    public func description(of name: SysctlName) -> String {
        switch self {
        case .safe(let minor): "safe since Kubernetes 1.\(minor)"
        case .unsafe: "unsafe: the kubelet needs --allowed-unsafe-sysctls=\(ShellWord.quoted(name.dotted))"
        }
    }

    private static let safe: [String: Int] = [
        "net.ipv4.ip_local_port_range": 4, "net.ipv4.ip_local_reserved_ports": 27,
        "net.ipv4.ip_unprivileged_port_start": 22, "net.ipv4.ping_group_range": 18, "net.ipv4.tcp_fin_timeout": 29,
        "net.ipv4.tcp_keepalive_intvl": 29, "net.ipv4.tcp_keepalive_probes": 29, "net.ipv4.tcp_keepalive_time": 29,
        "net.ipv4.tcp_rmem": 32, "net.ipv4.tcp_syncookies": 4, "net.ipv4.tcp_wmem": 32,
    ]
}

/// A text as one word of a shell's command line.
public enum ShellWord {
    /// The text as it is when a POSIX shell takes it as it stands, else in single quotes.
    public static func quoted(_ text: String) -> String {
        let plain = text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: "@%_+=:,./-".utf8.contains(byte)
            }
        }
        if plain, !text.isEmpty { return text }
        // By scalars: a quote and a combining mark after it are one Character.
        var quoted = "'"
        for scalar in text.unicodeScalars {
            if scalar == "'" { quoted += "'\\''" } else { quoted.unicodeScalars.append(scalar) }
        }
        return quoted + "'"
    }
}

internal import CLinux
internal import Glibc
public import NetnsCore

/// What the running kernel has, as far as that can be told without making it load anything.
public enum KernelFeatures {
    /// The version of Linux, its first two numbers; nil when uname(2) tells none.
    static let version: (Int, Int)? = {
        var name = utsname()
        guard unsafe uname(&name) == 0 else { return nil }
        let text = unsafe withUnsafeBytes(of: &name.release) {
            unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        let numbers = text.split(whereSeparator: { !$0.isNumber }).prefix(2).compactMap { Int($0) }
        return numbers.count == 2 ? (numbers[0], numbers[1]) : nil
    }()

    /// The fields that /proc/net/{snmp,snmp6,netstat} have in the namespace this program is in. Every namespace's have the
    /// same, but for the types of ICMP messages that were seen.
    public static func mibFields(_ paths: SystemPaths) -> [MIBField] {
        var files = NetworkFiles(procfs: paths.procfs)
        var fields: [MIBField] = []
        for file in MIBFile.allCases {
            _ = try? files.read(file.rawValue) { fields += MIBParser.fields(of: file, in: $0) }
        }
        return fields
    }

    /// Whether connection tracking can be asked for over netlink without loading a module: to open a socket of a family,
    /// or to ask a subsystem, that is not there makes the kernel load it.
    ///
    /// Its sysctls say whether nf_conntrack is there. When that is a module, nf_conntrack_netlink is one too.
    static func hasConntrack(_ paths: SystemPaths) -> Bool {
        guard (try? FileDescriptor.open("\(paths.procfs)/sys/net/netfilter/nf_conntrack_max", ND_O_PATH)) != nil else {
            return false
        }
        var reader = FileReader()
        var hasModule = false
        var hasNetlinkModule = false
        // A kernel without modules has no such file.
        try? reader.read("\(paths.procfs)/modules") { text in
            hasModule = text.hasLine(beginning: "nf_conntrack ")
            hasNetlinkModule = text.hasLine(beginning: "nf_conntrack_netlink ")
        }
        return !hasModule || hasNetlinkModule
    }
}

extension RawSpan {
    fileprivate func hasLine(beginning word: StaticString) -> Bool {
        let text = unsafe withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
        return text.split(separator: "\n").contains { $0.hasPrefix(word.description) }
    }
}

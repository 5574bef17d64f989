/// The parts of an OCI runtime specification, `config.json`, that concern a network namespace. Source: opencontainers
/// runtime-spec config.md and config-linux.md.
package struct OCISpec: Decodable {
    package let network: Container.Network
    package let sysctls: DeclaredSysctls
    package let annotations: [String: String]

    private enum Keys: String, CodingKey { case linux, annotations }
    private enum LinuxKeys: String, CodingKey { case namespaces, sysctl }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        annotations = container.lenientTexts(.annotations)
        guard let linux = try? container.nestedContainer(keyedBy: LinuxKeys.self, forKey: .linux) else {
            network = .unknown
            sysctls = DeclaredSysctls([:])
            return
        }
        sysctls = DeclaredSysctls(linux.lenientTexts(.sysctl))
        network = Container.Network(linux.lenientElements(.namespaces))
    }
}

/// A namespace of a specification, or of a runc state.
struct OCINamespace: Decodable {
    let type: String
    let path: String?

    private enum Keys: String, CodingKey { case type, path }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        type = try container.decode(String.self, forKey: .type)
        path = container.lenient(.path)
    }
}

extension Container.Network {
    /// From the namespaces of a specification (`network`) or of a runc state (`NEWNET`).
    init(_ namespaces: [OCINamespace]) {
        guard let network = namespaces.first(where: { $0.type == "network" || $0.type == "NEWNET" }) else {
            self = .host
            return
        }
        self = if let path = network.path, !path.isEmpty { .path(path) } else { .own }
    }
}

/// The `net.*` sysctls of a specification. Keys are not kept: whoever lists what was declared would show them.
package struct DeclaredSysctls {
    /// By name.
    package let values: [DeclaredSysctl]
    /// How many could not be the name of a sysctl.
    package let malformed: Int

    /// More than any specification declares, and little memory for one that was written to take much.
    private static let limit = 1000
    /// The kernel takes no more than a page in one write.
    private static let valueLimit = 4096

    init(_ sysctls: [String: String]) {
        var values: [SysctlName: String] = [:]
        var malformed = 0
        for (key, value) in sysctls where value.utf8.count <= Self.valueLimit && values.count < Self.limit {
            do {
                let name = try SysctlName(declared: key)
                if !name.isSecret { values[name] = value }
            } catch .notUnderNet {} catch { malformed += 1 }
        }
        self.malformed = malformed
        self.values = values.map { DeclaredSysctl(name: $0, value: $1) }.sorted { $0.name.dotted < $1.name.dotted }
    }
}

extension SysctlName {
    /// A name as a specification may write it: with dots, or with slashes when a slash is its first separator; then a dot
    /// is part of a component. That is what sysctl(8) reads. runc checks it so, and sets it so since 1.4; before that it
    /// set, as crun does, every dot and slash as a separator: containers that have both in a name did not start.
    /// Source: runc libcontainer/configs/validate/validator.go, convertSysctlVariableToDotsSeparator().
    init(declared name: String) throws(SysctlNameError) {
        let first = name.unicodeScalars.first { $0 == "." || $0 == "/" }
        try self.init(first == "/" ? Self.exchanged(name.unicodeScalars) : name)
    }
}

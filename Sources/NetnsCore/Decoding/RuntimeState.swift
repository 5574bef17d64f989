/// runc's `state.json`. Source: runc libcontainer/container.go BaseState, container_linux.go State, configs/config.go.
package struct RuncState: Decodable {
    package let id: String?
    package let pid: Int32?
    package let startTime: UInt64?
    package let created: Double?
    package let network: Container.Network
    package let sysctls: DeclaredSysctls
    /// The annotations of the specification.
    package let annotations: [String: String]

    private enum Keys: String, CodingKey {
        case id, created, config
        case pid = "init_process_pid"
        case startTime = "init_process_start"
    }
    private enum ConfigKeys: String, CodingKey { case namespaces, sysctl, labels }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        id = container.lenient(.id)
        pid = container.lenientNumber(.pid)
        startTime = container.lenientNumber(.startTime)
        created = container.lenient(.created).flatMap(RFC3339.seconds)
        guard let config = try? container.nestedContainer(keyedBy: ConfigKeys.self, forKey: .config) else {
            network = .unknown
            sysctls = DeclaredSysctls([:])
            annotations = [:]
            return
        }
        network = Container.Network(config.lenientElements(.namespaces))
        sysctls = DeclaredSysctls(config.lenientTexts(.sysctl))
        var annotations: [String: String] = [:]
        for label in config.lenientElements(.labels, as: String.self) {
            guard let separator = label.utf8.firstIndex(of: UInt8(ascii: "=")) else { continue }
            annotations[String(label[..<separator])] = String(label[label.utf8.index(after: separator)...])
        }
        self.annotations = annotations
    }
}

/// crun's `status`. Source: crun src/libcrun/status.c libcrun_write_container_status().
package struct CrunStatus: Decodable {
    package let pid: Int32?
    package let startTime: UInt64?
    package let created: Double?

    private enum Keys: String, CodingKey {
        case pid, created
        case startTime = "process-start-time"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        pid = container.lenientNumber(.pid)
        // 0: the process had ended before crun wrote this.
        startTime = container.lenientNumber(.startTime).flatMap { $0 == 0 ? nil : $0 }
        created = container.lenient(.created).flatMap(RFC3339.seconds)
    }
}

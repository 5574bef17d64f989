/// docker's `config.v2.json`. Source: moby daemon/container/container.go Container, state.go State.
package struct DockerConfig: Decodable {
    package let pid: Int32?
    package let created: Double?
    package let identity: ContainerIdentity

    private enum Keys: String, CodingKey {
        case name = "Name"
        case created = "Created"
        case state = "State"
        case config = "Config"
    }
    private enum StateKeys: String, CodingKey { case pid = "Pid" }
    private enum ConfigKeys: String, CodingKey { case labels = "Labels" }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        created = container.lenient(.created).flatMap(RFC3339.seconds)
        pid = (try? container.nestedContainer(keyedBy: StateKeys.self, forKey: .state))?.lenientNumber(.pid)
        let labels = (try? container.nestedContainer(keyedBy: ConfigKeys.self, forKey: .config))?.lenientTexts(.labels)
        let identity = ContainerIdentity(annotations: labels ?? [:])
        let name = container.lenient(.name, as: String.self) ?? ""
        let named = ContainerIdentity(name: name.utf8.first == UInt8(ascii: "/") ? String(name.dropFirst()) : name)
        // Labels that name a pod say what the container is called there.
        self.identity = identity.pod == nil ? named : identity
    }
}

/// One entry of `containers.json` and `volatile-containers.json`, the list that podman and CRI-O keep of their containers.
/// Source: containers/storage containers.go Container; podman libpod/storage.go and cri-o internal/storage/runtime.go
/// RuntimeContainerMetadata, which is JSON in a text.
package struct StorageContainer: Decodable {
    package let id: String
    package let created: Double?
    /// The first of its names in the list: what it is called when its metadata cannot be read.
    package let listedName: String?
    /// JSON, to be decoded as `Metadata`.
    package let metadata: String?

    private enum Keys: String, CodingKey { case id, names, metadata, created }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        id = try container.decode(String.self, forKey: .id)
        created = container.lenient(.created).flatMap(RFC3339.seconds)
        listedName = container.lenientElements(.names, as: String.self).first
        metadata = container.lenient(.metadata)
    }

    /// What podman and CRI-O add.
    package struct Metadata: Decodable {
        package let name: String?
        /// CRI-O's: podman has no such field.
        package let podName: String?

        private enum Keys: String, CodingKey {
            case name
            case podName = "pod-name"
        }

        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Keys.self)
            name = container.lenient(.name)
            podName = container.lenient(.podName)
        }
    }
}

/// What of a namespace a rule can ask for. A property it has not got is nil: a namespace that is no pod has no pod.
public struct NamespaceIdentity: Hashable, Sendable {
    /// The label `netns`.
    public var name: String
    /// How it is held.
    public var origin: Origin?
    /// What made it: `docker`, `containerd`, ...
    public var runtime: String?
    /// Its container's name.
    public var container: String?
    /// Its pod's name.
    public var pod: String?
    /// The Kubernetes namespace of its pod.
    public var podNamespace: String?
    /// The user of the process that stands for it.
    public var user: String?

    /// A namespace with what is known of it.
    public init(
        name: String, origin: Origin? = nil, runtime: String? = nil, container: String? = nil, pod: String? = nil,
        podNamespace: String? = nil, user: String? = nil
    ) {
        self.name = name
        self.origin = origin
        self.runtime = runtime
        self.container = container
        self.pod = pod
        self.podNamespace = podNamespace
        self.user = user
    }
}

/// Which namespaces a rule is for: each property that is given has to match one of its patterns. A property that the
/// namespace has not got matches nothing, not even `*`.
public struct NamespaceMatcher: Hashable, Sendable {
    /// What can be asked for; the raw value is the key in the file, and the label of `netns_info`.
    public enum Property: String, CaseIterable, Sendable {
        case name, origin, runtime, container, pod
        case podNamespace = "pod_namespace"
        case user
    }

    /// Every namespace.
    public static let all = NamespaceMatcher([:])

    /// The patterns of each property that is asked for.
    public let patterns: [Property: [TextPattern]]

    /// A matcher of these patterns.
    public init(_ patterns: [Property: [TextPattern]]) { self.patterns = patterns }

    /// Whether a namespace is one of those.
    public func matches(_ identity: NamespaceIdentity) -> Bool {
        patterns.allSatisfy { property, patterns in
            guard let value = identity[property] else { return false }
            return patterns.contains { $0.matches(value) }
        }
    }
}

extension NamespaceIdentity {
    /// The text of a property, nil when the namespace has none.
    public subscript(property: NamespaceMatcher.Property) -> String? {
        switch property {
        case .name: name
        case .origin: origin?.rawValue
        case .runtime: runtime
        case .container: container
        case .pod: pod
        case .podNamespace: podNamespace
        case .user: user
        }
    }
}

extension NamespaceSample {
    /// What rules and probes may ask for.
    public var identity: NamespaceIdentity {
        let owner = owner
        return NamespaceIdentity(
            name: name, origin: origin, runtime: owner?.runtime?.rawValue, container: owner?.name, pod: owner?.pod,
            podNamespace: owner?.podNamespace, user: leader?.user)
    }
}

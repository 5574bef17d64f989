/// What a container is called, as one file says it.
package struct ContainerIdentity: Hashable, Sendable {
    package var name: String?
    package var pod: String?
    package var podNamespace: String?
    package var isSandbox = false

    /// Nothing known.
    package init() {}

    /// From a name that a user gave.
    package init(name: String) { self.name = Self.limited(name) }

    /// From the name by which CRI-O keeps a container, `k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT`; none of these
    /// holds an underscore, and the container of a sandbox is `POD`. Source: cri-o internal/factory/container, SetNameAndID().
    package init(crioName name: String) {
        let parts = name.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0] == "k8s" else {
            self.name = Self.limited(name)
            return
        }
        isSandbox = parts[1] == "POD"
        self.name = isSandbox ? nil : Self.limited(String(parts[1]))
        pod = Self.limited(String(parts[2]))
        podNamespace = Self.limited(String(parts[3]))
    }

    /// From the annotations of an OCI specification, or the labels of docker's containers.
    /// Source: containerd internal/cri/annotations, cri-o pkg/annotations, podman pkg/annotations, kubelet
    /// pkg/types/labels.go, cri-dockerd core/docker_service.go, nerdctl pkg/labels.
    package init(annotations: [String: String]) {
        func value(_ keys: String...) -> String? {
            keys.lazy.compactMap { annotations[$0].flatMap(Self.limited) }.first
        }
        isSandbox =
            annotations["io.kubernetes.cri.container-type"] == "sandbox"
            || annotations["io.kubernetes.cri-o.ContainerType"] == "sandbox"
            || annotations["io.kubernetes.docker.type"] == "podsandbox"
        pod = value("io.kubernetes.cri.sandbox-name", "io.kubernetes.pod.name")
        podNamespace = value(
            "io.kubernetes.cri.sandbox-namespace", "io.kubernetes.pod.namespace", "io.kubernetes.cri-o.Namespace")
        if pod == nil, isSandbox { pod = value("io.kubernetes.cri-o.KubeName") }
        if pod == nil {
            name = value("nerdctl/name")
        } else if !isSandbox {
            name = value("io.kubernetes.cri.container-name", "io.kubernetes.container.name")
        }
    }

    /// Joined with what another file of the same container says; this one comes first.
    package func adding(_ other: ContainerIdentity) -> ContainerIdentity {
        var both = self
        both.isSandbox = isSandbox || other.isSandbox
        both.pod = pod ?? other.pod
        both.podNamespace = podNamespace ?? other.podNamespace
        both.name = name ?? other.name
        return both
    }

    /// A name of at least one byte, cut where it is longer than any name of Kubernetes (253) or docker may be.
    package static func limited(_ name: String) -> String? {
        guard !name.isEmpty else { return nil }
        guard name.utf8.count > 255 else { return name }
        var end = name.utf8.index(name.startIndex, offsetBy: 255)
        while end.samePosition(in: name.unicodeScalars) == nil { name.utf8.formIndex(before: &end) }
        return String(name[..<end])
    }
}

extension NamespaceSample {
    /// The sysctls that the specifications of its containers set, by name: the owner's, and those of containers that
    /// joined it later. A runtime writes them when a container starts, so of two that set the same one the later counts. Keys
    /// are not among them.
    public var declared: [DeclaredSysctl] {
        guard !isHost else { return [] }
        let joined = containers.dropFirst().sorted { ($0.created ?? 0) < ($1.created ?? 0) }
        var values: [SysctlName: String] = [:]
        for container in containers.prefix(1) + joined {
            for sysctl in container.declared where !sysctl.name.isSecret { values[sysctl.name] = sysctl.value }
        }
        return values.map { DeclaredSysctl(name: $0.key, value: $0.value) }.sorted { $0.name.dotted < $1.name.dotted }
    }
}

internal import NetnsCore

/// Which namespaces are left out where there are too many.
extension PortableEngine {
    /// Of `wanted`, the oldest first, marks those that are one too many.
    ///
    /// The host's, those that are mounted in the agent's own mount namespace and those of containers that root's files
    /// tell of come first. The rest shares what room is left by who holds them, so that a container that makes thousands
    /// pushes out its own.
    func leaveOut(of wanted: [PortableNamespace]) {
        for record in wanted { record.isLeftOut = false }
        guard wanted.count > settings.maximumNamespaces else { return }
        let (first, rest) = (wanted.filter(isRoots), wanted.filter { !isRoots($0) })
        let ofRoot = first.filter(\.isHost) + first.filter { !$0.isHost }
        for record in ofRoot.dropFirst(settings.maximumNamespaces) { record.isLeftOut = true }
        let now = Instant.now()
        let admitted = FairShare.admitted(
            rest.map { owners.owner(of: holder(of: $0), now: now) }, limit: settings.maximumNamespaces - ofRoot.count)
        for (record, isAdmitted) in zip(rest, admitted) { record.isLeftOut = !isAdmitted }
    }

    /// Whether root of this host made it, which no container can pretend.
    private func isRoots(_ record: PortableNamespace) -> Bool {
        if record.isHost || still[record.inode]?.mounts.isEmpty == false { return true }
        // One that only a cgroup tells of has no name; groups can be made below one's own by any name.
        guard let owner = record.sample.owner else { return false }
        return owner.isTrusted && owner.namespaceName != nil
    }

    /// The process to whom it is charged.
    private func holder(of record: PortableNamespace) -> Int32? {
        scan.members[record.inode]?.lowest ?? still[record.inode]?.deep.lazy.compactMap(\.pid).min()
    }
}

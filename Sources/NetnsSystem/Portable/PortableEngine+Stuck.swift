internal import NetnsCore

/// What becomes of namespaces in which a thread is stuck.
extension PortableEngine {
    /// Those in which no thread is stuck; the others count as unreachable.
    func passOverStuck(_ namespaces: [PortableNamespace]) -> [PortableNamespace] {
        namespaces.filter { namespace in
            guard namespace.isStuck else { return true }
            namespace.outcome = .unreachable
            ledger.count("visit", "stuck")
            return false
        }
    }

    /// Takes the namespaces that visits have not come back from out of their threads' hands: the engine goes on with others in
    /// their place, which are not visited as long as the thread is stuck.
    func giveUp(_ job: VisitJob) {
        for index in job.close() {
            let old = job.namespaces[index]
            let before = job.samples[index]
            let record = PortableNamespace(
                inPlaceOf: old,
                NamespaceSample(
                    serial: before.serial, inode: before.inode, isHost: before.isHost, firstSeen: before.firstSeen,
                    table: table), before, job, index)
            records[record.inode] = record
            record.setHolders(mounts: still[record.inode]?.mounts ?? [], deep: still[record.inode]?.deep ?? [])
            setDeclared(record)
            if let place = sorted.firstIndex(where: { $0 === old }) { sorted[place] = record }
            ledger.count("visit", "stuck")
        }
    }
}

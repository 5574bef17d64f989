internal import NetnsCore

/// What the prober is told of a collection.
extension PortableEngine {
    /// See `NamespaceEngine`.
    public func sites() -> [ProbeSite] {
        linked.prefix(namespaces.count).map { $0.site(peers: peerAddresses($0), settings.paths) }
    }

    /// The addresses of the other ends of a namespace's veths, as the last collection told that read both sides: what another
    /// client did not ask for is no reason to think that they have gone.
    private func peerAddresses(_ record: PortableNamespace) -> [ProbeAddress] {
        let sample = record.sample
        guard !sample.isHost else { return [] }
        guard sample.hasLinks else { return record.knownPeers }
        var found: [ProbeAddress] = []
        for position in sample.links.indices where sample.links[position].isVeth {
            guard let peer = linkedNamespaces.peer(of: position, in: sample) else { continue }
            guard peer.namespace.hasAddresses else { return record.knownPeers }
            for address in peer.namespace.addresses where address.link == peer.link.index {
                // A link-local one is reached through our own end.
                let link = address.address.isLinkLocal ? sample.links[position].index : 0
                if address.address.family == .ipv6, link != 0 { continue }
                found.append(ProbeAddress(address.address, link: link))
            }
        }
        record.knownPeers = Array(found.prefix(4))
        return record.knownPeers
    }
}

internal import NetnsCore

/// What the prober is told of a collection.
extension PortableEngine {
    /// See `NamespaceEngine`.
    public func sites() -> [ProbeSite] {
        linked.prefix(namespaces.count).map { $0.site(peers: peerAddresses($0), settings.paths) }
    }

    /// The addresses of the other ends of a namespace's veths, as far as this collection read both sides.
    private func peerAddresses(_ record: PortableNamespace) -> [ProbeAddress] {
        let sample = record.sample
        guard !sample.isHost, sample.hasLinks else { return [] }
        var found: [ProbeAddress] = []
        for position in sample.links.indices where sample.links[position].isVeth {
            guard let peer = linkedNamespaces.peer(of: position, in: sample), peer.namespace.hasAddresses else {
                continue
            }
            for address in peer.namespace.addresses where address.link == peer.link.index {
                // A link-local one is reached through our own end.
                let link = address.address.isLinkLocal ? sample.links[position].index : 0
                if address.address.family == .ipv6, link != 0 { continue }
                found.append(ProbeAddress(address.address, link: link))
            }
        }
        return Array(found.prefix(4))
    }
}

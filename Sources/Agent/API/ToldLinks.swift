internal import NetnsCore

/// Which links of a namespace the API tells of: few enough, the broken ones among them.
struct ToldLinks {
    /// Their positions in the namespace's links.
    let positions: [Int]
    /// Those that there was no room for, and in the host the veths whose other end is elsewhere: it is told of there.
    let leftOut: Int

    /// Chooses at most `most` of a namespace's links.
    init(of sample: NamespaceSample, most: Int) {
        let isHost = sample.isHost
        var told = sample.links.indices.filter { !(isHost && sample.links[$0].isVethToElsewhere) }
        if told.count > most {
            let broken = told.filter { sample.links[$0].isBroken(inHost: isHost) }
            let others = told.filter { !sample.links[$0].isBroken(inHost: isHost) }
            told = (broken + others).prefix(most).sorted()
        }
        positions = told
        leftOut = sample.links.count - told.count
    }
}

extension Link {
    /// Whether it is of a kind that has a carrier as a rule, and does not work: its operational state is neither up nor
    /// unknown. In the host a device that nobody has set up is left alone; a container's is there to be used.
    ///
    /// Bridges without ports, dummies and tunnels have none, and every new namespace has the latter where their modules
    /// are loaded.
    func isBroken(inHost: Bool) -> Bool {
        guard !isLoopback, let state = operationalState, state != .up, state.rawValue != 0 else { return false }
        guard isAdministrativelyUp || !inHost else { return false }
        return Self.kindsWithCarrier.contains(kind.description)
    }

    private static let kindsWithCarrier: Set<String> = ["", "bond", "ipvlan", "macvlan", "team", "veth", "vlan"]
}

/// What has to work for a packet to reach its target and for the answer to come back, from inside outwards. The raw value
/// is the label `step` and the key `step`.
public enum PathStep: String, CaseIterable, Sendable {
    /// The interface exists and is set up.
    case link
    /// It has a carrier.
    case carrier
    /// There is an address to send from, and it is neither tentative nor another's.
    case address
    /// The kernel knows a way to the target.
    case route
    /// Somebody answers for the next hop on the link.
    case gateway
    /// The interface's other end, or lower device, is set up.
    case peer
    /// What the other end is a port of is up, and lets its packets through.
    case bridge
    /// The router forwards.
    case forwarding
    /// The router does not take the packets for forged.
    case rpFilter = "rp_filter"
    /// The router, and the target, have a way back.
    case returnRoute = "return_route"
    /// No packet filter on the way drops what passes.
    case filter
    /// Packets as large as the interface sends arrive.
    case mtu
    /// The target itself answers.
    case target
}

/// What is known of a step. The raw value is the key `state`.
public enum StepState: String, CaseIterable, Sendable {
    /// It works, or is not needed.
    case ok
    /// It is the cause, or one of the causes, of what does not work.
    case broken
    /// It cannot be told, or it follows from another that is broken.
    case unknown
}

/// What was found of one step.
public struct PathFinding: Hashable, Sendable {
    /// The step.
    public let step: PathStep
    /// What is known of it.
    public var state: StepState
    /// What was read, in words with the values.
    public var evidence: String
    /// The command line that mends it, which can be pasted; nil where there is nothing to mend or none is known. What it
    /// leaves to its reader stands in capitals (`ADDRESS`).
    public var remedy: String?

    /// A finding.
    public init(_ step: PathStep, _ state: StepState, _ evidence: String, remedy: String? = nil) {
        self.step = step
        self.state = state
        self.evidence = evidence
        self.remedy = remedy
    }
}

/// The steps of a path, and what they say together.
public struct PathReport: Hashable, Sendable {
    /// The namespace's name.
    public let namespace: String
    /// What was to be reached, as a person calls it.
    public let target: String
    /// Its address, when that is known and `target` does not have it.
    public let address: IPAddress?
    /// Whether it can be reached; nil when that is not known.
    public let isReachable: Bool?
    /// One for each step, in their order.
    public let findings: [PathFinding]

    /// The first step that is broken.
    public var firstBroken: PathFinding? { findings.first { $0.state == .broken } }

    /// `web cannot reach 198.18.1.1: peer: veth7 of host is down`.
    public var verdict: String {
        let target = target + (address.map { " (\($0))" } ?? "")
        return verdict(target)
    }

    private func verdict(_ target: String) -> String {
        switch (isReachable, firstBroken) {
        case (true?, _): "\(namespace) can reach \(target)"
        case (false?, let broken?): "\(namespace) cannot reach \(target): \(broken.step.rawValue): \(broken.evidence)"
        case (false?, nil): "\(namespace) cannot reach \(target)"
        case (nil, _): "whether \(namespace) can reach \(target) is not known"
        }
    }
}

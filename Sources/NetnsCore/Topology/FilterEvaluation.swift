extension FilterTable {
    /// What becomes of a packet at a hook: it goes through the base chains in the kernel's order, until one drops it.
    ///
    /// Where it cannot be told whether a rule matches, both ways are followed, and only when they end otherwise is the
    /// verdict `unknown`. A packet that one way drops and another rejects is dropped. Tables of iptables-legacy, bridge
    /// and netdev chains are not looked at (`hasLegacyTables`, `chainsOfLinks`).
    public func verdict(for packet: FilterPacket, hook: FilterHook) -> FilterVerdict {
        var evaluation = FilterEvaluation(table: self, packet: packet, hook: hook)
        var total = FilterOutcome()
        for chain in chains(at: hook, of: packet.family) {
            guard let base = chain.base else { continue }
            // Address translation looks at the first packet of a connection alone.
            if base.type == "nat", packet.state == .established { continue }
            var outcome = evaluation.outcome(of: chain.id, depth: 0)
            if outcome.continues {
                let text = base.drops ? "policy drop" : "policy accept"
                let policy = FilterCause(chain: chain.id, handle: nil, text: text)
                let way = FilterOutcome.Way(cause: policy, guess: nil)
                if base.drops { outcome.dropped = way } else { outcome.accepted = way }
            }
            total.dropped = outcome.dropped ?? total.dropped
            total.rejected = outcome.rejected ?? total.rejected
            guard outcome.accepted != nil else { return total.verdict }
            if outcome.dropped != nil || outcome.rejected != nil { total.guess = total.guess ?? outcome.doubt }
        }
        total.accepted = FilterOutcome.Way(cause: nil, guess: nil)
        return total.verdict
    }
}

/// The ways in which something may end for a packet, at most one of each kind.
///
/// Of several ways to the same end the last is kept: it is the one that is come to when no guess holds.
struct FilterOutcome {
    /// A way: who decided, and which guess of its own it takes.
    struct Way {
        var cause: FilterCause?
        var guess: FilterDoubt?
    }

    var accepted: Way?
    var dropped: Way?
    var rejected: Way?
    /// Whether it may come to its end without a decision.
    var continues = false
    /// The first guess on the way.
    var guess: FilterDoubt?

    /// What is said of all ways together.
    var verdict: FilterVerdict {
        guard let refusal else { return .accepted }
        return accepted == nil ? refusal : guess.map { .unknown($0) } ?? refusal
    }

    /// The guess that decides, where there are several ways.
    var doubt: FilterDoubt? { dropped?.guess ?? rejected?.guess ?? accepted?.guess ?? guess }

    private var refusal: FilterVerdict? {
        dropped?.cause.map { .dropped($0) } ?? rejected?.cause.map { .rejected($0) }
    }
}

/// One packet on its way through the chains. Each chain is gone through once: what it does with a packet does not depend
/// on where it was jumped to from, since a rule uses no register of another.
struct FilterEvaluation {
    /// NFT_JUMP_STACK_SIZE; the kernel refuses rules that go deeper.
    static let maximumDepth = 16

    private let table: FilterTable
    private let packet: FilterPacket
    private let hook: FilterHook
    private var outcomes: [FilterChain.ID: FilterOutcome] = [:]

    init(table: FilterTable, packet: FilterPacket, hook: FilterHook) {
        self.table = table
        self.packet = packet
        self.hook = hook
    }

    /// How a chain may end; `continues` when it may come to its last rule's end, or return.
    mutating func outcome(of chain: FilterChain.ID, depth: Int) -> FilterOutcome {
        if let known = outcomes[chain] { return known }
        var outcome = FilterOutcome()
        // A circle, which no kernel has, ends here at its second round.
        outcomes[chain] = FilterOutcome(continues: true)
        var isReached = true
        for rule in table.rules[chain] ?? [] where isReached {
            let ends = FilterRun.ends(of: rule, packet, hook, table)
            // Most rules are of other packets.
            if ends.count == 1, case .next = ends[0].result { continue }
            isReached = false
            let cause = FilterCause(chain: chain, handle: rule.handle, text: rule.text(sets: table.sets))
            for end in ends { follow(end, cause, depth, into: &outcome, &isReached) }
        }
        if isReached { outcome.continues = true }
        outcomes[chain] = outcome
        return outcome
    }

    /// Adds one of the ways in which a rule may end.
    private mutating func follow(
        _ end: FilterRun.End, _ cause: FilterCause, _ depth: Int, into outcome: inout FilterOutcome,
        _ isReached: inout Bool
    ) {
        let guess = end.guess.map { FilterDoubt(rule: cause, expression: $0) }
        let way = FilterOutcome.Way(cause: cause, guess: guess)
        switch end.result {
        case .next:
            isReached = true
            return
        case .rejects: outcome.rejected = way
        case .anything:
            outcome.accepted = way
            outcome.dropped = way
            isReached = true
        case .jump(.accept): outcome.accepted = way
        case .jump(.drop): outcome.dropped = way
        case .jump(.return): outcome.continues = true
        case .jump(.jump(let name)):
            let inner = inner(name, cause, depth)
            if inner.continues { isReached = true }
            outcome.take(inner, guess)
            return
        case .jump(.goto(let name)):
            let inner = inner(name, cause, depth)
            if inner.continues { outcome.continues = true }
            outcome.take(inner, guess)
        case .jump(.continue), .jump(.other): isReached = true
        }
        outcome.guess = outcome.guess ?? guess
    }

    private mutating func inner(_ name: String, _ cause: FilterCause, _ depth: Int) -> FilterOutcome {
        var chain = cause.chain
        chain.name = name
        guard depth < Self.maximumDepth else { return FilterOutcome(continues: true) }
        return outcome(of: chain, depth: depth + 1)
    }
}

extension FilterOutcome {
    /// Adds the ends of a chain that was jumped to, by a guess or certainly.
    fileprivate mutating func take(_ inner: FilterOutcome, _ guess: FilterDoubt?) {
        func guessed(_ way: Way) -> Way { Way(cause: way.cause, guess: guess ?? way.guess) }
        accepted = inner.accepted.map(guessed) ?? accepted
        dropped = inner.dropped.map(guessed) ?? dropped
        rejected = inner.rejected.map(guessed) ?? rejected
        if inner.accepted != nil || inner.dropped != nil || inner.rejected != nil {
            self.guess = self.guess ?? guess ?? inner.guess
        }
    }
}

internal import NetnsCore

/// The other ends of links.
extension PortableEngine {
    /// Finds the other end of every link, and asks the kernel for what the links do not tell.
    func findPeers(until deadline: Instant?) throws {
        topology.resolve(linkedNamespaces)
        let now = Instant.now()
        if let deadline, now >= deadline { return }
        let questions = topology.questions.filter { question in
            linked[question.place.namespace].unanswered[question.id].map { $0.attempts < 3 || now >= $0.next } ?? true
        }
        guard !questions.isEmpty else { return }
        let search = PeerSearch(questions, linked)
        if try !pool.run(search, until: deadline?.advanced(bySeconds: 0.2)) {
            search.close()
            ledger.count("peer", "stuck")
        }
        for answer in search.found {
            let asking = linked[answer.question.place.namespace]
            if let owner = answer.owner {
                asking.unanswered[answer.question.id] = nil
                topology.learn(answer.question, is: owner, in: linkedNamespaces)
            } else {
                // The other end may be where we do not look, or on its way: soon again, then rarely.
                let attempts = asking.unanswered[answer.question.id]?.attempts ?? 0
                if asking.unanswered.count > 1000 { asking.unanswered.removeAll() }
                asking.unanswered[answer.question.id] = (attempts + 1, now.advanced(bySeconds: 30))
            }
        }
        topology.resolve(linkedNamespaces)
    }
}

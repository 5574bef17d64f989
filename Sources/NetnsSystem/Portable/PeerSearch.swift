internal import NetnsCore
internal import Synchronization

/// Finds out whom namespaces mean by their ids (`Topology.Question`): the kernel tells the id of an open namespace
/// (RTM_GETNSID), not the namespace of an id, so candidates are asked for one by one.
///
/// Concurrency: `next` hands each asking namespace to one thread; answers are added under their lock.
final class PeerSearch: VisitorWork {
    /// An answered question.
    struct Answer: Sendable {
        let question: Topology.Question
        /// The position of the id's owner; nil when none of the candidates is it.
        let owner: Int?
    }

    /// Requests in one collection at most: 3 us each. What is left over waits for the next one.
    private static let maximumRequests = 20_000

    private let records: [PortableNamespace]
    private let questions: [[Topology.Question]]
    private let shared = Atomic<Int>(0)
    private let requests = Atomic<Int>(0)
    private let closed = Atomic<Bool>(false)
    private let answers = Mutex<[Answer]>([])

    /// A search for the answers to questions about `records`, in the order in which they were resolved.
    init(_ questions: [Topology.Question], _ records: [PortableNamespace]) {
        self.records = records
        let asking = Dictionary(grouping: questions) { $0.place.namespace }
        self.questions = asking.sorted { $0.key < $1.key }.map(\.value)
    }

    func share(_ visitor: NamespaceVisitor) -> Bool { visitor.run(self) }

    var progress: Int { requests.load(ordering: .relaxed) + shared.load(ordering: .relaxed) }

    /// Whether a thread that comes back now must leave the records alone.
    var isClosed: Bool { closed.load(ordering: .acquiring) }

    /// Takes the records out of the hands of threads that are stuck.
    func close() { closed.store(true, ordering: .releasing) }

    /// What was found out.
    var found: [Answer] { answers.withLock { $0 } }

    /// The next namespace to ask in with its questions; nil when there is none, or enough was asked.
    func next() -> (namespace: PortableNamespace, questions: [Topology.Question])? {
        guard requests.load(ordering: .relaxed) < Self.maximumRequests else { return nil }
        let index = shared.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < questions.count else { return nil }
        return (records[questions[index][0].place.namespace], questions[index])
    }

    /// Answers questions with a socket in the namespace whose ids they are about.
    func answer(
        _ questions: [Topology.Question], _ socket: inout NetlinkSocket, _ buffer: NetlinkBuffer,
        _ open: (PortableNamespace) throws(Errno) -> NamespaceHandle
    ) {
        for question in questions where !isClosed {
            let owner = candidates(for: question, &socket, buffer).first { position in
                requests.wrappingAdd(1, ordering: .relaxed)
                guard !isClosed, let handle = try? open(records[position]) else { return false }
                return (try? socket.namespaceID(of: handle.rawValue, buffer: buffer)) == question.id
            }
            guard !isClosed else { return }
            answers.withLock { $0.append(Answer(question: question, owner: owner)) }
        }
    }

    /// Namespaces that have a link such as the other end is: the host first, since most have theirs there.
    private func candidates(
        for question: Topology.Question, _ socket: inout NetlinkSocket, _ buffer: NetlinkBuffer
    ) -> [Int] {
        let link = records[question.place.namespace].sample.links[question.place.link]
        guard let index = link.link else { return [] }
        // Where we may look at the other end through its id, its name and address tell most others apart.
        let seen = socket.link(index, in: question.id, buffer: buffer)
        guard !isClosed else { return [] }
        let all = records.indices.filter { position in
            let sample = records[position].sample
            guard position != question.place.namespace, sample.wasRead, sample.hasLinks,
                let found = Topology.position(of: index, in: sample.links)
            else { return false }
            let other = sample.links[found]
            if link.isVeth, !other.isVeth || other.link != link.index { return false }
            return seen.map { $0.name == other.name && $0.address == other.address } ?? true
        }
        return all.filter { records[$0].isHost } + all.filter { !records[$0].isHost }
    }
}

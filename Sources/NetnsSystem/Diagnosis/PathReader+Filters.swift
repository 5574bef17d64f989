internal import Glibc
internal import NetnsCore

/// What the packet filters on the way do with the packets of this path, and with the answers.
extension PathReader {
    /// A packet that is looked for, and the hook it comes to.
    private struct Question {
        var hook: FilterHook
        var packet: FilterPacket
        /// Whether it asks for a neighbour, or answers that.
        var isForNeighbours = false
    }

    /// Asks the filters of every namespace on the path.
    func readFilters() {
        guard let destination = facts.destination, let own = sourceAddress, facts.route.route?.isLocal != true else {
            return
        }
        let way = Way(request.kind, request.port ?? port, own, destination)
        let device = facts.outgoingLink.map { FilterPacket.Interface(index: $0.index, name: $0.name) }
        ask(source, [.postrouting, .output], [.prerouting, .input], out: device, in: nil, way, asksNeighbours: true)
        if let router = facts.router, let sample = namespaces.first(where: { $0.name == router.place.name }) {
            askRouter(router, sample, way)
        } else if let entry, facts.far != nil {
            askBridge(entry.sample, entry.ingress, way)
        }
        guard let far = facts.far, facts.router?.translates != true,
            let sample = namespaces.first(where: { $0.name == far.place.name })
        else { return }
        let link = far.place.link(far.link).map { FilterPacket.Interface(index: $0.index, name: $0.name) }
        ask(
            sample, [.postrouting, .output], [.prerouting, .input], out: link, in: link, way.back, asksNeighbours: false
        )
    }

    /// The two directions of a path as packets.
    private struct Way {
        var there: FilterPacket
        var answer: FilterPacket

        init(_ kind: Probe.Kind, _ port: UInt16?, _ source: IPAddress, _ destination: IPAddress) {
            let isIPv4 = destination.family == .ipv4
            switch kind {
            case .icmp:
                there = .echoRequest(from: source, to: destination)
                answer = FilterPacket(
                    source: destination, destination: source, protocolNumber: isIPv4 ? 1 : 58,
                    icmpType: isIPv4 ? 0 : 129, state: .established)
            case .tcp, .dns:
                let number: UInt8 = kind == .tcp ? 6 : 17
                there = FilterPacket(
                    source: source, destination: destination, protocolNumber: number,
                    destinationPort: port ?? (kind == .dns ? 53 : nil))
                answer = FilterPacket(
                    source: destination, destination: source, protocolNumber: number, state: .established)
            }
        }

        /// As the other end has it: what comes in there is what went out here.
        var back: Way {
            var other = self
            swap(&other.there, &other.answer)
            return other
        }
    }

    /// A namespace at an end of the path: what it sends passes the hooks `sent`, what it is sent those of `received`.
    private func ask(
        _ sample: NamespaceSample, _ sent: [FilterHook], _ received: [FilterHook], out: FilterPacket.Interface?,
        in input: FilterPacket.Interface?, _ way: Way, asksNeighbours: Bool
    ) {
        var questions: [Question] = []
        for hook in sent {
            var packet = way.there
            packet.output = out
            questions.append(Question(hook: hook, packet: packet))
        }
        for hook in received {
            var packet = way.answer
            packet.input = input ?? out
            questions.append(Question(hook: hook, packet: packet))
        }
        questions += asksNeighbours ? neighbourQuestions(out) : neighbourAnswers(out, way)
        decide(sample, questions)
    }

    /// IPv6 finds its neighbours by packets that pass these hooks too. Source: RFC 4861.
    private func neighbourQuestions(_ device: FilterPacket.Interface?) -> [Question] {
        guard facts.family == .ipv6, let own = sourceAddress,
            let hop = facts.route.route.flatMap({ $0.gateway ?? facts.destination })
        else { return [] }
        let asking = FilterPacket(
            output: device, source: own, destination: hop, protocolNumber: 58, icmpType: 135, state: .new)
        let answer = FilterPacket(
            input: device, source: hop, destination: own, protocolNumber: 58, icmpType: 136, state: .new)
        return [
            Question(hook: .output, packet: asking, isForNeighbours: true),
            Question(hook: .input, packet: answer, isForNeighbours: true),
        ]
    }

    /// What the target is asked for by those who look for it, and what it says.
    private func neighbourAnswers(_ device: FilterPacket.Interface?, _ way: Way) -> [Question] {
        guard facts.family == .ipv6 else { return [] }
        let own = way.there.source
        // It is the router that asks, where one is between.
        let asking = facts.router.flatMap { router in
            router.through.route.flatMap { route in
                router.place.addresses.first { $0.link == route.link && $0.address.family == .ipv6 }?.address
            }
        }
        let other = asking ?? way.there.destination
        let asked = FilterPacket(
            input: device, source: other, destination: own, protocolNumber: 58, icmpType: 135, state: .new)
        let answer = FilterPacket(
            output: device, source: own, destination: other, protocolNumber: 58, icmpType: 136, state: .new)
        return [
            Question(hook: .input, packet: asked, isForNeighbours: true),
            Question(hook: .output, packet: answer, isForNeighbours: true),
        ]
    }

    private func askRouter(_ router: PathFacts.Router, _ sample: NamespaceSample, _ way: Way) {
        let ingress = router.place.link(router.ingress).map { FilterPacket.Interface(index: $0.index, name: $0.name) }
        let destination = way.there.destination
        var questions: [Question] = []
        var (there, answer) = (way.there, way.answer)
        there.input = ingress
        if router.place.owner(of: destination) != nil {
            answer.output = ingress
            questions = [.prerouting, .input].map { Question(hook: $0, packet: there) }
            questions += [.output, .postrouting].map { Question(hook: $0, packet: answer) }
        } else if facts.route.route?.gateway != nil {
            let egress = router.through.route.flatMap { router.place.link($0.link) }.map {
                FilterPacket.Interface(index: $0.index, name: $0.name)
            }
            there.output = egress
            answer.input = egress
            answer.output = ingress
            var incoming = there
            incoming.output = nil
            questions = [
                Question(hook: .prerouting, packet: incoming), Question(hook: .forward, packet: there),
                Question(hook: .postrouting, packet: there), Question(hook: .forward, packet: answer),
                Question(hook: .postrouting, packet: answer),
            ]
        }
        if facts.family == .ipv6, let own = sourceAddress, let hop = facts.route.route?.gateway ?? facts.destination {
            let asked = FilterPacket(
                input: ingress, source: own, destination: hop, protocolNumber: 58, icmpType: 135, state: .new)
            let answered = FilterPacket(
                output: ingress, source: hop, destination: own, protocolNumber: 58, icmpType: 136, state: .new)
            questions.append(Question(hook: .input, packet: asked, isForNeighbours: true))
            questions.append(Question(hook: .output, packet: answered, isForNeighbours: true))
        }
        guard let table = decide(sample, questions) else { return }
        let translating = table.chains(at: .postrouting, of: facts.family).contains {
            $0.base?.type == "nat" && !(table.rules[$0.id] ?? []).isEmpty
        }
        facts.router?.translates = translating ? true : table.hasLegacyTables == false ? false : nil
    }

    /// A bridge's packets pass the hook forward of IP where br_netfilter is told so.
    private func askBridge(_ sample: NamespaceSample, _ bridge: Link, _ way: Way) {
        let name = facts.family == .ipv4 ? "bridge-nf-call-iptables" : "bridge-nf-call-ip6tables"
        let passes = visit(sample) { () throws(Errno) in sysctl(["bridge", name]) == 1 } ?? false
        let device = FilterPacket.Interface(index: bridge.index, name: bridge.name)
        var questions: [Question] = []
        for var packet in [way.there, way.answer] where passes {
            packet.input = device
            packet.output = device
            questions.append(Question(hook: .forward, packet: packet))
        }
        decide(sample, questions)
    }

    /// Reads a namespace's filter, and adds what it does with the packets.
    @discardableResult
    private func decide(_ sample: NamespaceSample, _ questions: [Question]) -> FilterTable? {
        var failure = "it cannot be entered"
        let found: FilterTable?? = visit(sample) { () throws(Errno) in
            do throws(NetlinkError) { return try FilterTable.read(procfs: paths.procfs, buffer: buffer) } catch {
                failure = error.reason
                return nil
            }
        }
        guard let table = found ?? nil else {
            facts.filters.append(.init(.unknown, "the packet filter of \(sample.name) could not be read (\(failure))"))
            return nil
        }
        let place = Self.place(sample, paths)
        var doubt: PathFacts.Filter?
        for question in questions {
            switch table.verdict(for: question.packet, hook: question.hook) {
            case .accepted: break
            case .dropped(let cause): return refuse(cause, "drops", question, place, table)
            case .rejected(let cause): return refuse(cause, "rejects", question, place, table)
            case .unknown(let why):
                doubt =
                    doubt
                    ?? .init(
                        .unknown,
                        "whether chain \(Self.text(why.rule.chain)) of \(place.name) lets it pass depends on \(PrintableText.string(Array(why.expression.utf8))), in \(Self.text(why.rule))"
                    )
            }
        }
        if doubt == nil, table.hasLegacyTables == true {
            doubt = .init(.unknown, "\(place.name) has tables of iptables-legacy, which are not read")
        }
        if doubt == nil, !questions.isEmpty, let chain = table.chainsOfLinks.first {
            doubt = .init(.unknown, "chain \(Self.text(chain.id)) of \(place.name) is not looked at")
        }
        let isEmpty = questions.allSatisfy { table.chains(at: $0.hook, of: facts.family).isEmpty }
        facts.filters.append(
            doubt ?? .init(.ok, isEmpty ? "\(place.name): no filter" : "\(place.name): nothing drops it"))
        return table
    }

    private func refuse(
        _ cause: FilterCause, _ verb: String, _ question: Question, _ place: PathFacts.Place, _ table: FilterTable
    ) -> FilterTable {
        let what =
            question.isForNeighbours
            ? "what asks for neighbours" : question.packet.state == .established ? "the answer" : "it"
        facts.filters.append(
            .init(
                .broken,
                "chain \(Self.text(cause.chain)) of \(place.name) \(verb) \(what) at the hook \(question.hook): \(Self.text(cause))",
                remedy: Self.remedy(cause, question, place),
                hidesNeighbours: question.isForNeighbours && place.name != facts.far?.place.name))
        return table
    }

    /// The rule that lets these packets pass, and no others, before those of the chain.
    private static func remedy(_ cause: FilterCause, _ question: Question, _ place: PathFacts.Place) -> String? {
        let chain = cause.chain
        // A name that is no plain word could be more than a name to nft(8).
        let isPlain = [chain.table, chain.name].allSatisfy { name in
            !name.isEmpty
                && name.utf8.allSatisfy { byte in
                    switch byte {
                    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                        true
                    default: false
                    }
                }
        }
        guard isPlain else { return nil }
        let words = "nft insert rule \(chain.family.name) \(chain.table) \(chain.name) "
        if question.isForNeighbours {
            return place.command(words + "icmpv6 type '{ nd-neighbor-solicit, nd-neighbor-advert }' accept")
        }
        let family = question.packet.family == .ipv4 ? "ip" : "ip6"
        let packet = question.packet
        return place.command(words + "\(family) saddr \(packet.source) \(family) daddr \(packet.destination) accept")
    }

    private static func text(_ chain: FilterChain.ID) -> String {
        PrintableText.string(Array("\(chain.family.name) \(chain.table) \(chain.name)".utf8))
    }

    private static func text(_ cause: FilterCause) -> String {
        PrintableText.string(Array(cause.text.utf8)) + (cause.handle.map { " (handle \($0))" } ?? "")
    }
}

import NetnsCore
import Testing

/// Tries that are told what happens, by a clock that the test moves.
@Suite struct ProbeTryTests {
    private static let start = Instant(nanoseconds: 1_000_000_000)

    private static func at(_ seconds: Double) -> Instant { start.advanced(bySeconds: seconds) }

    private static func address(_ text: String, port: UInt16 = 0) throws -> ProbeAddress {
        ProbeAddress(try #require(IPAddress(text)), port: port)
    }

    private static func probe(_ kind: Probe.Kind, count: Int = 1, timeout: Double = 1) -> Probe {
        Probe(
            name: "p", kind: kind, target: .gateway, timeout: timeout, count: count,
            query: kind == .dns ? "www.example.com." : nil)
    }

    /// An answer to a question: its id and question section with other flags, and A records of 192.0.2.1.
    private static func answer(_ question: [UInt8], code: UInt8 = 0, records: UInt8 = 1, truncated: Bool = false)
        -> [UInt8]
    {
        var bytes = question
        bytes[2] = truncated ? 0x83 : 0x81
        bytes[3] = 0x80 | code
        bytes[7] = records
        for _ in 0..<records {
            bytes += [0xC0, 0x0C, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]
        }
        return bytes
    }

    private static func question(_ action: ProbeTry.Action) throws -> (to: ProbeAddress, bytes: [UInt8], isTCP: Bool) {
        switch action {
        case .open(.datagram(let to, let bytes)): return (to, bytes, false)
        case .open(.stream(let to, let bytes)): return (to, bytes, true)
        default: throw Unexpected(action: action)
        }
    }

    struct Unexpected: Error { let action: ProbeTry.Action }

    @Test func anEchoThatIsAnswered() throws {
        let target = try Self.address("192.0.2.1")
        var attempt = ProbeTry(Self.probe(.icmp), .address(target), at: Self.start, sequence: 65535, seed: 1)
        #expect(attempt.begin(at: Self.start) == .open(.echo(target)))
        #expect(attempt.handle(.opened, at: Self.start) == .echo(sequence: 65535))
        #expect(attempt.deadline == Self.at(1))
        #expect(attempt.handle(.replied(sequence: 3, 0.01), at: Self.at(0.01)) == .wait)
        #expect(attempt.handle(.replied(sequence: 65535, 0.02), at: Self.at(0.02)) == .end)
        #expect(attempt.failure == nil)
        #expect(attempt.roundTrip == 0.02)
        #expect(attempt.isOwn(65535))
        #expect(attempt.isRepeated(65535))
        #expect(!attempt.isOwn(0))
        #expect(attempt.handle(.tick, at: Self.at(1)) == .wait)
    }

    @Test func silence() throws {
        let target = try Self.address("2001:db8::1")
        for (kind, reason) in [
            (Probe.Kind.icmp, ProbeFailure.timeout), (.tcp, .timeout), (.dns, .nameTimeout),
        ] {
            var attempt = ProbeTry(Self.probe(kind), .address(target), at: Self.start, seed: 1)
            _ = attempt.begin(at: Self.start)
            _ = attempt.handle(.opened, at: Self.start)
            #expect(attempt.handle(.tick, at: Self.at(0.5)) == .wait)
            #expect(attempt.handle(.tick, at: Self.at(1)) == .end)
            #expect(attempt.failure == reason)
            #expect(attempt.sent == 1)
            #expect(attempt.received == 0)
        }
    }

    @Test func manyEchoesAreSpreadAndOneIsEnough() throws {
        var attempt = ProbeTry(
            Self.probe(.icmp, count: 5), .address(try Self.address("192.0.2.1")), at: Self.start, sequence: 10, seed: 1)
        _ = attempt.begin(at: Self.start)
        #expect(attempt.handle(.opened, at: Self.start) == .echo(sequence: 10))
        var sent = 1
        while sent < 5 {
            let time = attempt.deadline
            #expect(time <= Self.at(0.5))
            #expect(attempt.handle(.tick, at: time) == .echo(sequence: UInt16(10 + sent)))
            sent += 1
        }
        #expect(attempt.deadline == Self.at(1))
        #expect(attempt.handle(.replied(sequence: 12, 0.1), at: Self.at(0.6)) == .wait)
        #expect(attempt.handle(.replied(sequence: 12, 0.1), at: Self.at(0.6)) == .wait)
        #expect(attempt.received == 1)
        #expect(attempt.handle(.tick, at: Self.at(1)) == .end)
        #expect(attempt.failure == nil)
        #expect(attempt.sent == 5)
    }

    @Test func aHundredEchoes() throws {
        var attempt = ProbeTry(
            Self.probe(.icmp, count: 100), .address(try Self.address("192.0.2.1")), at: Self.start, seed: 1)
        _ = attempt.begin(at: Self.start)
        _ = attempt.handle(.opened, at: Self.start)
        for _ in 1..<100 { _ = attempt.handle(.tick, at: attempt.deadline) }
        #expect(attempt.sent == 100)
        for sequence in 0..<UInt16(99) {
            #expect(attempt.handle(.replied(sequence: sequence, 0), at: Self.start) == .wait)
        }
        #expect(attempt.handle(.replied(sequence: 99, 0), at: Self.start) == .end)
    }

    @Test func aFailureIsItsReason() throws {
        var attempt = ProbeTry(
            Self.probe(.tcp), .address(try Self.address("192.0.2.1", port: 80)), at: Self.start, seed: 1)
        _ = attempt.begin(at: Self.start)
        _ = attempt.handle(.opened, at: Self.start)
        #expect(attempt.handle(.failed(.refused), at: Self.at(0.1)) == .end)
        #expect(attempt.failure == .refused)
    }

    @Test func dnsThatIsAnswered() throws {
        let server = try Self.address("192.0.2.53", port: 53)
        var attempt = ProbeTry(Self.probe(.dns), .address(server), at: Self.start, seed: 7)
        let asked = try Self.question(attempt.begin(at: Self.start))
        #expect(asked.to == server)
        _ = attempt.handle(.opened, at: Self.start)
        var forged = Self.answer(asked.bytes)
        forged[0] ^= 1
        #expect(attempt.handle(.message(forged, 0.1), at: Self.at(0.1)) == .wait)
        #expect(attempt.handle(.message([1, 2, 3], 0.1), at: Self.at(0.1)) == .wait)
        #expect(attempt.handle(.message(Self.answer(asked.bytes), 0.2), at: Self.at(0.2)) == .end)
        #expect(attempt.failure == nil)
        #expect(attempt.roundTrip == 0.2)
    }

    @Test(arguments: [(UInt8(3), UInt8(0)), (2, 0), (5, 0), (0, 0)])
    func dnsThatSaysNo(_ code: UInt8, _ records: UInt8) throws {
        var attempt = ProbeTry(
            Self.probe(.dns), .address(try Self.address("192.0.2.53", port: 53)), at: Self.start, seed: 7)
        let asked = try Self.question(attempt.begin(at: Self.start))
        _ = attempt.handle(.opened, at: Self.start)
        let answer = Self.answer(asked.bytes, code: code, records: records)
        #expect(attempt.handle(.message(answer, 0.1), at: Self.at(0.1)) == .end)
        #expect(attempt.failure == .nameError)
    }

    @Test func aTruncatedAnswerIsAskedForAgainOverTCP() throws {
        var attempt = ProbeTry(
            Self.probe(.dns), .address(try Self.address("192.0.2.53", port: 53)), at: Self.start, seed: 7)
        let asked = try Self.question(attempt.begin(at: Self.start))
        _ = attempt.handle(.opened, at: Self.start)
        let next = attempt.handle(.message(Self.answer(asked.bytes, truncated: true), 0.1), at: Self.at(0.1))
        let again = try Self.question(next)
        #expect(again.isTCP)
        #expect(again.bytes == asked.bytes)
        _ = attempt.handle(.opened, at: Self.at(0.1))
        #expect(attempt.sent == 1)
        // One that is cut short over TCP too does not make it connect again and again.
        let cut = Self.answer(asked.bytes, truncated: true)
        #expect(attempt.handle(.message(cut, 0.15), at: Self.at(0.15)) == .wait)
        #expect(attempt.handle(.failed(.refused), at: Self.at(0.2)) == .end)
        #expect(attempt.failure == .refused)
    }

    @Test func aNameIsResolvedFirst() throws {
        let servers = [try Self.address("192.0.2.53", port: 53), try Self.address("192.0.2.54", port: 53)]
        var attempt = ProbeTry(Self.probe(.tcp), .name("web", port: 443), at: Self.start, seed: 7)
        #expect(attempt.begin(at: Self.start) == .resolve("web"))
        let resolution = NameResolution(servers: servers, names: ["web.example.", "web."], known: [])
        let first = try Self.question(attempt.handle(.resolution(resolution), at: Self.start))
        #expect(first.to == servers[0])
        // The first server says nothing for its half of the time.
        #expect(attempt.deadline == Self.at(0.5))
        let second = try Self.question(attempt.handle(.tick, at: Self.at(0.5)))
        #expect(second.to == servers[1])
        // No such name, no A: then AAAA, then the next name.
        let third = try Self.question(
            attempt.handle(.message(Self.answer(second.bytes, records: 0), 0), at: Self.at(0.51)))
        let fourth = try Self.question(
            attempt.handle(.message(Self.answer(third.bytes, code: 3, records: 0), 0), at: Self.at(0.52)))
        let action = attempt.handle(.message(Self.answer(fourth.bytes), 0), at: Self.at(0.53))
        #expect(action == .open(.connect(try Self.address("192.0.2.1", port: 443))))
        #expect(attempt.sent == 0)
        #expect(attempt.handle(.connected(0.001), at: Self.at(0.54)) == .wait || attempt.isOver)
        #expect(attempt.failure == nil)
    }

    @Test func theHostsFileComesFirst() throws {
        var attempt = ProbeTry(Self.probe(.icmp), .name("web", port: 0), at: Self.start, seed: 7)
        _ = attempt.begin(at: Self.start)
        let known = try #require(IPAddress("198.18.0.7"))
        let resolution = NameResolution(servers: [], names: [], known: [known])
        #expect(attempt.handle(.resolution(resolution), at: Self.start) == .open(.echo(ProbeAddress(known))))
    }

    @Test func namesThatLeadNowhere() throws {
        let server = try Self.address("192.0.2.53", port: 53)
        func attempt() -> ProbeTry {
            var attempt = ProbeTry(Self.probe(.icmp), .name("web", port: 0), at: Self.start, seed: 7)
            _ = attempt.begin(at: Self.start)
            return attempt
        }
        var unread = attempt()
        #expect(unread.handle(.resolution(nil), at: Self.start) == .end)
        #expect(unread.failure == .noResolver)
        var empty = attempt()
        #expect(
            empty.handle(.resolution(NameResolution(servers: [], names: ["web."], known: [])), at: Self.start) == .end)
        #expect(empty.failure == .noResolver)
        let resolution = NameResolution(servers: [server], names: ["web."], known: [])
        var silent = attempt()
        _ = silent.handle(.resolution(resolution), at: Self.start)
        #expect(silent.handle(.tick, at: Self.at(1)) == .end)
        #expect(silent.failure == .nameTimeout)
        var wrong = attempt()
        let asked = try Self.question(wrong.handle(.resolution(resolution), at: Self.start))
        let no = Self.answer(asked.bytes, code: 3, records: 0)
        let next = try Self.question(wrong.handle(.message(no, 0), at: Self.start))
        #expect(wrong.handle(.message(Self.answer(next.bytes, code: 3, records: 0), 0), at: Self.start) == .end)
        #expect(wrong.failure == .nameError)
    }

    @Test func endingItNowIsATimeout() throws {
        var attempt = ProbeTry(Self.probe(.icmp), .address(try Self.address("192.0.2.1")), at: Self.start, seed: 1)
        _ = attempt.begin(at: Self.start)
        _ = attempt.handle(.opened, at: Self.start)
        #expect(attempt.expire() == .end)
        #expect(attempt.failure == .timeout)
    }
}

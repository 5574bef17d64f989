import Foundation
import TestSupport
import Testing
import Web

/// Answers that come later, from other threads, or never.
@Suite struct ServerLaterTests {
    @Test func answersFromAnotherThread() throws {
        let server = try TestServer([
            Route("/later") { _, responder in
                onThread {
                    usleep(50_000)
                    responder.respond(.text(200, "later"))
                }
            }
        ])
        let reply = try server.get("/later")
        #expect(reply.status == 200)
        #expect(reply.text == "later")
    }

    /// The server has one thread: while one request waits, others are served.
    @Test func waitingHoldsNoThread() throws {
        let waiting = Box<[Responder]>([])
        let server = try TestServer([
            .text("/now", "now"),
            Route("/wait") { _, responder in waiting.update { $0.append(responder) } },
        ])
        let clients = try (0..<10).map { _ in try server.connect() }
        for client in clients { try client.send("GET", "/wait") }
        #expect(eventually { waiting.current.count == 10 })
        #expect(try server.get("/now").text == "now")
        #expect(server.server.exchangesUnderWay >= 10)
        for responder in waiting.update({ list in
            defer { list = [] }
            return list
        }) {
            responder.respond(.text(200, "done"))
        }
        for client in clients { #expect(try client.reply().text == "done") }
        #expect(eventually { server.server.exchangesUnderWay == 0 })
    }

    /// The answer races with the suspension of its connection: before, during and after it.
    @Test func answersRaceWithSuspension() throws {
        let server = try TestServer([
            Route("/race") { request, responder in
                let name = request.queryValues("n").first ?? "?"
                let turns = (Int(name) ?? 0) % 7 * 300
                DispatchQueue.global().async {
                    var sum = 0
                    for turn in 0..<turns { sum &+= turn }
                    responder.respond(.text(200, "\(name) \(sum < 0 ? "" : "ok")"))
                }
                // Some leave the handler at once, some late enough for the answer to be there first.
                if turns == 0 { usleep(200) }
            }
        ])
        let wrong = Box<[String]>([])
        let right = Box(0)
        let port = server.port
        inParallel(16) { thread in
            do {
                let client = try Client(port: port)
                for round in 0..<50 {
                    let number = thread * 50 + round
                    try client.send("GET", "/race?n=\(number)")
                    let reply = try client.reply()
                    if reply.status == 200, reply.text == "\(number) ok" {
                        right.update { $0 += 1 }
                    } else {
                        wrong.update { $0.append("\(number): \(reply.status) \(reply.text)") }
                    }
                }
            } catch {
                wrong.update { $0.append("\(error)") }
            }
        }
        #expect(wrong.current == [])
        #expect(right.current == 800)
        #expect(eventually { server.server.exchangesUnderWay == 0 })
    }

    @Test func aDroppedResponderAnswers500() throws {
        let server = try TestServer([
            Route("/at-once") { _, _ in },
            Route("/later") { _, responder in
                onThread {
                    usleep(20_000)
                    _ = responder
                }
            },
        ])
        #expect(try server.get("/at-once").status == 500)
        #expect(try server.get("/later").status == 500)
    }

    @Test func theFirstAnswerCounts() throws {
        let server = try TestServer([
            Route("/twice") { _, responder in
                responder.respond(.text(200, "first"))
                responder.respond(.text(404, "second"))
            }
        ])
        let client = try server.connect()
        for _ in 0..<3 {
            try client.send("GET", "/twice")
            #expect(try client.reply().text == "first")
        }
    }

    @Test(arguments: [false, true])
    func aClientMayGoWhileItsRequestWaits(reset: Bool) throws {
        let waiting = Box<[Responder]>([])
        let released = Flag()
        let server = try TestServer([
            Route("/wait") { _, responder in waiting.update { $0.append(responder) } }, .text("/now", "now"),
        ])
        let client = try server.connect()
        try client.send("GET", "/wait")
        #expect(eventually { waiting.current.count == 1 })
        if reset { client.reset() } else { client.close() }
        usleep(20_000)
        #expect(try server.get("/now").text == "now")

        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 4_000_000, alignment: 1)
        defer { unsafe bytes.deallocate() }
        unsafe bytes.initializeMemory(as: UInt8.self, repeating: 1)
        do {
            let body = unsafe Body(
                lending: UnsafeRawBufferPointer(bytes), owner: BodyTests.Owner { released.raise() })
            waiting.current.first?.respond(Response(status: 200, body: body))
            waiting.update { $0 = [] }
        }
        #expect(released.wait())
        #expect(eventually { server.server.exchangesUnderWay == 0 })
        #expect(try server.get("/now").text == "now")
    }

    /// 20 MB go out of the lender's own memory, which comes back when they are sent and not before.
    @Test func aLargeBodyIsLent() throws {
        let count = 20_000_000
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 8)
        defer { unsafe bytes.deallocate() }
        var generator = SplitMix64(seed: 5)
        for index in 0..<count / 8 {
            unsafe bytes.storeBytes(of: generator.next(), toByteOffset: index * 8, as: UInt64.self)
        }
        let released = Flag()
        let body = Box<Body?>(
            unsafe Body(lending: UnsafeRawBufferPointer(bytes), owner: BodyTests.Owner { released.raise() }))
        let server = try TestServer([
            Route("/large") { _, responder in
                let lent = body.update { body in
                    defer { body = nil }
                    return body
                }
                responder.respond(Response(status: 200, body: lent ?? Body("gone")))
            }
        ])
        let client = try server.connect()
        try client.send("GET", "/large")
        // More than the sockets' buffers hold: as long as nobody reads, it cannot have been sent.
        #expect(eventually { body.current == nil })
        usleep(100_000)
        #expect(!released.isRaised)
        let reply = try client.reply()
        #expect(reply.body.count == count)
        let isIntact = unsafe reply.body.elementsEqual(bytes)
        #expect(isIntact)
        #expect(released.wait())
    }
}

import Foundation
import Testing
import Web

/// Stopping: what is under way is answered, and it always ends.
@Suite struct ServerStopTests {
    @Test func whatIsUnderWayIsAnswered() throws {
        let waiting = Box<Responder?>(nil)
        let test = try TestServer([
            .text("/now", "now"),
            Route("/slow") { _, responder in waiting.update { $0 = responder } },
        ])
        let client = try test.connect()
        let other = try test.connect()
        for one in [client, other] {
            try one.send("GET", "/now")
            #expect(try one.reply().text == "now")
        }
        try client.send("GET", "/slow")
        #expect(eventually { waiting.current != nil })

        let server = test.server
        let stopped = Flag()
        onThread {
            server.stop(grace: .seconds(10))
            stopped.raise()
        }
        // Connections are refused while the answer is still awaited.
        #expect(eventually(.seconds(2)) { (try? test.connect()) == nil })
        // On a connection that was open already: not served any more, but answered.
        try other.send("GET", "/now")
        let late = try other.reply()
        #expect(late.status == 503)
        #expect(late.header("Connection") == "close")
        usleep(200_000)
        #expect(!stopped.isRaised)

        waiting.update { $0?.respond(.text(200, "answered")) }
        #expect(try client.reply().text == "answered")
        #expect(client.isClosedByServer())
        #expect(stopped.wait(.seconds(2)))
    }

    @Test func whatIsNeverAnsweredEndsWith503() throws {
        let waiting = Box<[Responder]>([])
        let server = try TestServer([
            Route("/never") { _, responder in waiting.update { $0.append(responder) } }
        ])
        let clients = try (0..<5).map { _ in try server.connect() }
        for client in clients { try client.send("GET", "/never") }
        #expect(eventually { waiting.current.count == 5 })
        let start = ContinuousClock.now
        server.server.stop(grace: .milliseconds(300))
        let took = ContinuousClock.now - start
        #expect(took >= .milliseconds(300))
        #expect(took < .milliseconds(1300))
        for client in clients {
            let reply = try client.reply()
            #expect(reply.status == 503)
            #expect(reply.header("Connection") == "close")
        }
        #expect(server.server.exchangesUnderWay == 0)
        // Too late, and harmless.
        for responder in waiting.current { responder.respond(.text(200, "too late")) }
        waiting.update { $0 = [] }
    }

    /// The client reads nothing: the answer can never be sent.
    @Test func aClientThatDoesNotReadDoesNotHoldIt() throws {
        let released = Flag()
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 20_000_000, alignment: 1)
        defer { unsafe bytes.deallocate() }
        unsafe bytes.initializeMemory(as: UInt8.self, repeating: 7)
        let body = Box<Body?>(
            unsafe Body(lending: UnsafeRawBufferPointer(bytes), owner: BodyTests.Owner { released.raise() }))
        let server = try TestServer([
            Route("/large") { _, responder in
                responder.respond(Response(status: 200, body: body.current ?? Body("gone")))
                body.update { $0 = nil }
            }
        ])
        let client = try server.connect()
        try client.send("GET", "/large")
        #expect(eventually { body.current == nil })
        let start = ContinuousClock.now
        server.server.stop(grace: .milliseconds(200))
        #expect(ContinuousClock.now - start < .milliseconds(1200))
        #expect(released.isRaised)
        client.close()
    }

    /// Stopped in the middle of traffic, again and again: no crash, no hang, every answer whole.
    @Test func stopsUnderLoad() throws {
        for round in 0..<15 {
            let waiting = Box<[Responder]>([])
            let server = try TestServer([
                .text("/now", "now"),
                Route("/later") { _, responder in DispatchQueue.global().async { responder.respond(.text(200, "now")) }
                },
                Route("/never") { _, responder in waiting.update { $0.append(responder) } },
            ])
            let port = server.port
            let bad = Box<[String]>([])
            let done = Box(0)
            for thread in 0..<6 {
                onThread {
                    defer { done.update { $0 += 1 } }
                    guard let client = try? Client(port: port) else { return }
                    for turn in 0..<1000 {
                        let path = thread == 0 && turn == 20 ? "/never" : turn % 2 == 0 ? "/now" : "/later"
                        // The connection may end at any time; an answer that comes is a right one.
                        guard (try? client.send("GET", path)) != nil, let reply = try? client.reply() else { return }
                        if reply.status == 503 { return }
                        if reply.status != 200 || reply.text != "now" {
                            bad.update { $0.append("\(reply.status) \(reply.text)") }
                        }
                    }
                }
            }
            usleep(UInt32(5_000 + round * 3_000))
            let start = ContinuousClock.now
            server.server.stop(grace: .milliseconds(50))
            #expect(ContinuousClock.now - start < .milliseconds(1550))
            #expect(eventually { done.current == 6 })
            #expect(bad.current == [])
            #expect(server.server.exchangesUnderWay == 0)
            waiting.update { $0 = [] }
        }
    }

    @Test func startsOnceAndStopsTwice() throws {
        let server = try TestServer([.text("/now", "now")])
        #expect(throws: WebError.alreadyStarted) { try server.server.start() }
        server.server.stop(grace: .seconds(1))
        server.server.stop(grace: .seconds(1))
        #expect(throws: WebError.alreadyStarted) { try server.server.start() }
    }

    @Test func aServerThatNeverStartedStops() throws {
        let server = try Server(listeners: [ListenSocket(.loopback)], routes: [])
        server.stop(grace: .seconds(60))
        #expect(throws: WebError.alreadyStarted) { try server.start() }
    }

    /// The port is free at once for the next one.
    @Test func thePortComesBack() throws {
        var server: TestServer? = try TestServer([.text("/now", "1")])
        let port = try #require(server?.port)
        #expect(try server?.get("/now").text == "1")
        server = nil
        let again = try TestServer([.text("/now", "2")], address: ListenAddress(host: .ipv4("127.0.0.1"), port: port))
        #expect(try again.get("/now").text == "2")
    }
}

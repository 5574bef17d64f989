import Foundation
import Testing
import Web

/// What clients cannot take.
@Suite struct ServerLimitsTests {
    @Test func connectionsFromOneAddress() throws {
        let server = try TestServer([.text("/now", "now")], limits: Limits(connectionsPerAddress: 2))
        let first = try server.connect()
        let second = try server.connect()
        for client in [first, second] {
            try client.send("GET", "/now")
            #expect(try client.reply().text == "now")
        }
        let third = try server.connect()
        try? third.send("GET", "/now")
        #expect(third.isClosedByServer())
        // One that ends makes room.
        first.close()
        #expect(eventually { (try? server.get("/now"))?.text == "now" })
    }

    /// More than the limit wait in the backlog, and are served when there is room.
    @Test func connectionsInAll() throws {
        let server = try TestServer([.text("/now", "now")], limits: Limits(connections: 2))
        let first = try server.connect()
        let second = try server.connect()
        for client in [first, second] {
            try client.send("GET", "/now")
            #expect(try client.reply().text == "now")
        }
        let third = try server.connect()
        try third.send("GET", "/now")
        usleep(100_000)
        first.close()
        #expect(try third.reply().text == "now")
    }

    @Test func idleConnectionsKeepNobodyOut() throws {
        let server = try TestServer(
            [.text("/x", "x")], limits: Limits(connections: 32, connectionsPerAddress: 1000, inactivitySeconds: 60))
        // More than there may be, all of which only wait; each new one takes the place of another.
        let idle = try (0..<80).map { _ in try server.connect() }
        for _ in 0..<10 { #expect(try server.get("/x").text == "x") }
        withExtendedLifetime(idle) {}
    }

    @Test func idleConnectionsAreClosed() throws {
        let server = try TestServer([.text("/now", "now")], limits: Limits(inactivitySeconds: 1))
        let client = try server.connect()
        let halfway = try server.connect()
        try halfway.send("GET /now HTTP/1.1\r\nHost:")
        let start = ContinuousClock.now
        #expect(client.isClosedByServer())
        _ = halfway.isClosedByServer()
        #expect(ContinuousClock.now - start < .seconds(5))
    }

    /// The time that a request waits for its handler is not inactivity.
    @Test func aSlowHandlerIsNotIdle() throws {
        let server = try TestServer(
            [
                Route("/slow") { _, responder in
                    onThread {
                        usleep(2_300_000)
                        responder.respond(.text(200, "slow"))
                    }
                }
            ],
            limits: Limits(inactivitySeconds: 1))
        #expect(try server.get("/slow").text == "slow")
    }

    /// One byte now and then keeps inactivity away, but not for ever.
    @Test func aDrippedRequestIsCut() throws {
        let server = try TestServer([.text("/now", "now")], limits: Limits(requestSeconds: 1))
        let client = try server.connect()
        let start = ContinuousClock.now
        try client.send("GET /now HTTP/1.1\r\nX: ")
        let wasCut = eventually(.seconds(8)) {
            usleep(50_000)
            return (try? client.send("x")) == nil
        }
        #expect(wasCut)
        let took = ContinuousClock.now - start
        #expect(took > .seconds(1))
        #expect(try server.get("/now").text == "now")
    }

    /// The lender gets its bytes back from a client that reads a byte now and then.
    @Test func aSlowReaderIsCut() throws {
        let released = Flag()
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 20_000_000, alignment: 1)
        defer { unsafe bytes.deallocate() }
        unsafe bytes.initializeMemory(as: UInt8.self, repeating: 7)
        let body = Box<Body?>(
            unsafe Body(lending: UnsafeRawBufferPointer(bytes), owner: BodyTests.Owner { released.raise() }))
        let server = try TestServer(
            [
                Route("/large") { _, responder in
                    responder.respond(Response(status: 200, body: body.current ?? Body("gone")))
                    body.update { $0 = nil }
                }
            ],
            limits: Limits(answerSeconds: 1))
        let client = try server.connect()
        try client.send("GET", "/large")
        let start = ContinuousClock.now
        let wasReleased = eventually(.seconds(8)) {
            usleep(50_000)
            client.readOneByte()
            return released.isRaised
        }
        #expect(wasReleased)
        #expect(ContinuousClock.now - start > .seconds(1))
    }

    /// A connection that is used is not cut, however old it is.
    @Test func aBusyConnectionIsNotCut() throws {
        let server = try TestServer([.text("/now", "now")], limits: Limits(requestSeconds: 1, answerSeconds: 1))
        let client = try server.connect()
        for _ in 0..<10 {
            try client.send("GET", "/now")
            #expect(try client.reply().text == "now")
            usleep(300_000)
        }
    }
}

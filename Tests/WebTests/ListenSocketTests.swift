import Foundation
import Testing
import Web

@Suite struct ListenSocketTests {
    static let hasIPv6 = (try? ListenSocket(ListenAddress(host: .ipv6("::1", zone: nil), port: 0))) != nil

    private func port(_ socket: ListenSocket) throws -> UInt16 {
        try #require(UInt16(socket.boundAddress.split(separator: ":").last ?? ""))
    }

    @Test func theKernelChoosesAPort() throws {
        let socket = try ListenSocket(ListenAddress(parsing: "127.0.0.1:0"))
        #expect(socket.boundAddress.hasPrefix("127.0.0.1:"))
        #expect(try port(socket) != 0)
    }

    @Test func localhostIsIPv4First() throws {
        let socket = try ListenSocket(ListenAddress(parsing: "localhost:0"))
        #expect(socket.boundAddress.hasPrefix("127.0.0.1:"))
    }

    @Test func aTakenPortIsSaidInOneLine() throws {
        let first = try ListenSocket(.loopback)
        let port = try port(first)
        let error = try #require(throws: WebError.self) {
            _ = try ListenSocket(ListenAddress(parsing: "127.0.0.1:\(port)"))
        }
        #expect(
            error.description
                == "cannot listen on 127.0.0.1:\(port): Address already in use (EADDRINUSE): "
                + "another process has the port; choose another with --web.listen-address")
    }

    /// 192.0.2.0/24 is for documentation: no host has it.
    @Test func anAddressOfAnotherHost() throws {
        let error = try #require(throws: WebError.self) { _ = try ListenSocket(ListenAddress(parsing: "192.0.2.1:0")) }
        #expect(
            error.description
                == "cannot listen on 192.0.2.1:0: Cannot assign requested address (EADDRNOTAVAIL): "
                + "no interface of this host has the address; choose another with --web.listen-address")
    }

    @Test(.enabled(if: hasIPv6)) func anUnknownZone() throws {
        let error = try #require(throws: WebError.self) {
            _ = try ListenSocket(ListenAddress(parsing: "[fe80::1%no-such-if]:0"))
        }
        #expect(error.description.hasPrefix("cannot listen on [fe80::1%no-such-if]:0: No such device (ENODEV)"))
    }

    @Test(.enabled(if: hasIPv6)) func ipv6AloneLeavesIPv4Free() throws {
        let six = try ListenSocket(ListenAddress(parsing: "[::]:0"))
        #expect(six.boundAddress.hasPrefix("[::]:"))
        let port = try port(six)
        // It would be taken, had the first socket both protocols.
        let four = try ListenSocket(ListenAddress(parsing: "0.0.0.0:\(port)"))
        #expect(four.boundAddress == "0.0.0.0:\(port)")
    }

    @Test(.enabled(if: hasIPv6)) func ipv6IsServed() throws {
        let server = try TestServer(
            [Route("/peer") { request, responder in responder.respond(.text(200, request.remoteAddress ?? "?")) }],
            address: ListenAddress(parsing: "[::1]:0"))
        #expect(server.server.boundAddresses == ["[::1]:\(server.port)"])
        let client = try Client(port: server.port, ipv6: true)
        try client.send("GET", "/peer")
        #expect(try client.reply().text.hasPrefix("[::1]:"))
        #expect(throws: (any Error).self) { _ = try Client(port: server.port) }
    }

    @Test(.enabled(if: hasIPv6)) func aLonePortServesBothProtocols() throws {
        let server = try TestServer(
            [Route("/peer") { request, responder in responder.respond(.text(200, request.remoteAddress ?? "?")) }],
            address: ListenAddress(parsing: ":0"))
        #expect(server.server.boundAddresses == ["[::]:\(server.port)"])
        #expect(try server.get("/peer").text.hasPrefix("127.0.0.1:"))
        let client = try Client(port: server.port, ipv6: true)
        try client.send("GET", "/peer")
        #expect(try client.reply().text.hasPrefix("[::1]:"))
    }

    @Test(.enabled(if: hasIPv6)) func severalListeners() throws {
        let listeners = try [ListenSocket(.loopback), ListenSocket(ListenAddress(parsing: "[::1]:0"))]
        let server = try Server(listeners: listeners, routes: [.text("/now", "now")])
        try server.start()
        defer { server.stop(grace: .zero) }
        for (socket, ipv6) in zip(listeners, [false, true]) {
            let client = try Client(port: port(socket), ipv6: ipv6)
            try client.send("GET", "/now")
            #expect(try client.reply().text == "now")
        }
    }

    /// What a child process must not inherit: another agent could not bind the port.
    @Test func theSocketIsClosedOnExec() throws {
        let socket = try ListenSocket(.loopback)
        let port = String(try port(socket), radix: 16, uppercase: true)
        let table = try String(contentsOfFile: "/proc/self/net/tcp", encoding: .utf8)
        let line = try #require(table.split(separator: "\n").first { $0.contains("0100007F:\(port) 00000000:0000 0A") })
        let inode = try #require(line.split(separator: " ").dropFirst(9).first)
        let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
        let own = try #require(
            descriptors.first { name in
                let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")
                return target == "socket:[\(inode)]"
            })
        let info = try String(contentsOfFile: "/proc/self/fdinfo/\(own)", encoding: .utf8)
        let flags = try #require(info.split(separator: "\n").first { $0.hasPrefix("flags:") })
        let value = try #require(Int(flags.dropFirst(6).trimmingCharacters(in: .whitespaces), radix: 8))
        #expect(value & 0o2_000_000 != 0)
        #expect(value & 0o4000 != 0)
    }
}

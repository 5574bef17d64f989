import Foundation
import Testing
import Web

/// A real server on the loopback: what an answer looks like, and what is refused.
@Suite struct ServerTests {
    @Test func answersAtOnce() throws {
        let server = try TestServer([.text("/hello", "Hi.\n")])
        let reply = try server.get("/hello")
        #expect(reply.status == 200)
        #expect(reply.text == "Hi.\n")
        #expect(reply.header("Content-Type") == "text/plain; charset=utf-8")
        #expect(reply.header("X-Content-Type-Options") == "nosniff")
        #expect(reply.header("Content-Length") == "4")
        #expect(reply.header("Server") == nil)
        #expect(reply.header("Date") != nil)
        #expect(server.log.current == [])
    }

    @Test func handlersSeeTheRequest() throws {
        let seen = Box<Request?>(nil)
        let server = try TestServer([
            Route("/a b/ü") { request, responder in
                seen.update { $0 = request }
                responder.respond(.json(200, "{}"))
            }
        ])
        let client = try server.connect()
        try client.send(
            "GET", "/a%20b/%C3%BC?collect[]=a&collect%5B%5D=b%26c&flag&empty=&plus=x+y",
            ["X-One: 1", "x-one:  2 ", "Accept: */*"])
        #expect(try client.reply().header("content-type") == "application/json")
        let request = try #require(seen.current)
        #expect(request.method == "GET")
        #expect(request.path == "/a b/ü")
        #expect(request.query.map(\.name) == ["collect[]", "collect[]", "flag", "empty", "plus"])
        #expect(request.query.map(\.value) == ["a", "b&c", "", "", "x y"])
        #expect(request.queryValues("collect[]") == ["a", "b&c"])
        #expect(request.header("X-ONE") == "1, 2")
        #expect(request.header("accept") == "*/*")
        #expect(request.header("X-Two") == nil)
        #expect(request.remoteAddress?.hasPrefix("127.0.0.1:") == true)
    }

    @Test(arguments: ["/nothing", "/hello/", "/HELLO", "/", "/hello%00", "/hello%00.html", "//hello", "/hello%"])
    func unknownPathIs404(_ path: String) throws {
        let server = try TestServer([.text("/hello", "Hi.\n")])
        let reply = try server.get(path)
        #expect(reply.status == 404)
        #expect(reply.header("X-Content-Type-Options") == "nosniff")
    }

    @Test(arguments: ["http://127.0.0.1/hello", "http://x:80/hello?a=b", "HTTP://x/hello"])
    func theTargetMayBeAbsolute(_ target: String) throws {
        let server = try TestServer([.text("/hello", "Hi.\n")])
        #expect(try server.get(target).status == (target.hasPrefix("http:") ? 200 : 404))
    }

    @Test func anotherMethodIs405() throws {
        let server = try TestServer([.text("/a", "a"), .text("/b", "get"), .text("/b", "post", methods: ["POST"])])
        let reply = try server.get("/a", method: "POST")
        #expect(reply.status == 405)
        #expect(reply.header("Allow") == "GET, HEAD")
        #expect(try server.get("/b", method: "DELETE").header("Allow") == "GET, HEAD, POST")
        #expect(try server.get("/b", method: "POST").text == "post")
        #expect(try server.get("/b", method: "get").status == 405)
        #expect(try server.get("/c", method: "DELETE").status == 404)
    }

    @Test func headHasTheLengthAndNoBody() throws {
        let server = try TestServer([.text("/hello", "Hi.\n")])
        let client = try server.connect()
        try client.send("HEAD", "/hello")
        let head = try client.reply(toHead: true)
        #expect(head.status == 200)
        #expect(head.header("Content-Length") == "4")
        // Had a body followed, this would read it instead of a status line.
        try client.send("GET", "/hello")
        #expect(try client.reply().text == "Hi.\n")
    }

    @Test func oneConnectionServesManyRequests() throws {
        let server = try TestServer([
            Route("/n") { request, responder in responder.respond(.text(200, request.remoteAddress ?? "?")) }
        ])
        let client = try server.connect()
        var peers: Set<String> = []
        for _ in 0..<20 {
            try client.send("GET", "/n")
            peers.insert(try client.reply().text)
        }
        #expect(peers.count == 1)
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() throws {
        let server = try TestServer([
            Route("/n") { request, responder in
                let name = request.queryValues("i").first ?? "?"
                onThread { responder.respond(.text(200, name)) }
            }
        ])
        let client = try server.connect()
        try client.send((0..<5).map { "GET /n?i=\($0) HTTP/1.1\r\nHost: x\r\n\r\n" }.joined())
        for index in 0..<5 { #expect(try client.reply().text == "\(index)") }
    }

    @Test(arguments: [
        ("POST", "/hello", ["Content-Length: 2"], "{}", 413),
        ("GET", "/hello", ["Content-Length: 2"], "{}", 413),
        ("POST", "/unknown", ["Content-Length: 2"], "{}", 413),
        ("POST", "/hello", ["Transfer-Encoding: chunked"], "2\r\n{}\r\n0\r\n\r\n", 413),
        ("POST", "/hello", ["Content-Length: 1000000", "Expect: 100-continue"], "", 413),
        ("POST", "/hello", ["Content-Length: 2", "Transfer-Encoding: chunked"], "2\r\n{}\r\n0\r\n\r\n", 400),
        ("POST", "/hello", ["transfer-encoding: chunked", "content-length: 0"], "0\r\n\r\n", 400),
        ("GET", "/hello", ["Content-Length: 0", "Content-Length: 0"], "", 400),
        ("POST", "/hello", ["Content-Length: 2", "Content-Length: 3"], "{}", 400),
        ("GET", "/hello", ["Content-Length: +2"], "{}", 400),
        ("GET", "/hello", ["Content-Length: x"], "", 400),
        ("GET", "/hello", ["Content-Length : 2"], "{}", 400),
        ("GET", "/hello", ["X Y: 2"], "", 400),
        ("GET", "/hello", ["X: a\rContent-Length: 2"], "{}", 400),
        ("GET", "/hello", ["Host: y"], "", 400),
        ("POST", "/hello", ["Transfer-Encoding: xchunked"], "0\r\n\r\n", 413),
        ("POST", "/hello", ["Transfer-Encoding: \u{0B}chunked"], "0\r\n\r\n", 400),
        ("POST", "/hello", ["Transfer-Encoding: gzip, chunked"], "0\r\n\r\n", 413),
        ("POST", "/hello", ["Content-Length: 5, 5"], "abcde", 400),
        ("POST", "/hello", ["Content-Length: 0x2"], "{}", 400),
        // Lines that libmicrohttpd does not take for what they are: folded ones, without a name, with a NUL.
        ("POST", "/hello", ["Transfer-Encoding:\r\n chunked"], "0\r\n\r\n", 400),
        ("POST", "/hello", ["Content-Length:\r\n\t2"], "{}", 400),
        ("POST", "/hello", ["A: b\r\n Content-Length: 2"], "{}", 400),
        ("GET", "/hello", [" Content-Length: 2"], "{}", 400),
        ("GET", "/hello", ["A: b\r\n "], "", 400),
        ("GET", "/hello", [": x", "Content-Length: 2"], "{}", 400),
        ("GET", "/hello", [":", "GET /hello HTTP/1.1"], "", 400),
        ("GET", "/hello", ["\0", "Content-Length: 2"], "{}", 400),
        ("GET", "/hello", ["\0A: b", "Content-Length: 2"], "{}", 400),
        ("GET", "/hello", ["A: b\0", "Content-Length: 2"], "{}", 400),
        ("GET", "/hello", ["A: b\0Content-Length: 2"], "{}", 400),
        ("GET", "/hello", ["A\0: b"], "", 400),
        ("GET", "/hello", ["Content-Length\0: 2"], "{}", 400),
    ])
    func bodiesAreRefused(
        _ method: String, _ path: String, _ headers: [String], _ content: String, _ status: Int
    ) throws {
        let server = try TestServer([.text("/hello", "Hi.\n", methods: ["GET", "POST"])])
        let client = try server.connect()
        try client.send(
            (["\(method) \(path) HTTP/1.1", "Host: x"] + headers).joined(separator: "\r\n") + "\r\n\r\n" + content
                + "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(try client.reply().status == status)
        // What follows could be the body or a request: nothing of it is answered.
        #expect(!client.remainder().contains("Hi."))
    }

    @Test func anEmptyBodyIsNone() throws {
        let server = try TestServer([.text("/-/reload", "ok", methods: ["POST"])])
        #expect(try server.get("/-/reload", method: "POST", headers: ["Content-Length: 0"]).text == "ok")
        #expect(try server.get("/-/reload", method: "POST").text == "ok")
    }

    @Test(arguments: [
        ("GET /hello", 400), ("GET /hello HTP/1.1", 400), ("GET /hello http/1.1", 400), ("GET /hello HTTP/11.1", 400),
        ("GET /hello HTTP/1.1 x", 400), ("GET /hello HTTP/2.0", 505), ("PRI * HTTP/2.0", 505), ("GET * HTTP/1.1", 404),
        ("CONNECT x:1 HTTP/1.1", 404), ("GET hello HTTP/1.1", 404), ("GET /hello#x HTTP/1.1", 404),
        ("GET /../hello HTTP/1.1", 404), ("GET /%2e%2e/hello HTTP/1.1", 404), ("GET /%zz HTTP/1.1", 404),
        ("TRACE /hello HTTP/1.1", 405), ("G\u{E9}T /hello HTTP/1.1", 405),
        (String(repeating: "A", count: 10_000) + " /hello HTTP/1.1", 405),
        ("GET /" + String(repeating: "a", count: 40_000) + " HTTP/1.1", 414),
    ])
    func malformedRequestsAreToldSo(_ line: String, _ status: Int) throws {
        let server = try TestServer([.text("/hello", "Hi.\n")])
        let client = try server.connect()
        try? client.send(line + "\r\nHost: x\r\n\r\n")
        #expect(try client.reply().status == status)
        #expect(try server.get("/hello").status == 200)
    }

    /// What is no HTTP is answered 400, or waited for until the time for a request is over, or the connection is closed.
    @Test(arguments: [
        "\u{16}\u{3}\u{1}\0\u{5}\u{1}\0\0\0\0", "\0\0\0\r\n\r\n", "\r\r\r\r", "{}\n\n", "GET\t/hello\tHTTP/1.1\r\n\r\n",
    ])
    func whatIsNoRequestHarmsNobody(_ text: String) throws {
        let server = try TestServer([.text("/hello", "Hi.\n")])
        let client = try server.connect()
        try client.send(text)
        #expect(try server.get("/hello").status == 200)
        client.close()
        #expect(try server.get("/hello").status == 200)
    }

    @Test(arguments: ["a b", "x/y", "x\"", "x\u{FC}", "a@b", "<x>"])
    func aMalformedHostIsRefused(_ host: String) throws {
        let server = try TestServer([.text("/hello", "Hi.\n")])
        let client = try server.connect()
        try client.send("GET /hello HTTP/1.1\r\nHost: \(host)\r\n\r\n")
        let reply = try client.reply()
        #expect(reply.status == 400 && reply.text == "Bad request: the Host is malformed.\n")
    }

    @Test(arguments: ["", "x", "x_y.example:80", "[2001:db8::1]:80", "[fe80::1%25eth0]:80", "192.0.2.1"])
    func aHostIsTaken(_ host: String) throws {
        let server = try TestServer([.text("/hello", "Hi.\n")])
        let client = try server.connect()
        try client.send("GET /hello HTTP/1.1\r\nHost: \(host)\r\n\r\n")
        #expect(try client.reply().status == 200)
    }

    /// However the bytes of a header come, it is known to be whole: the buffer grows while it is read.
    @Test(arguments: [1, 7, 1000, 100_000])
    func aHeaderMayComeInPieces(_ size: Int) throws {
        let server = try TestServer([
            Route("/count") { request, responder in responder.respond(.text(200, "\(request.headers.count)")) }
        ])
        let client = try server.connect()
        for fields in [0, 1, 60] {
            var text = "\r\nGET /count?a=b%20c&d HTTP/1.1\nHost:\t x \r\nEmpty:\r\nCookie: a=b; c=\"d\"\n"
            for field in 0..<fields {
                text +=
                    "X-Field-\(field): " + String(repeating: "y", count: size == 1 ? 20 : 200)
                    + (field % 2 == 0 ? "\r\n" : "\n")
            }
            let bytes = Array((text + "\r\n").utf8)
            for start in stride(from: 0, to: bytes.count, by: size) {
                try client.send(String(decoding: bytes[start..<min(start + size, bytes.count)], as: UTF8.self))
            }
            #expect(try client.reply().text == "\(fields + 3)")
        }
    }

    @Test func aRequestWithoutHostIsRefused() throws {
        let server = try TestServer([.text("/hello", "Hi.\n")])
        let client = try server.connect()
        try client.send("GET /hello HTTP/1.1\r\n\r\n")
        #expect(try client.reply().status == 400)
    }

    @Test func hugeHeadersAreRefused() throws {
        let server = try TestServer([.text("/hello", "Hi.\n")])
        let client = try server.connect()
        // The server may reset the connection before all of it is sent.
        try? client.send("GET", "/hello", ["X: " + String(repeating: "x", count: 100_000)])
        let status = (try? client.reply())?.status
        #expect(status == 431 || status == nil)
        #expect(try server.get("/hello").status == 200)
    }

    @Test func badAnswersAreMendedAndLogged() throws {
        let server = try TestServer([
            Route("/status") { _, responder in responder.respond(.text(99, "x")) },
            Route("/header") { _, responder in
                var response = Response.text(200, "x")
                response.headers.append((name: "X-Bad", value: "a\r\nSet-Cookie: b"))
                response.headers.append((name: "Content-Length", value: "12345"))
                responder.respond(response)
            },
        ])
        #expect(try server.get("/status").status == 500)
        let reply = try server.get("/header")
        #expect(reply.header("X-Bad") == nil)
        #expect(reply.header("Set-Cookie") == nil)
        #expect(reply.header("Content-Length") == "1")
        let log = server.log.current
        #expect(log.contains { $0.contains("99") })
        #expect(log.contains { $0.contains("X-Bad") })
        #expect(log.contains { $0.contains("Content-Length") })
    }

    @Test func curlUnpacksGzip() throws {
        let text = GzipCompressorTests.exposition
        let server = try TestServer([
            Route("/metrics") { request, responder in
                var response = Response.text(200, text)
                if AcceptEncoding(request.header("Accept-Encoding")).prefersGzip,
                    let packed = try? GzipCompressor().compress(Array(text.utf8).span)
                {
                    response.body = packed
                    response.headers.append((name: "Content-Encoding", value: "gzip"))
                }
                responder.respond(response)
            }
        ])
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
        process.arguments = [
            "--silent", "--noproxy", "*", "--max-time", "20", "--compressed", "--write-out", "%{size_download}",
            "http://127.0.0.1:\(server.port)/metrics",
        ]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let received = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(received.hasPrefix(text))
        let size = try #require(Int(received.dropFirst(text.count)))
        #expect(size * 5 < text.utf8.count)
    }

    @Test func twoRoutesForOneRequestAreRefused() throws {
        let socket = try ListenSocket(.loopback)
        let error = try #require(throws: WebError.self) {
            _ = try Server(listeners: [socket], routes: [.text("/a", "1"), .text("/a", "2", methods: ["HEAD"])])
        }
        #expect(error == .duplicateRoute(method: "HEAD", path: "/a"))
    }
}

import NetnsCore
import NetnsSystem
import Testing

@testable import Agent

/// What a command line may name as a target.
@Suite struct DiagnosisTargetTests {
    private static func request(
        _ text: String, kind: Probe.Kind? = nil, query: String? = nil, probes: [Probe] = []
    ) throws -> DiagnosisRequest {
        try DiagnosisTarget.request(text, .init(kind: kind, query: query), probes: probes)
    }

    @Test func words() throws {
        #expect(try Self.request("gateway").target == .gateway)
        #expect(try Self.request("peer").kind == .icmp)
        #expect(try Self.request("resolver").kind == .dns)
        #expect(try Self.request("host", query: "a.test").kind == .dns)
    }

    @Test(
        arguments: [
            ("198.18.1.1", "198.18.1.1", nil), ("198.18.1.1:80", "198.18.1.1", 80),
            ("[2001:db8::1]:80", "2001:db8::1", 80),
            ("2001:db8::1", "2001:db8::1", nil), ("[2001:db8::1]", "2001:db8::1", nil),
        ] as [(String, String, UInt16?)]) func addresses(_ text: String, _ address: String, _ port: UInt16?) throws
    {
        let request = try Self.request(text)
        #expect(try request.target == .address(#require(IPAddress(address))))
        #expect(request.port == port)
        #expect(request.kind == (port == nil ? .icmp : .tcp))
    }

    @Test func names() throws {
        #expect(try Self.request("db.test").target == .name("db.test"))
        #expect(try Self.request("db.test:5432").port == 5432)
    }

    @Test(arguments: [
        "", "198.18.1", "198.18.1.1:0", "198.18.1.1:65536", "[198.18.1.1]:80", "[2001:db8::1", "a b", "a/b", "x:y",
        ":80",
        "a\u{1B}[31m",
    ]) func nonsense(_ text: String) {
        let error = #expect(throws: Failure.self) { try Self.request(text) }
        #expect(error?.description.contains("\u{1B}") == false)
    }

    @Test func whatDoesNotFit() {
        #expect(throws: Failure.self) { try Self.request("198.18.1.1", kind: .tcp) }
        #expect(throws: Failure.self) { try Self.request("198.18.1.1:80", kind: .icmp) }
        #expect(throws: Failure.self) { try Self.request("resolver", query: "a b") }
    }

    @Test func probes() throws {
        let probe = Probe(name: "api", kind: .tcp, target: .host("198.18.1.9", port: 443), timeout: 0.5)
        let request = try Self.request("api", probes: [probe])
        #expect(try request.target == .address(#require(IPAddress("198.18.1.9"))))
        #expect(request.port == 443 && request.kind == .tcp && request.timeout == 0.5 && request.text == "api")
        #expect(try Self.request("api").target == .name("api"))
    }
}

import Testing
import Web

@Suite struct ListenAddressTests {
    struct Good: Sendable {
        let text: String
        let host: ListenAddress.Host
        let port: UInt16
        var canonical: String?
    }

    @Test(arguments: [
        Good(text: "127.0.0.1:10124", host: .ipv4("127.0.0.1"), port: 10124),
        Good(text: "0.0.0.0:1", host: .ipv4("0.0.0.0"), port: 1),
        Good(text: "[::1]:10124", host: .ipv6("::1", zone: nil), port: 10124),
        Good(text: "[::]:65535", host: .ipv6("::", zone: nil), port: 65535),
        Good(text: "[::ffff:10.0.0.1]:80", host: .ipv6("::ffff:10.0.0.1", zone: nil), port: 80),
        Good(text: "[fe80::1%eth0]:9", host: .ipv6("fe80::1", zone: "eth0"), port: 9),
        Good(text: "[fe80::1%2]:9", host: .ipv6("fe80::1", zone: "2"), port: 9),
        Good(text: ":10124", host: .any, port: 10124),
        Good(text: "10124", host: .any, port: 10124, canonical: ":10124"),
        Good(text: ":0", host: .any, port: 0),
        Good(text: "0", host: .any, port: 0, canonical: ":0"),
        Good(text: "localhost:10124", host: .name("localhost"), port: 10124),
        Good(text: "node-1.example_x.org:9100", host: .name("node-1.example_x.org"), port: 9100),
        Good(text: "127.0.0.1:0", host: .ipv4("127.0.0.1"), port: 0),
        Good(text: ":00080", host: .any, port: 80, canonical: ":80"),
    ])
    func parses(_ good: Good) throws {
        let address = try ListenAddress(parsing: good.text)
        #expect(address.host == good.host)
        #expect(address.port == good.port)
        #expect(address.description == good.canonical ?? good.text)
        #expect(try ListenAddress(parsing: address.description) == address)
    }

    static let bad: [(String, ListenAddressError.Problem)] = [
        ("", .empty),
        ("1.2.3.4", .missingPort),
        ("1.2.3.4:", .missingPort),
        ("host", .missingPort),
        ("host:", .missingPort),
        (":", .missingPort),
        ("[::1]", .missingPort),
        ("[::1]:", .missingPort),
        ("[::1]80", .missingPort),
        (":99999", .badPort("99999")),
        (":65536", .badPort("65536")),
        ("65536", .badPort("65536")),
        (":-1", .badPort("-1")),
        (":+1", .badPort("+1")),
        (":0x50", .badPort("0x50")),
        ("127.0.0.1: 80", .badPort(" 80")),
        (":80 ", .badPort("80 ")),
        (":http", .badPort("http")),
        (":٣", .badPort("٣")),
        ("[::1]:port", .badPort("port")),
        ("::1:80", .unbracketedIPv6),
        ("::1", .unbracketedIPv6),
        ("fe80::1%eth0:9", .unbracketedIPv6),
        ("a:b:c", .unbracketedIPv6),
        ("[::1:80", .unclosedBracket),
        ("[", .unclosedBracket),
        ("[]:80", .badIPv6("")),
        ("[1.2.3.4]:80", .badIPv6("1.2.3.4")),
        ("[::g]:80", .badIPv6("::g")),
        ("[fe80::1%]:80", .badIPv6("fe80::1%")),
        ("1.2.3:80", .badIPv4("1.2.3")),
        ("1.2.3.256:80", .badIPv4("1.2.3.256")),
        ("1.2.3.4.5:80", .badIPv4("1.2.3.4.5")),
        ("80:80", .badIPv4("80")),
        ("*:80", .badName("*")),
        ("a b:80", .badName("a b")),
        ("-a:80", .badName("-a")),
        ("user@host:80", .badName("user@host")),
        ("unix:run/x", .unixSocket),
        ("unix:/run/x/", .badPath),
        ("unix:/" + String(repeating: "x", count: 107), .badPath),
        ("/run/x", .unixSocket),
        ("@abstract", .unixSocket),
        ("http://localhost:80", .url),
        ("localhost:80/metrics", .url),
    ]

    @Test(arguments: bad) func refuses(_ text: String, _ problem: ListenAddressError.Problem) throws {
        let error = try #require(throws: ListenAddressError.self) { try ListenAddress(parsing: text) }
        #expect(error.problem == problem)
        #expect(error.input == text)
        #expect(error.description.hasPrefix("bad listen address '\(text)': "))
        #expect(error.description.contains("; write ") || error.description.contains("port; write "))
        #expect(!error.description.contains("\n"))
    }

    @Test(arguments: [
        ("::1:80", "write [::1]:80"),
        ("fe80::1%eth0:9", "write [fe80::1%eth0]:9"),
        ("a:b:c", "write [::1]:10124"),
        ("1.2.3.4", "write for example 1.2.3.4:10124"),
        ("host:", "write for example host:10124"),
        ("[::1]", "write for example [::1]:10124"),
        ("/run/x", "unix:/run/netdrift.sock"),
    ])
    func suggestsWhatWasMeant(_ text: String, _ suggestion: String) throws {
        let error = try #require(throws: ListenAddressError.self) { try ListenAddress(parsing: text) }
        #expect(error.description.contains(suggestion), "\(error)")
    }
}

import Foundation
import Testing

@testable import Web

@Suite("who is let in") struct SecurityTests {
    @Test(
        "user and password of an Authorization header",
        arguments: [
            ("Basic dTpw", "u", "p"), ("basic dTpw", "u", "p"), ("Basic   dTpw", "u", "p"), ("Basic dTo=", "u", ""),
            ("Basic dTo", "u", ""), ("Basic Og==", "", ""), ("Basic dTpwOnE=", "u", "p:q"),
            ("Basic w7w6w7Y=", "ü", "ö"),
        ])
    func credentials(_ header: String, _ user: String, _ password: String) throws {
        let found = try #require(BasicCredentials(header: header))
        #expect(found.user == user && found.password == Array(password.utf8))
    }

    @Test(
        "what is no such header",
        arguments: [
            "", "Basic", "Basic ", "dTpw", "Bearer dTpw", "Basic dTpw=", "Basic dTpw==", "Basic d", "Basic dT",
            "Basic d=pw",
            "Basic dTpw dTpw", "Basic ====", "Basic _-_-", "Basic /zpw", "Basicd TpwTpw",
        ])
    func noCredentials(_ header: String) { #expect(BasicCredentials(header: header) == nil) }

    @Test("any bytes at all are credentials or none, and never the end of us")
    func mutations() {
        var state: UInt64 = 42
        func next() -> UInt8 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 33)
        }
        for length in 0..<3000 {
            let bytes = (0..<length % 64).map { _ in next() }
            let text = String(decoding: bytes, as: UTF8.self)
            _ = BasicCredentials(header: "Basic " + text)
            // What was encoded comes back.
            let pair = "user:" + text
            let encoded = Data(pair.utf8).base64EncodedString()
            #expect(BasicCredentials(header: "Basic \(encoded)")?.password == Array(text.utf8))
        }
    }

    @Test(
        "hashes that are none",
        arguments: [
            "", "secret", "$1$salt$hash", "$2y$04$short", "$2x$10$" + String(repeating: "a", count: 53),
            "$2y$99$" + String(repeating: "a", count: 53), "$2y$03$" + String(repeating: "a", count: 53),
            "$2y$10$" + String(repeating: "!", count: 53), "$2y$1a$" + String(repeating: "a", count: 53),
            "$2y$10$" + String(repeating: "a", count: 54),
        ])
    func noHash(_ text: String) { #expect(PasswordHash(text) == nil) }

    @Test("a hash of nobody's costs as much as the dearest, and nobody has it")
    func nobody() throws {
        let filling = String(repeating: "a", count: 53)
        let hashes = try [4, 6].map { try #require(PasswordHash("$2y$0\($0)$\(filling)")) }
        let nobody = PasswordHash.ofNobody(like: hashes)
        #expect(nobody.cost == 6 && PasswordHash(nobody.text) == nobody)
        for password in ["", "secret", filling] { #expect(!nobody.matches(Array(password.utf8))) }
    }

    @Test("failures are forgiven one by one")
    func throttle() {
        var throttle = LoginThrottle(burst: 3, interval: .seconds(6), maximumAddresses: 2)
        let start = ContinuousClock.now
        for _ in 0..<2 { throttle.failed("a", at: start) }
        #expect(throttle.wait("a", at: start) == nil)
        throttle.failed("a", at: start)
        #expect(throttle.wait("a", at: start) == 6)
        #expect(throttle.wait("b", at: start) == nil)
        #expect(throttle.wait("a", at: start + .seconds(3)) == 3)
        #expect(throttle.wait("a", at: start + .seconds(6)) == nil)
        // A third address: who has been quiet for longest is forgotten.
        throttle.failed("b", at: start + .seconds(1))
        throttle.failed("c", at: start + .seconds(2))
        #expect(throttle.wait("a", at: start + .seconds(2)) == nil)
    }

    @Test("suites that would come along unasked")
    func suites() {
        #expect(TLSSettings.unlistedSuites(of: [.rsaAES128, .rsaAES256]).isEmpty)
        #expect(TLSSettings.unlistedSuites(of: [.rsaAES128, .ecdsaAES256]) == [.rsaAES256, .ecdsaAES128])
        #expect(TLSSettings.unlistedSuites(of: []).isEmpty)
    }

    @Test("what is no certificate or key is told apart")
    func badPEM() {
        #expect(throws: TLSError.self) { try TLSContext(TLSSettings(certificate: [], key: [])) }
        #expect(throws: TLSError.self) {
            try TLSContext(TLSSettings(certificate: Array("-----BEGIN CERTIFICATE-----\nAAAA\n".utf8), key: [0, 1, 2]))
        }
    }
}

import TestSupport
import Testing
import Web

@Suite struct AcceptEncodingTests {
    struct Case: Sendable {
        let header: String?
        let gzip: Bool
        var identityRefused = false
        /// Where it differs from `gzip`: accepted, and less wanted than the unencoded form.
        var prefersGzip: Bool?
    }

    @Test(arguments: [
        Case(header: nil, gzip: false),
        Case(header: "", gzip: false),
        Case(header: "gzip", gzip: true),
        Case(header: "GZip", gzip: true),
        Case(header: "x-gzip", gzip: true),
        Case(header: "X-GZIP;Q=0.1", gzip: true),
        Case(header: "gzip;q=0", gzip: false),
        Case(header: "gzip;q=0.000", gzip: false),
        Case(header: "gzip;q=0.001", gzip: true),
        Case(header: "gzip;q=1.000", gzip: true),
        Case(header: "gzip ; q = 0", gzip: false),
        Case(header: "\t gzip\t;\tq=0.5 ,  br", gzip: true),
        Case(header: "deflate, br", gzip: false),
        Case(header: "br, gzip", gzip: true),
        Case(header: "gzip, gzip;q=0", gzip: false),
        Case(header: "gzip;q=0, x-gzip", gzip: false),
        Case(header: "*", gzip: true),
        Case(header: "*;q=0", gzip: false, identityRefused: true),
        Case(header: "*;q=0, gzip", gzip: true, identityRefused: true),
        Case(header: "*;q=0, identity", gzip: false),
        Case(header: "gzip;q=0, *", gzip: false),
        Case(header: "*, gzip;q=0", gzip: false),
        Case(header: "identity", gzip: false),
        Case(header: "identity;q=0", gzip: false, identityRefused: true),
        Case(header: "gzip, identity;q=0", gzip: true, identityRefused: true),
        Case(header: "identity;q=1, gzip;q=0.5", gzip: true, prefersGzip: false),
        Case(header: "identity;q=0.5, gzip;q=0.5", gzip: true),
        Case(header: "gzip;q=0.5, *;q=1", gzip: true),
        Case(header: "gzip, deflate, br, zstd", gzip: true),
        // Not after the grammar: the element does not count.
        Case(header: "gzip;q=1.001", gzip: false),
        Case(header: "gzip;q=2", gzip: false),
        Case(header: "gzip;q=-1", gzip: false),
        Case(header: "gzip;q=0.1234", gzip: false),
        Case(header: "gzip;q=", gzip: false),
        Case(header: "gzip;q", gzip: false),
        Case(header: "gzip;", gzip: false),
        Case(header: "gzip;q=abc", gzip: false),
        Case(header: "gzip;q=.5", gzip: false),
        Case(header: "gzip;q=1.", gzip: true),
        Case(header: "gz ip", gzip: false),
        Case(header: ";q=1", gzip: false),
        Case(header: ",,,", gzip: false),
        Case(header: ",gzip,,", gzip: true),
        Case(header: "gzip;level=9", gzip: true),
        Case(header: "gzip;level=9;q=0", gzip: false),
        Case(header: "=;=,\u{0}\u{FFFD};;;q==", gzip: false),
        Case(header: "gzipped", gzip: false),
    ])
    func reads(_ one: Case) {
        let accepted = AcceptEncoding(one.header)
        #expect(accepted.acceptsGzip == one.gzip)
        #expect(accepted.refusesIdentity == one.identityRefused)
        #expect(accepted.prefersGzip == one.prefersGzip ?? one.gzip)
    }

    /// Any bytes: no crash, and weights stay within their range.
    @Test func survivesNoise() {
        var generator = SplitMix64(seed: 20_260_101)
        let alphabet = Array("gzip-x*identity;q=0.15,, \t\u{0}é".utf8)
        for _ in 0..<20_000 {
            let length = Int(generator.next() % 24)
            let bytes = (0..<length).map { _ in alphabet[Int(generator.next() % UInt64(alphabet.count))] }
            let accepted = AcceptEncoding(String(decoding: bytes, as: UTF8.self))
            #expect((0...1000).contains(accepted.gzipWeight ?? 0))
            #expect((0...1000).contains(accepted.identityWeight ?? 0))
        }
    }
}

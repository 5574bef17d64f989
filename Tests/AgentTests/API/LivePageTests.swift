import Foundation
import Testing
import Web

@testable import Agent

@Suite struct LivePageTests {
    private static func request(_ headers: [(name: String, value: String)] = []) -> Request {
        Request(path: "/", headers: headers)
    }

    private static func header(_ name: String, _ response: Response) -> String? {
        response.headers.first { $0.name == name }?.value
    }

    private static func page() throws -> LivePage {
        try LivePage(
            template: Array("<a>@VERSION@<style>@STYLE@</style><script>@SCRIPT@</script>".utf8),
            style: Array("b{}".utf8), scripts: [Array("c();\n".utf8), Array("d();\n".utf8)])
    }

    @Test func oneFileOfAll() throws {
        let page = try Self.page()
        let script = "\"use strict\";\n(() => {\nc();\nd();\n})();\n"
        #expect(
            String(decoding: page.html, as: UTF8.self)
                == "<a>\(Version.number)<style>b{}</style><script>\(script)</script>")
        let hash = Data(SHA256.hash(Array(script.utf8))).base64EncodedString()
        #expect(page.policy.contains("script-src 'sha256-\(hash)';"))
        #expect(page.policy.hasPrefix("default-src 'none';"))
        for word in ["unsafe", "http", "*", "script-src 'self'"] { #expect(!page.policy.contains(word)) }
    }

    @Test func aTemplateWithoutItsPlacesIsRefused() {
        for template in ["", "@VERSION@@SCRIPT@@STYLE@", "@VERSION@@STYLE@"] {
            #expect(throws: Failure.self) {
                try LivePage(template: Array(template.utf8), style: [], scripts: [])
            }
        }
    }

    @Test func theAgentsOwn() throws {
        let html = String(decoding: try LivePage().html, as: UTF8.self)
        #expect(!html.contains("@VERSION@") && !html.contains("@STYLE@") && !html.contains("@SCRIPT@"))
        // One script and one style, which end where they should, and nothing that the policy forbids or that asks outside.
        #expect(
            html.components(separatedBy: "<script").count == 2 && html.components(separatedBy: "</script").count == 2)
        #expect(html.components(separatedBy: "<style").count == 2 && html.components(separatedBy: "</style").count == 2)
        for forbidden in [
            "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", " onclick=", " style=",
        ] {
            #expect(!html.contains(forbidden), "\(forbidden)")
        }
        let addresses = html.matches(of: /https?:\/\/[^\s'"]+/).map { String($0.output) }
        #expect(Set(addresses) == ["http://www.w3.org/2000/svg"])
    }

    @Test func answers() throws {
        let page = try Self.page()
        let plain = page.response(to: Self.request())
        #expect(plain.status == 200 && Self.header("Content-Encoding", plain) == nil)
        #expect(plain.body.count == page.html.count)
        let packed = page.response(to: Self.request([(name: "Accept-Encoding", value: "br, gzip")]))
        #expect(Self.header("Content-Encoding", packed) == "gzip")
        for response in [plain, packed] {
            #expect(Self.header("ETag", response) == page.entityTag)
            #expect(Self.header("Vary", response) == "Accept-Encoding")
            #expect(Self.header("Content-Security-Policy", response) == page.policy)
            #expect(Self.header("Referrer-Policy", response) == "no-referrer")
            #expect(Self.header("X-Frame-Options", response) == "DENY")
        }
        for known in [page.entityTag, "W/\(page.entityTag)", "\"x\", \(page.entityTag) ", "*"] {
            let response = page.response(to: Self.request([(name: "If-None-Match", value: known)]))
            #expect(response.status == 304 && response.body.count == 0, "\(known)")
            #expect(Self.header("ETag", response) == page.entityTag)
        }
        for other in ["\"x\"", "", "\(page.entityTag)x", String(page.entityTag.dropFirst())] {
            #expect(page.response(to: Self.request([(name: "If-None-Match", value: other)])).status == 200, "\(other)")
        }
    }
}

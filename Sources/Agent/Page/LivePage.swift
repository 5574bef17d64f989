internal import FoundationEssentials
internal import Web

/// The page at `/`: one file, made of those in `Page/`, with everything it needs in it.
///
/// The sources are embedded by SwiftPM (`.embedInCode`), so that what is served is what lies in the repository without a
/// step between, and the binary needs no file beside it. Its script and its style are named by their hashes in the
/// Content-Security-Policy: nothing else runs, whatever a namespace is called.
struct LivePage: Sendable {
    /// The page.
    let html: [UInt8]
    /// A name for these bytes: what a browser that has them asks with.
    let entityTag: String
    /// What the page may do.
    let policy: String

    private let plain: Body
    private let packed: Body

    /// The page of this agent.
    init() throws {
        try self.init(
            template: PackageResources.page_html, style: PackageResources.page_css,
            scripts: [
                PackageResources.core_js, PackageResources.data_js, PackageResources.fleet_js,
                PackageResources.drift_js, PackageResources.namespace_js, PackageResources.charts_js,
                PackageResources.path_js, PackageResources.topology_js, PackageResources.start_js,
            ])
    }

    /// A page of a template, in which `@STYLE@`, `@SCRIPT@` and `@VERSION@` stand for the rest.
    init(template: [UInt8], style: [UInt8], scripts: [[UInt8]]) throws {
        // One scope of its own, in strict mode: the files are parts of one script.
        let script = Array("\"use strict\";\n(() => {\n".utf8) + scripts.joined() + Array("})();\n".utf8)
        let page = try Self.filled(
            template,
            [("@VERSION@", Array(Version.number.utf8)), ("@STYLE@", style), ("@SCRIPT@", script)])
        policy = [
            "default-src 'none'", "script-src '\(Self.source(script))'", "style-src '\(Self.source(style))'",
            "img-src data:", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
            "require-trusted-types-for 'script'", "trusted-types 'none'",
        ].joined(separator: "; ")
        entityTag = "\"\(Data(SHA256.hash(page).prefix(12)).base64EncodedString())\""
        html = page
        plain = Body(copying: page)
        packed = try GzipCompressor(level: 9).compress(page.span)
    }

    /// The answer to a request for the page.
    func response(to request: Request) -> Response {
        var headers = [
            (name: "Content-Type", value: "text/html; charset=utf-8"), (name: "ETag", value: entityTag),
            // To be asked for each time, and sent only when it is another.
            (name: "Cache-Control", value: "no-cache"), (name: "Vary", value: "Accept-Encoding"),
            (name: "Content-Security-Policy", value: policy), (name: "Referrer-Policy", value: "no-referrer"),
            (name: "X-Frame-Options", value: "DENY"), (name: "Cross-Origin-Resource-Policy", value: "same-origin"),
        ]
        if Self.matches(request.header("If-None-Match"), entityTag) {
            return Response(status: 304, headers: headers, body: Body(copying: []))
        }
        guard AcceptEncoding(request.header("Accept-Encoding")).prefersGzip else {
            return Response(status: 200, headers: headers, body: plain)
        }
        headers.append((name: "Content-Encoding", value: "gzip"))
        return Response(status: 200, headers: headers, body: packed)
    }

    /// Whether a client has it already (RFC 9110, section 13.1.2: compared weakly).
    private static func matches(_ field: String?, _ tag: String) -> Bool {
        guard let field else { return false }
        return field.split(separator: ",").contains { part in
            var part = part.drop { $0 == " " || $0 == "\t" }
            if part.hasPrefix("W/") { part = part.dropFirst(2) }
            while part.last == " " || part.last == "\t" { part.removeLast() }
            return part == tag || part == "*"
        }
    }

    /// `sha256-...`, as a policy names what lies inline.
    private static func source(_ content: [UInt8]) -> String {
        "sha256-\(Data(SHA256.hash(content)).base64EncodedString())"
    }

    /// The template with what its places stand for; each place is there once.
    private static func filled(_ template: [UInt8], _ places: [(name: String, content: [UInt8])]) throws -> [UInt8] {
        var rest = template[...]
        var page: [UInt8] = []
        for place in places {
            guard let range = rest.firstRange(of: Array(place.name.utf8)) else {
                throw Failure("the page has no place \(place.name), or not in its order")
            }
            page += rest[..<range.lowerBound] + place.content
            rest = rest[range.upperBound...]
        }
        return page + rest
    }
}

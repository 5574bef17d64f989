import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// What `make dist` makes.
    @Suite(
        .needs(
            .root, .environment("NETDRIFT_BINARY"), .tool("dpkg-shlibdeps"), .tool("go-md2man"), .tool("chrpath"),
            .tool("man")))
    struct ReleaseTests {
        private struct Components: Decodable {
            struct Component: Decodable {
                let name: String
                let version: String
                let purl: String
            }
            struct Metadata: Decodable { let component: Component }
            struct Dependency: Decodable {
                let ref: String
                let dependsOn: [String]
            }
            let bomFormat: String
            let specVersion: String
            let metadata: Metadata
            let components: [Component]
            let dependencies: [Dependency]
        }

        /// Runs a script of the release with the binary under test.
        private static func script(_ name: String, _ arguments: String...) throws -> String {
            let result = try Command.run(
                [Shipped.path("scripts/\(name)"), AgentProcess.binary] + arguments,
                environment: ["SOURCE_DATE_EPOCH": "1700000000"], timeout: 300)
            guard result.status == 0 else { throw Trouble("\(name): \(result.errors)") }
            return result.output
        }

        @Test("the same binary gives the same archive, which holds what a host needs")
        func archive() throws {
            let (first, second) = (try TemporaryDirectory(), try TemporaryDirectory())
            let listed = try Self.script("dist", first.path).split(separator: "\n").map(String.init)
            let names = listed.map { URL(fileURLWithPath: $0).lastPathComponent }
            let version = try #require(
                try AgentProcess.run(["--version"]).output.split(whereSeparator: \.isWhitespace).last)
            let architecture = try Command.check("uname", "-m").trimmingCharacters(in: .newlines)
            let archive = "netdrift-\(version)-linux-\(architecture).tar.gz"
            #expect(names.contains(archive) && names.contains("netdrift-\(version).cdx.json"))
            #expect(names.contains { $0.hasSuffix(".deb") } && names.last == "SHA256SUMS")
            let sums = try Command.run(["sh", "-c", "cd \"$1\" && sha256sum -c SHA256SUMS", "sh", first.path])
            #expect(sums.status == 0 && sums.output.split(separator: "\n").count == 4, "\(sums)")

            // Once more, and every file is the same.
            #expect(try Self.script("dist", second.path).split(separator: "\n").count == names.count)
            #expect(names.contains("netdrift-\(version).tgz"))
            for name in names {
                try Command.check("cmp", "\(first.path)/\(name)", "\(second.path)/\(name)")
            }

            try Command.check("tar", "-xzf", "\(first.path)/\(archive)", "--strip-components=1", "-C", second.path)
            let told = try Command.check("\(second.path)/usr/bin/netdrift", "--version")
            #expect(told == "netdrift \(version)\n")
            let program = try Command.check("readelf", "-dW", "\(second.path)/usr/bin/netdrift")
            #expect(program.contains("NEEDED") && !program.contains("RUNPATH") && !program.contains("RPATH"))
            // Neither where it was built, nor a library of Swift's that the host would have to have.
            #expect(!program.contains("libswift"))
            let strings = try Command.run([
                "grep", "-c", "--binary-files=text", "-F", Shipped.root, "\(second.path)/usr/bin/netdrift",
            ])
            #expect(strings.output == "0\n", "\(strings)")
            try components("\(first.path)/netdrift-\(version).cdx.json", of: String(version))
        }

        /// The list of components names what is in the program and what it is linked to.
        private func components(_ path: String, of version: String) throws {
            let list = try JSONDecoder().decode(Components.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
            #expect(list.bomFormat == "CycloneDX" && list.specVersion == "1.5")
            #expect(list.metadata.component.name == "netdrift" && list.metadata.component.version == version)
            let names = Set(list.components.map(\.name))
            #expect(
                names.isSuperset(of: [
                    "swift", "swift-argument-parser", "swift-log", "yams", "libmicrohttpd12", "libc6",
                ]))
            #expect(list.components.allSatisfy { !$0.version.isEmpty && $0.purl.hasPrefix("pkg:") })
            #expect(list.dependencies.first?.dependsOn.count == list.components.count)
            for component in list.components where component.purl.hasPrefix("pkg:deb/") {
                let installed = try Command.check("dpkg-query", "-W", "-f", "${Version}\n", component.name)
                #expect(installed.split(separator: "\n").contains { $0 == component.version })
            }
        }
    }
}

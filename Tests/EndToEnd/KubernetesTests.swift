import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// deploy/kubernetes, as far as it can be tried without a cluster.
    @Suite struct KubernetesTests {
        private static func text(_ name: String) throws -> String {
            try String(contentsOfFile: Shipped.path("deploy/kubernetes/\(name)"), encoding: .utf8)
        }

        @Test("the rules are those of deploy/prometheus", .needs(.tool("python3")))
        func rules() throws { try Command.check(Shipped.path("deploy/kubernetes/generate"), "--check") }

        @Test("the configuration is right, and every flag is one of the agent's")
        func agent() throws {
            try Command.check(AgentProcess.binary, "config", "check", Shipped.path("deploy/kubernetes/netdrift.yml"))
            let help = try Command.run([AgentProcess.binary, "serve", "--help"]).output
            let flags = try Self.text("daemonset.yaml").matches(of: /- (--[a-z.-]+)=/).map { String($0.1) }
            #expect(flags.count == 4)
            for flag in flags { #expect(help.contains(flag), "\(flag)") }
        }

        @Test("every resource is listed, and every listed one is there")
        func resources() throws {
            let directory = URL(fileURLWithPath: Shipped.path("deploy/kubernetes"))
            let files = Set(
                try FileManager.default.contentsOfDirectory(atPath: directory.path).filter { $0.hasSuffix(".yaml") })
            let listed = Set(try Self.text("kustomization.yaml").matches(of: /- ([a-z]+\.yaml)/).map { String($0.1) })
            #expect(listed == files.subtracting(["kustomization.yaml"]))
        }
    }
}

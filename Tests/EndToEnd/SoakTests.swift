import Foundation
import TestSupport
import Testing

extension EndToEnd {
    @Suite("a short soak") struct SoakTests {
        @Test(
            "among namespaces that come and go, every sample is true and none is held",
            .needs(.root, .tool("python3"), .tool("ip"), .tool("runc"), .tool("busybox")))
        func short() throws {
            let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent()
            let result = try Command.run(
                [
                    root.appendingPathComponent("scripts/soak").path, "--minutes", "0.4", "--json", "--binary",
                    AgentProcess.binary,
                ],
                timeout: 120)
            let report = try #require(
                try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any], "\(result.errors)")
            #expect(result.status == 0, "\(result.output) \(result.errors)")
            for empty in ["wrong", "missing", "ghosts", "held", "faults"] {
                #expect((report[empty] as? [Any])?.isEmpty == true, "\(empty): \(report[empty] ?? "none")")
            }
            // It did what it says it did.
            for (count, least) in [
                ("made", 150), ("changed", 10), ("scrapes", 10), ("samples_checked", 300), ("kills", 1),
                ("containers", 3), ("probes_checked", 20),
            ] {
                #expect((report[count] as? Int ?? 0) >= least, "\(count): \(report[count] ?? "none")")
            }
        }
    }
}

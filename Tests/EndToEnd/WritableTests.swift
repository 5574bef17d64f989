import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// Whether containers could change their own sysctls.
    @Suite(.needs(.root, .tool("runc"), .tool("busybox"))) struct WritableTests {
        @Test("by the mounts of the container; one that joined it is enough")
        func mounts() throws {
            let closed = try Container(keepalive: nil, readOnly: ["/proc/sys"])
            let open = try Container(keepalive: nil, beside: closed)
            let agent = try AgentProcess([
                "--path.runc=\(closed.root)", "--discovery.include=\(closed.id)*", "--discovery.include=\(open.id)",
            ])
            let metric = "netns_sysctl_writable"
            #expect(try agent.scrape().value(metric, ["netns": closed.id]) == 0)
            #expect(try agent.scrape().value(metric, ["netns": open.id]) == 1)
            #expect(try agent.scrape().series(metric).count == 2)

            let joined = try Container(
                keepalive: nil, network: .path("/proc/\(closed.pid)/ns/net"), beside: closed)
            #expect(try agent.scrape().value(metric, ["netns": closed.id]) == 1)
            joined.delete()
            #expect(try agent.scrape().value(metric, ["netns": closed.id]) == 0)
        }
    }
}

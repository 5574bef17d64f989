import TestSupport
import Testing

@testable import Agent

@Suite struct XfrmCollectorTests {
    @Test func whatTheKernelPrints() throws {
        let text = """
            XfrmInError             \t0
            XfrmInNoStates          \t7
            XfrmOutNoStates         \t18446744073709551615
            XfrmFwdHdrError         \t3
            XfrmOutPolBlock         \tx
            XfrmNewer               \t5
            XfrmAcquireError        \t12
            XfrmInPolError          \t1
            """
        #expect(
            try XfrmCollector.lines(["xfrm_stat": text]) == [
                "netns_xfrm_acquire_errors_total 12", "netns_xfrm_forward_errors_total 3",
                #"netns_xfrm_receive_errors_total{reason="error"} 0"#,
                #"netns_xfrm_receive_errors_total{reason="no_states"} 7"#,
                #"netns_xfrm_transmit_errors_total{reason="no_states"} 18446744073709551615"#,
            ])
        #expect(try XfrmCollector.lines(["xfrm_stat": ""]).isEmpty)
    }

    /// A packet that a policy blocks is one error in its namespace.
    @Test(.needs(.root, .tool("ip"), .tool("bash"))) func aRealNamespace() throws {
        let namespace = try NamedNamespace()
        try namespace.check("ip", "link", "add", "out", "type", "veth", "peer", "name", "far")
        try namespace.check("ip", "addr", "add", "198.18.7.2/24", "dev", "out")
        try namespace.check("ip", "link", "set", "out", "up")
        let blocked = #"netns_xfrm_transmit_errors_total{reason="pol_block"} "#
        let before = try XfrmCollector.lines(of: namespace)
        #expect(before.contains(blocked + "0"), "\(before)")
        try namespace.check(
            "ip", "xfrm", "policy", "add", "dst", "198.18.7.1/32", "dir", "out", "action", "block")
        // Refused, which is what is counted.
        _ = try? namespace.check("bash", "-c", "echo > /dev/udp/198.18.7.1/9")
        let after = try XfrmCollector.lines(of: namespace)
        #expect(after.contains(blocked + "1"), "\(after)")
    }
}

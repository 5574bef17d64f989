import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// From the kernel to a webhook, by the real Prometheus and Alertmanager with the files that are shipped.
    @Suite(
        .needs(
            .root, .tool("ip"), .tool("curl"), .tool("prometheus"), .tool("prometheus-alertmanager"), .tool("python3")))
    struct AlertTests {
        @Test("an interface that goes down is told, and that it came back; an agent that ends mutes the rest")
        func interfaceDown() throws {
            let wired = try WiredNamespace()
            let agent = try AgentProcess(["--discovery.include=\(wired.name)"])
            let stack = try AlertStack(scraping: try agent.listening())
            try Command.check("ip", "link", "set", wired.hostDevice, "down")

            let down = ["alertname": "NetdriftInterfaceDown", "netns": wired.name, "device": "eth0"]
            let alert = try stack.alert("firing", down)
            #expect(alert.labels["severity"] == "warning")
            #expect(alert.labels["job"] == "netdrift")
            #expect(alert.labels["instance"] == (try agent.listening()))
            #expect(Set(alert.labels.keys) == ["alertname", "severity", "job", "instance", "netns", "device"])
            #expect(alert.annotations["runbook_url"] == "docs/runbook.md#netdriftinterfacedown")
            #expect(alert.annotations["description"]?.contains("eth0 in namespace \(wired.name) on ") == true)

            try Command.check("ip", "link", "set", wired.hostDevice, "up")
            _ = try stack.alert("resolved", down)

            let empty = ["alertname": "NetdriftNamespaceWithoutProcess", "netns": wired.name]
            #expect(try stack.alert("firing", empty).labels["severity"] == "info")
            agent.kill()
            _ = try stack.alert("firing", ["alertname": "NetdriftAgentDown", "severity": "critical"])
            #expect(
                try eventually(within: 20) { try stack.isInhibited(empty) ? true : nil } == true)
            #expect(stack.stop())
        }

        @Test("drift is told with both values; the worse of two rules, and drift in many namespaces, mute the rest")
        func inhibition() throws {
            func drift(_ netns: String, _ sysctl: String, _ rule: String, _ severity: String, _ value: Int = 1)
                -> String
            {
                "netns_sysctl_drift{netns=\"\(netns)\",sysctl=\"\(sysctl)\",rule=\"\(rule)\",source=\"config\","
                    + "severity=\"\(severity)\"} \(value)"
            }
            let many = (1...4).map { drift("lab-\($0)", "net.core.somaxconn", "base", "warning") }
            let info =
                #"netns_sysctl_drift_info{netns="web \"1\"",sysctl="net.ipv4.tcp_keepalive_time",rule="keepalive","#
                + #"expected="600",actual="700"} 1"#
            let pod = #"netns_info{netns="web \"1\"",pod="web-0",pod_namespace="prod",container_id="c1"} 1"#
            let web = #"web \"1\""#
            let keepalive = "net.ipv4.tcp_keepalive_time"
            let exporter = try StubExporter(
                many + [
                    info, pod, drift(web, keepalive, "keepalive", "critical"), drift(web, keepalive, "hint", "info"),
                ])
            let stack = try AlertStack(scraping: exporter.address)

            let critical = ["alertname": "NetdriftSysctlDrift", "netns": #"web "1""#, "rule": "keepalive"]
            let alert = try stack.alert("firing", critical)
            #expect(alert.labels["severity"] == "critical")
            #expect(alert.labels["sysctl"] == keepalive)
            #expect(
                alert.annotations["description"]
                    == #"net.ipv4.tcp_keepalive_time in namespace web "1" on \#(exporter.address) is not what rule "#
                    + "keepalive (source: config) says. Expected: 600; actual: 700. Pod: prod/web-0.")
            let count = try stack.alert("firing", ["alertname": "NetdriftDriftInManyNamespaces"])
            #expect(count.labels["severity"] == "warning")
            #expect(count.annotations["description"]?.contains("in 4 namespaces") == true)

            for muted in [["netns": "lab-1"], ["netns": "lab-4"], ["rule": "hint"]] {
                let labels = muted.merging(["alertname": "NetdriftSysctlDrift"]) { $1 }
                #expect(try eventually(within: 20) { try stack.isInhibited(labels) ? true : nil } == true, "\(muted)")
            }
            #expect(try !stack.isInhibited(critical))

            try exporter.serve([pod, drift(web, keepalive, "keepalive", "critical", 0)])
            _ = try stack.alert("resolved", critical)
            #expect(stack.stop())
        }

        @Test(
            "a declared sysctl that is changed from the host is told, and that it was put back",
            .needs(.tool("runc"), .tool("busybox"), .tool("nsenter")))
        func declaredDrift() throws {
            let container = try Container(keepalive: 600)
            let agent = try AgentProcess(["--path.runc=\(container.root)", "--discovery.include=\(container.id)"])
            let stack = try AlertStack(scraping: try agent.listening())
            func set(_ value: Int) throws {
                try Command.check(
                    "nsenter", "--target", "\(container.pid)", "--net", "sh", "-c",
                    "echo \(value) > /proc/sys/net/ipv4/tcp_keepalive_time")
            }
            try set(700)

            let drift = [
                "alertname": "NetdriftSysctlDrift", "netns": container.id, "sysctl": "net.ipv4.tcp_keepalive_time",
            ]
            let alert = try stack.alert("firing", drift)
            #expect(alert.labels["severity"] == "critical")
            #expect(alert.labels["rule"] == "as-declared")
            #expect(alert.labels["source"] == "declared")
            #expect(
                Set(alert.labels.keys) == [
                    "alertname", "severity", "job", "instance", "netns", "sysctl", "rule", "source",
                ])
            let description = alert.annotations["description"] ?? ""
            #expect(description.contains("Expected: 600; actual: 700."))
            #expect(description.contains("Container: \(container.id)."))
            // Who wrote it, where writes are heard: the shell that nsenter became.
            if try agent.scrape().value("netdrift_writes_info", ["state": "on"]) == 1 {
                let quotation = /Last written from host by sh \(pid [0-9]+, uid 0, user root\): 600 to 700\./
                #expect(description.contains(quotation), "\(description)")
            }
            // The one for each container comes beside it.
            _ = try stack.alert("firing", ["alertname": "NetdriftDeclaredDrift", "netns": container.id])

            try set(600)
            _ = try stack.alert("resolved", drift)
            #expect(stack.stop())
        }
    }
}

import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// deploy/kubernetes and deploy/helm, as far as they can be tried without a cluster.
    @Suite(.needs(.tool(Shipped.toolPython), .tool(Shipped.kubectl)))
    struct KubernetesTests {
        private static let base = Shipped.path("deploy/kubernetes")
        private static let chart = Shipped.path("deploy/helm/netdrift")

        /// An object of Kubernetes, asked by paths: `spec.template.spec.hostPID`.
        private struct Object {
            let value: [String: Any]
            var kind: String { self["kind"] as? String ?? "" }
            var name: String { self["metadata.name"] as? String ?? "" }

            subscript(path: String) -> Any? {
                path.split(separator: ".").reduce(value as Any?) { found, key in
                    if let list = found as? [Any], let index = Int(key) {
                        return list.indices.contains(index) ? list[index] : nil
                    }
                    return (found as? [String: Any])?[String(key)]
                }
            }

            func texts(_ path: String) -> [String] { self[path] as? [String] ?? [] }

            /// What is at the path as JSON with its keys in order, for a comparison.
            func json(_ path: String) throws -> String {
                let data = try JSONSerialization.data(
                    withJSONObject: try #require(self[path]),
                    options: [.sortedKeys, .fragmentsAllowed, .withoutEscapingSlashes])
                return String(decoding: data, as: UTF8.self)
            }
        }

        /// What Tests/Kubernetes/check says.
        private static func check(_ arguments: [String]) throws -> Command.Result {
            try Command.run([Shipped.toolPython, Shipped.path("Tests/Kubernetes/check")] + arguments, timeout: 300)
        }

        /// Renders, validates, and gives what would be applied.
        private static func objects(_ arguments: String...) throws -> [Object] {
            let result = try check(arguments)
            guard result.status == 0 else { throw Trouble("\(arguments): \(result.errors)") }
            let list = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: Any]]
            return try #require(list).map { Object(value: $0) }
        }

        /// The agent's pod in what was rendered.
        private static func daemonSet(_ objects: [Object]) throws -> Object {
            try #require(objects.first { $0.kind == "DaemonSet" })
        }

        private static let container = "spec.template.spec.containers.0"
        private static let kinds = [
            "ConfigMap", "ConfigMap", "ConfigMap", "ConfigMap", "ConfigMap", "ConfigMap", "DaemonSet", "NetworkPolicy",
            "PodMonitor", "PrometheusRule", "Service", "ServiceAccount",
        ]

        @Test("what is generated is current: rules, dashboards, version, schema", .needs(.tool("python3")))
        func generated() throws {
            try Command.check(Shipped.path("deploy/kubernetes/generate"), "--check")
            try Command.check(Shipped.path("deploy/helm/generate"), "--check")
            let version = try AgentProcess.run(["--version"]).output.split(whereSeparator: \.isWhitespace).last
            let chart = try Shipped.text("deploy/helm/netdrift/Chart.yaml")
            #expect(chart.contains("\nversion: \(try #require(version))\n"))
            // A dashboard more is one in the kustomization too.
            let dashboards = try FileManager.default.contentsOfDirectory(atPath: Shipped.path("dashboards/grafana"))
                .filter { $0.hasSuffix(".json") }
            let listed = try Shipped.text("dashboards/grafana/kustomization.yaml").matches(of: /files: \[(\S+)\]/)
                .map { String($0.1) }
            #expect(Set(listed) == Set(dashboards) && listed.count == dashboards.count)
        }

        @Test("every version of Kubernetes takes the base and the chart, and both are the same agent")
        func same() throws {
            let base = try Self.objects("kustomize", Self.base, "--all")
            let chart = try Self.objects("helm", Self.chart, "--all")
            #expect(base.map(\.kind).sorted() == (Self.kinds + ["Namespace"]).sorted())
            #expect(chart.map(\.kind).sorted() == Self.kinds)

            let (one, other) = (try Self.daemonSet(base), try Self.daemonSet(chart))
            for path in [
                "spec.updateStrategy", "spec.template.spec.hostPID", "spec.template.spec.hostNetwork",
                "spec.template.spec.tolerations", "spec.template.spec.priorityClassName",
                "spec.template.spec.nodeSelector", "spec.template.spec.automountServiceAccountToken",
                "spec.template.spec.volumes.1", "\(Self.container).args", "\(Self.container).ports",
                "\(Self.container).securityContext", "\(Self.container).resources",
                "\(Self.container).volumeMounts", "\(Self.container).startupProbe",
                "\(Self.container).readinessProbe", "\(Self.container).livenessProbe",
            ] { #expect(try one.json(path) == other.json(path), "\(path)") }
            for (kind, paths) in [
                ("PrometheusRule", ["spec"]), ("PodMonitor", ["spec.podMetricsEndpoints", "spec.jobLabel"]),
                ("NetworkPolicy", ["spec.ingress", "spec.policyTypes"]),
                ("Service", ["spec.ports", "spec.clusterIP"]),
                ("ServiceAccount", ["automountServiceAccountToken"]),
            ] {
                let pair = try [base, chart].map { list in try #require(list.first { $0.kind == kind }) }
                // YAML that is folded once more gains line ends within an expression.
                for path in paths {
                    let texts = try pair.map { try $0.json(path).replacing(/(\\n|\s)+/, with: " ") }
                    #expect(texts[0] == texts[1], "\(kind) \(path)")
                }
            }
            for objects in [base, chart] { try holdsTogether(objects) }
        }

        /// What Kubernetes does not tell: names and labels that lead nowhere.
        private func holdsTogether(_ objects: [Object]) throws {
            let agent = try Self.daemonSet(objects)
            let labels = try #require(agent["spec.template.metadata.labels"] as? [String: String])
            #expect(labels["app.kubernetes.io/name"] == "netdrift")
            for path in ["spec.selector.matchLabels", "spec.selector", "spec.podSelector.matchLabels"] {
                for object in objects {
                    guard let selector = object[path] as? [String: String] else { continue }
                    #expect(!selector.isEmpty && selector.allSatisfy { labels[$0.key] == $0.value }, "\(object.name)")
                }
            }
            let names = Set(objects.map { "\($0.kind)/\($0.name)" })
            let account = try #require(agent["spec.template.spec.serviceAccountName"] as? String)
            let configuration = try #require(agent["spec.template.spec.volumes.0.configMap.name"] as? String)
            #expect(names.contains("ServiceAccount/\(account)") && names.contains("ConfigMap/\(configuration)"))
            let dashboards = objects.filter {
                ($0["metadata.labels"] as? [String: String])?["grafana_dashboard"] == "1"
            }
            #expect(dashboards.count == 5)
            for dashboard in dashboards {
                let data = try #require(dashboard["data"] as? [String: String])
                for (name, text) in data {
                    let file = try Data(contentsOf: URL(fileURLWithPath: Shipped.path("dashboards/grafana/\(name)")))
                    let wanted = try JSONSerialization.jsonObject(with: file) as? NSDictionary
                    #expect(
                        try JSONSerialization.jsonObject(with: Data(text.utf8)) as? NSDictionary == wanted, "\(name)")
                }
            }
            // Every flag is one of the agent's.
            let help = try AgentProcess.run(["serve", "--help"]).output
            for flag in agent.texts("\(Self.container).args") {
                #expect(help.contains("\(flag.split(separator: "=")[0])"), "\(flag)")
            }
        }

        @Test("Prometheus takes the rules that are rendered", .needs(.tool("promtool")))
        func rules() throws {
            let rules = try Self.objects(
                "helm", Self.chart,
                #"{"prometheusRule": {"runbook": "https://example.org/book", "disabled": ["NetnsPacketLoss"]}}"#)
            let spec = try #require(rules.first { $0.kind == "PrometheusRule" }).json("spec")
            let directory = try TemporaryDirectory()
            // JSON is YAML.
            try Command.check("promtool", "check", "rules", try directory.write("rules.yml", spec))
            #expect(!spec.contains("NetnsPacketLoss\"") && spec.contains("\"NetnsUnreachable\""))
            #expect(spec.contains("https://example.org/book#netdriftsysctldrift"))
            #expect(!spec.contains("docs/runbook"))
        }

        @Test("helm lint has nothing to say but that an icon is missing")
        func lint() throws {
            let result = try Self.check(["lint", Self.chart])
            #expect(result.status == 0 && result.output == "1 Chart.yaml: icon is recommended\n", "\(result)")
        }

        @Test(
            "the chart's schema refuses what cannot be meant",
            arguments: [
                #"{"prot": 1}"#, #"{"port": 0}"#, #"{"port": "10124"}"#, #"{"profile": "root"}"#,
                #"{"config": {"expectation": []}}"#, #"{"config": {"probes": [{"name": "a", "kind": "http"}]}}"#,
                #"{"extraArgs": ["log.level=debug"]}"#, #"{"hostPaths": ["/run"]}"#,
                #"{"image": {"repository": ""}}"#, #"{"podMonitor": {"interval": "often"}}"#,
                #"{"serviceAccount": {"create": "no"}}"#,
            ])
        func refused(_ values: String) throws {
            let result = try Self.check(["lint", Self.chart, values])
            #expect(result.status == 1 && result.errors.contains("values don't meet"), "\(result)")
        }

        @Test("everything can be switched off, but the agent and its configuration")
        func switches() throws {
            let objects = try Self.objects(
                "helm", Self.chart,
                """
                {"service": {"enabled": false}, "podMonitor": {"enabled": false}, "prometheusRule": {"enabled": false},
                 "dashboards": {"enabled": false}, "networkPolicy": {"enabled": false},
                 "serviceAccount": {"create": false, "name": "mine"}, "priorityClassName": "", "tolerations": []}
                """)
            #expect(objects.map(\.kind).sorted() == ["ConfigMap", "DaemonSet"])
            let agent = try Self.daemonSet(objects)
            #expect(agent["spec.template.spec.serviceAccountName"] as? String == "mine")
            #expect(agent["spec.template.spec.priorityClassName"] == nil)
            #expect(agent["spec.template.spec.tolerations"] == nil)
        }

        @Test("the values are where they belong, and the agent takes the configuration that comes of them")
        func values() throws {
            let objects = try Self.objects(
                "helm", Self.chart, "--from", "1.30",
                """
                {"image": {"repository": "registry.example.org/n", "digest": "sha256:\(String(repeating: "a", count: 64))"},
                 "imagePullSecrets": [{"name": "pull"}], "fullnameOverride": "watch", "port": 9999,
                 "extraArgs": ["--no-collector.probe"], "hostPaths": ["/var/lib/containers"],
                 "webConfig": {"secretName": "web"}, "appArmorProfile": {"type": "Unconfined"},
                 "podLabels": {"team": "net"}, "podAnnotations": {"a": "b"}, "affinity": {"nodeAffinity": {}},
                 "podMonitor": {"labels": {"release": "p"}, "interval": "30s", "scrapeTimeout": "10s", "sampleLimit": 100000,
                    "endpoint": {"scheme": "https", "tlsConfig": {"insecureSkipVerify": true}}},
                 "dashboards": {"annotations": {"grafana_folder": "netdrift"}},
                 "networkPolicy": {"from": [{"ipBlock": {"cidr": "198.18.0.0/15"}}]},
                 "config": {"expectations": [{"rule": "buffers", "namespaces": {"pod_namespace": "prod-*"}, "sysctls": {
                    "net.ipv4.tcp_rmem": [4096, 131072, ">= 6291456"], "net.core.rmem_max": 6291456,
                    "net.ipv4.conf.*.rp_filter": {"not": 0}, "net.ipv4.tcp_congestion_control": {"same_as": "host"}}}],
                  "probes": [{"name": "dns", "kind": "dns", "target": "resolver", "query": "kubernetes.default.svc."}]}}
                """)
            let agent = try Self.daemonSet(objects)
            #expect(objects.filter { $0.kind != "ConfigMap" }.allSatisfy { $0.name == "watch" })
            #expect(
                agent["\(Self.container).image"] as? String
                    == "registry.example.org/n@sha256:\(String(repeating: "a", count: 64))")
            #expect(
                agent.texts("\(Self.container).args") == [
                    "--config.file=/etc/netdrift/netdrift.yml", "--web.listen-address=:9999", "--path.rootfs=/host",
                    "--path.netns-dir=/host/run/netns", "--web.config.file=/etc/netdrift-web/web.yml",
                    "--no-collector.probe",
                ])
            #expect(agent["\(Self.container).livenessProbe.tcpSocket"] != nil)
            #expect(agent["\(Self.container).livenessProbe.httpGet"] == nil)
            #expect(agent["\(Self.container).securityContext.appArmorProfile.type"] as? String == "Unconfined")
            #expect(agent["\(Self.container).volumeMounts.2.mountPath"] as? String == "/host/var/lib/containers")
            #expect(agent["spec.template.spec.volumes.3.secret.secretName"] as? String == "web")
            let monitor = try #require(objects.first { $0.kind == "PodMonitor" })
            #expect(monitor["spec.sampleLimit"] as? Int == 100000)
            #expect(monitor["spec.podMetricsEndpoints.0.scheme"] as? String == "https")
            #expect(monitor["spec.podMetricsEndpoints.0.relabelings"] != nil)

            let map = try #require(objects.first { $0.kind == "ConfigMap" && $0.name == "watch" })
            let text = try #require((map["data"] as? [String: String])?["netdrift.yml"])
            #expect(text.contains("net.core.rmem_max: 6291456\n"), "\(text)")
            let directory = try TemporaryDirectory()
            let result = try AgentProcess.run(["config", "check", try directory.write("netdrift.yml", text)])
            #expect(result.status == 0, "\(text)\n\(result)")
        }

        @Test(
            "the profiles give the same rights in both, and no more than their engine takes",
            arguments: ["bpf", "portable"])
        func profiles(_ profile: String) throws {
            let directory = try TemporaryDirectory()
            // A kustomization names others by relative paths alone.
            try FileManager.default.createSymbolicLink(
                atPath: "\(directory.path)/base", withDestinationPath: Self.base)
            _ = try directory.write(
                "kustomization.yaml", "resources: [base]\ncomponents: [base/profiles/\(profile)]\n")
            let base = try Self.daemonSet(Self.objects("kustomize", directory.path))
            let chart = try Self.daemonSet(Self.objects("helm", Self.chart, #"{"profile": "\#(profile)"}"#))
            for path in ["\(Self.container).args", "\(Self.container).securityContext"] {
                #expect(try base.json(path) == chart.json(path), "\(path)")
            }
            #expect(chart.texts("\(Self.container).args").contains("--engine=\(profile)"))
            let added = Set(chart.texts("\(Self.container).securityContext.capabilities.add"))
            #expect(
                profile == "bpf"
                    ? added == ["BPF", "PERFMON"] : added.isDisjoint(with: ["BPF", "PERFMON"]) && added.count == 5)
            #expect(chart.texts("\(Self.container).securityContext.capabilities.drop") == ["ALL"])
        }

        @Test("the overlays and values of docs/kubernetes.md are right")
        func documentation() throws {
            let blocks = try Shipped.text("docs/kubernetes.md").matches(of: /(?s)```yaml\n(.*?)```/).map {
                String($0.1)
            }
            let overlays = blocks.filter { $0.hasPrefix("# kustomization.yaml") }
            #expect(overlays.count == 2)
            let directory = try TemporaryDirectory()
            try FileManager.default.createSymbolicLink(atPath: "\(directory.path)/base", withDestinationPath: Self.base)
            _ = try directory.write("netdrift.yml", "expectations: []\nprobes: []\n")
            for overlay in overlays {
                _ = try directory.write(
                    "kustomization.yaml", overlay.replacing("https://HOST/netdrift/deploy/kubernetes", with: "base"))
                let objects = try Self.objects("kustomize", directory.path)
                let agent = try Self.daemonSet(objects)
                guard overlay.contains("patches:") else { continue }
                #expect(agent["\(Self.container).image"] as? String == "registry.example.org/netdrift:0.1.0")
                #expect(objects.map(\.kind).allSatisfy { $0 != "PodMonitor" && $0 != "PrometheusRule" })
                #expect(
                    objects.contains { ($0["data"] as? [String: String])?["netdrift.yml"]?.contains("probes") == true })
            }
            let values = try #require(blocks.first { $0.hasPrefix("# values.yaml") })
            let monitor = try #require(try Self.objects("helm", Self.chart, values).first { $0.kind == "PodMonitor" })
            #expect(monitor["metadata.labels.release"] as? String == "kube-prometheus-stack")
        }

        @Test("the configuration of the base is right")
        func configuration() throws {
            let result = try AgentProcess.run(["config", "check", Shipped.path("deploy/kubernetes/netdrift.yml")])
            #expect(result.status == 0, "\(result)")
        }
    }
}

import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// The files of dashboards/, on the real Prometheus and in the real Chromium.
    @Suite struct DashboardTests {
        private static let grafana = ["fleet", "host", "namespace", "drift", "agent"].map {
            "dashboards/grafana/netdrift-\($0).json"
        }
        private static let consoles = ["netdrift", "netdrift-host", "netdrift-namespace"]

        /// Panels that say what is not there when all is as it should be: of a dashboard of Grafana or of a console.
        private static let aboutAbsence: [String: String] = [
            "netdrift-agent.json: Discovery": "the deep scan is the portable engine's",
            "netdrift-agent.json: Errors": "no namespace has an error",
            "netdrift-drift.json: Not evaluated": "all that is expected can be read",
            "netdrift-drift.json: Writable from inside": "the container's /proc/sys is mounted read-only",
        ]

        @Test("they are what their programs write", .needs(.tool("python3")))
        func current() throws {
            for program in ["dashboards/grafana/generate", "dashboards/prometheus/generate"] {
                try Command.check(Shipped.path(program), "--check")
            }
        }

        @Test("Grafana's dashboards keep its schemas and the rules of dashboard-linter", .needs(.tool("python3")))
        func lint() throws {
            let result = try Command.run([Shipped.path("Tests/Dashboards/check")] + Self.grafana.map(Shipped.path))
            #expect(result.status == 0, "\(result.output)\(result.errors)")
        }

        @Test(
            "every query of Grafana's dashboards answers, and every name in them is text in the consoles",
            .needs(
                .root, .tool("ip"), .tool("nsenter"), .tool("curl"), .tool("runc"), .tool("busybox"),
                .tool("prometheus"), .tool("prometheus-alertmanager"), .tool("python3"), .tool("chromium")))
        func answers() throws {
            let world = try DashboardWorld()
            try checkGrafana(world)
            try checkConsoles(world)
            #expect(try world.stop() == [])
        }

        private func checkGrafana(_ world: DashboardWorld) throws {
            var queries = 0
            for path in Self.grafana {
                let name = URL(fileURLWithPath: path).lastPathComponent
                let dashboard = try JSONDecoder().decode(Dashboard.self, from: Data(Shipped.text(path).utf8))
                var asked = dashboard.panels.flatMap { panel in panel.targets.map { (panel.title, $0.expr) } }
                asked += dashboard.annotations.list.map { ($0.name, $0.expr) }
                for variable in dashboard.templating.list where variable.type == "query" {
                    let parts = try #require(variable.query.wholeMatch(of: /label_values\((.+), (\w+)\)/))
                    asked.append(("variable \(variable.name)", "count by (\(parts.2)) (\(parts.1))"))
                }
                for (panel, written) in asked {
                    queries += 1
                    let place = "\(name): \(panel)"
                    let instance = try world.instance(of: written)
                    // One has drifted, another does not reach its target.
                    let names = instance == world.agent ? [world.demo.shop, world.demo.db] : ["host"]
                    let expressions = names.map { name in
                        written.replacing("$job", with: "netdrift").replacing("$netns", with: name)
                            .replacing("$instance", with: instance.replacing(".", with: "[.]"))
                            .replacing("$__rate_interval", with: "1m")
                    }
                    let count = try expressions.map(world.prometheus.count).reduce(0, +)
                    #expect(count > 0 || Self.aboutAbsence[place] != nil, "\(place): nothing for \(expressions)")
                }
            }
            #expect(queries > 100)
        }

        private func checkConsoles(_ world: DashboardWorld) throws {
            for (console, netns) in [
                (Self.consoles[0], nil), (Self.consoles[1], nil), (Self.consoles[2], world.demo.shop as String?),
            ] {
                var states: [String: Set<String>] = [:]
                for instance in [world.agent, world.stub] {
                    var query = URLComponents()
                    query.queryItems = [URLQueryItem(name: "instance", value: instance)]
                    if let netns {
                        let name = instance == world.agent ? netns : DashboardWorld.hostile
                        query.queryItems?.append(URLQueryItem(name: "netns", value: name))
                    }
                    let page = try RenderedPage(
                        "http://\(world.prometheus.address)/consoles/\(console).html?range=900&"
                            + (query.percentEncodedQuery ?? ""))
                    #expect(page.messages == [], "\(console)")
                    #expect(!page.source.contains("<img"), "\(console): a name became markup")
                    #expect(page.source.contains("&lt;img src=x") || instance == world.agent)
                    #expect(!page.title.contains("taken"))
                    #expect(page.panels.count > 10, "\(console): \(page.source)")
                    for (panel, state) in page.panels { states[panel, default: []].insert(state) }
                }
                for (panel, found) in states.sorted(by: { $0.key < $1.key }) {
                    #expect(found.isSubset(of: ["ok", "empty"]), "\(console): \(panel) is \(found)")
                    #expect(found.contains("ok"), "\(console): \(panel) shows nothing")
                }
            }
        }

        @Test("consoles ask nobody but Prometheus, and hold no address")
        func selfContained() throws {
            for console in Self.consoles {
                let text = try Shipped.text("dashboards/prometheus/\(console).html")
                let addresses = text.matches(of: /(?:https?:)?\/\/[a-z0-9.-]+\.[a-z]+/).map { String($0.output) }
                #expect(Set(addresses).subtracting(["http://www.w3.org"]) == [])
                #expect(!text.contains("innerHTML") && !text.contains("insertAdjacentHTML") && !text.contains("eval("))
            }
        }

        /// What is asked in a dashboard of Grafana.
        private struct Dashboard: Decodable {
            struct Panel: Decodable {
                let title: String
                let targets: [Target]
            }
            struct Target: Decodable { let expr: String }
            struct Annotations: Decodable { let list: [Annotation] }
            struct Annotation: Decodable {
                let name: String
                let expr: String
            }
            struct Templating: Decodable { let list: [Variable] }
            struct Variable: Decodable {
                let type: String
                let name: String
                let query: String
            }
            let panels: [Panel]
            let annotations: Annotations
            let templating: Templating
        }
    }
}

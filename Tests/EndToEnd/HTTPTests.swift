import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// What a client may ask, and what it is told.
    @Suite struct HTTPTests {
        static let text = "text/plain; version=0.0.4; charset=utf-8"
        static let openMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8"
        /// What Prometheus 2.42 sends.
        static let prometheus2 =
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
            + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
        /// What Prometheus 3.14 sends.
        static let prometheus3 =
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
            + "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
            + "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"

        /// An agent that has little to read.
        static func agent(_ flags: [String] = [], listen: [String] = ["127.0.0.1:0"]) throws -> AgentProcess {
            try AgentProcess(["--discovery.include=host", "--discovery.deep-interval=0"] + flags, listen: listen)
        }

        @Test("the Content-Type follows the Accept header", .needs(.root))
        func contentTypes() throws {
            let agent = try Self.agent()
            let cases: [(accept: String?, type: String)] = [
                (nil, Self.text), (Self.prometheus2, Self.openMetrics), (Self.prometheus3, Self.openMetrics),
                ("*/*", Self.text), ("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", Self.text),
                ("text/plain;version=0.0.4", Self.text), ("application/json", Self.text),
                ("application/openmetrics-text;version=1.0.0;q=0.2,text/plain;version=0.0.4;q=0.9", Self.text),
                ("text/plain;version=0.0.4;q=0.2,application/openmetrics-text;version=1.0.0;q=0.9", Self.openMetrics),
                ("text/plain;version=0.0.4;q=0.8,application/openmetrics-text;version=1.0.0;q=0.9", Self.openMetrics),
            ]
            for (accept, type) in cases {
                let answer = try agent.get("/metrics", accept.map { [("Accept", $0)] } ?? [])
                #expect(answer.status == 200)
                #expect(answer.header("Content-Type") == type, "\(accept ?? "none")")
                #expect(answer.text?.hasSuffix("# EOF\n") == (type == Self.openMetrics))
                #expect(answer.header("Content-Encoding") == nil)
                #expect(answer.header("Vary")?.contains("Accept") == true)
            }
        }

        @Test("gzip when asked, of the same samples", .needs(.root, .tool("gzip"), .tool("ip")))
        func gzip() throws {
            let namespace = try NamedNamespace()
            try namespace.set("net/ipv4/tcp_keepalive_time", "818")
            let agent = try AgentProcess(["--discovery.include=\(namespace.name)"])
            let directory = try TemporaryDirectory()
            for accept in [Self.text, Self.prometheus3] {
                let answer = try agent.get("/metrics", [("Accept", accept), ("Accept-Encoding", "gzip")])
                #expect(answer.header("Content-Encoding") == "gzip")
                #expect(answer.header("Vary")?.contains("Accept-Encoding") == true)
                let path = "\(directory.path)/body.gz"
                try answer.body.write(to: URL(fileURLWithPath: path))
                let plain = try Command.check("gzip", "-dc", path)
                #expect(answer.body.count < plain.utf8.count / 3)
                let packed = try Exposition(parsing: plain)
                let open = answer.header("Content-Type") == Self.openMetrics
                let direct = try agent.scrape(openMetrics: open)
                #expect(Set(packed.samples.keys) == Set(direct.samples.keys))
                #expect(packed.sysctl("net.ipv4.tcp_keepalive_time", in: namespace.name) == 818)
            }
            for refused in ["identity", "br, deflate", "gzip;q=0"] {
                let answer = try agent.get("/metrics", [("Accept-Encoding", refused)])
                #expect(answer.header("Content-Encoding") == nil, "\(refused)")
                _ = try Exposition(parsing: try #require(answer.text))
            }
        }

        @Test("curl, which people use, is served", .needs(.root, .tool("curl")))
        func curl() throws {
            let agent = try Self.agent()
            let address = try agent.listening()
            let plain = try Command.check("curl", "-sSf", "http://\(address)/metrics")
            #expect(try Exposition(parsing: plain).value("netdrift_build_info", ["version": Self.version()]) == 1)
            _ = try Exposition(parsing: try Command.check("curl", "-sSf", "--compressed", "http://\(address)/metrics"))
            // Two requests on one connection.
            let twice = try Command.check(
                "curl", "-sS", "-o", "/dev/null", "-o", "/dev/null", "-w", "%{http_code} %{num_connects};",
                "http://\(address)/-/healthy", "http://\(address)/metrics")
            #expect(twice == "200 1;200 0;")
        }

        static func version() throws -> String {
            let text = try AgentProcess.run(["--version"]).output
            return text.split(separator: " ").last.map { $0.trimmingCharacters(in: .newlines) } ?? ""
        }

        @Test("paths and methods", .needs(.root))
        func pathsAndMethods() throws {
            let agent = try Self.agent()
            let page = try agent.get("/")
            #expect(page.status == 200 && page.header("Content-Type")?.hasPrefix("text/html") == true)
            #expect(page.text?.contains("href=\"/api/v1/overview\"") == true)
            #expect(page.text?.contains(try Self.version()) == true)
            for path in ["/-/healthy", "/-/ready"] {
                let answer = try agent.get(path)
                #expect(answer.status == 200 && answer.text?.hasPrefix("netdrift is ") == true, "\(path)")
            }
            for path in [
                "/x", "//", "/metrics/", "/Metrics", "/-/", "/-/reload/", "/metrics%00", "/index.html", "/%2e",
            ] {
                #expect(try agent.get(path).status == 404, "\(path)")
            }
            for path in ["/", "/metrics", "/-/healthy", "/-/ready"] {
                let head = try agent.get(path, method: "HEAD")
                let get = try agent.get(path)
                #expect(head.status == 200 && head.body.isEmpty, "HEAD \(path)")
                #expect(head.header("Content-Type") == get.header("Content-Type"))
                #expect((head.header("Content-Length").flatMap { Int($0) } ?? 0) > 0)
                for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
                    let answer = try agent.get(path, method: method)
                    #expect(answer.status == 405, "\(method) \(path)")
                    #expect(answer.header("Allow") == "GET, HEAD", "\(method) \(path)")
                }
            }
            // Still well afterwards.
            #expect(try agent.get("/-/healthy").status == 200)
        }

        @Test("collect[] and exclude[]", .needs(.root))
        func collectors() throws {
            let agent = try Self.agent()
            func families(_ query: String) throws -> (sysctl: Bool, interface: Bool) {
                let exposition = try agent.scrape("/metrics" + query)
                #expect(exposition.value("netns_processes", ["netns": "host"]) != nil)
                let ran = Set(
                    exposition.series("netdrift_scrape_collector_success").compactMap { $0.labels["collector"] })
                let sysctl = !exposition.sysctls(of: "host").isEmpty
                let interface = !exposition.series("netns_network_mtu_bytes").isEmpty
                #expect(ran.contains("sysctl") == sysctl && ran.contains("interface") == interface)
                return (sysctl, interface)
            }
            #expect(try families("") == (true, true))
            #expect(try families("?collect[]=sysctl") == (true, false))
            #expect(try families("?collect%5B%5D=interface") == (false, true))
            #expect(try families("?collect[]=interface&collect[]=sysctl") == (true, true))
            #expect(try families("?exclude[]=sysctl") == (false, true))
            #expect(try families("?exclude[]=sysctl&exclude[]=interface") == (false, false))
            #expect(try families("?other=1") == (true, true))
            for query in [
                "collect[]=sysctl&exclude[]=interface", "collect[]=nonsense", "exclude[]=nonsense", "collect[]=",
            ] {
                let answer = try agent.get("/metrics?\(query)")
                #expect(answer.status == 400, "\(query)")
                #expect(answer.text?.contains("[]") == true && answer.text?.split(separator: "\n").count == 1)
            }
            let without = try Self.agent(["--no-collector.interface"])
            #expect(try without.get("/metrics?collect[]=interface").status == 400)
            #expect(try without.scrape("/metrics?collect[]=sysctl").series("netns_network_mtu_bytes").isEmpty)
        }

        @Test("a scrape's timeout is kept, and what was not reached is counted", .needs(.root, .tool("ip")))
        func timeout() throws {
            let crowd = try NamespaceCrowd(12)
            // Sysctls that the kernel gives of all namespaces by one call are there all the same: no time is saved without them.
            let agent = try AgentProcess(["--engine=portable", crowd.include])
            let all = try agent.scrape()
            #expect(all.value("netdrift_namespaces_left_out", ["reason": "deadline"]) == 0)
            #expect(all.keepalives == crowd.keepalives)
            let none = try agent.scrape(timeout: 0.000_001)
            #expect(none.value("netdrift_namespaces_left_out", ["reason": "deadline"]) == 12)
            // They are known, and nothing is invented for them.
            #expect(none.namespaces == Set(crowd.names))
            #expect(none.keepalives.isEmpty && none.series("netns_network_mtu_bytes").isEmpty)
            #expect(try agent.scrape(timeout: 20).keepalives == crowd.keepalives)
            for bad in ["0", "-1", "soon", "nan", "inf", ""] {
                let answer = try agent.get("/metrics", [("X-Prometheus-Scrape-Timeout-Seconds", bad)])
                #expect(answer.status == 400, "'\(bad)'")
                #expect(answer.text?.contains("X-Prometheus-Scrape-Timeout-Seconds") == true)
            }
        }

        @Test("--web.telemetry-path moves the metrics", .needs(.root))
        func telemetryPath() throws {
            let agent = try Self.agent(["--web.telemetry-path=/a/b"])
            #expect(try agent.get("/metrics").status == 404)
            #expect(try agent.scrape("/a/b").value("netns_processes", ["netns": "host"]) != nil)
            #expect(try agent.get("/api/v1/about").text?.contains(#""metrics":"/a/b""#) == true)
        }

        @Test("several addresses, of both protocols", .needs(.root))
        func addresses() throws {
            let agent = try Self.agent(listen: ["127.0.0.1:0", "[::1]:0", "localhost:0"])
            #expect(agent.addresses.count == 3)
            #expect(agent.addresses[1].hasPrefix("[::1]:") && agent.addresses[2].hasPrefix("127.0.0.1:"))
            for address in agent.addresses {
                let answer = try HTTPConnection.get(address, "/metrics")
                #expect(answer.status == 200, "\(address)")
            }
            #expect(agent.stop() == 0)
            for address in agent.addresses { #expect(throws: Trouble.self) { try HTTPConnection(address) } }
        }
    }
}

import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// What the page makes of hostile names and small screens, what it may not do, and how it is served.
    @Suite(.needs(.root, .tool("ip"))) struct PageSafetyTests {
        private static let device = "<b>\"'&"

        @Test("hostile names stay text", .needs(.tool("chromium"), .tool("chromedriver")))
        func hostileNames() throws {
            let prefix = NamedNamespace.uniqueName("evil")
            let names = [
                "<img src=x onerror=alert(1)>", "\"'&amp;--></script>".replacing("/", with: ""), " a+b c%41#?x",
                "\u{202E}txt.exe", String(repeating: "w", count: 190), "__proto__",
            ].map { prefix + $0 }
            let host = try NamedNamespace(prefix + "host")
            let namespaces = try names.map { try NamedNamespace($0) }
            for (index, namespace) in namespaces.enumerated() {
                try host.check(
                    "ip", "link", "add", "v\(index)", "type", "veth", "peer", "name", Self.device, "netns",
                    namespace.name)
            }
            let agent = try AgentProcess([
                "--path.host-netns=\(host.path)", "--discovery.include=\(prefix)*", "--discovery.include=host",
                "--discovery.deep-interval=0",
            ])
            let told = try agent.report().namespaces.compactMap { $0["name"] }
            #expect(told.count == names.count + 1)
            let browser = try Browser()
            for width in [1280, 360] {
                try browser.resize(width, 800)
                for fragment in ["#/", "#/topology", "#/drift"] {
                    try browser.open(agent, fragment)
                    try browser.wait("document.querySelector('#main h1')")
                    #expect(
                        try browser.run(
                            "return document.querySelector('main').querySelector('img, script, main b, iframe')") == nil
                    )
                    try Self.expectFits(browser, "\(fragment) \(width)")
                }
                try browser.open(agent)
                #expect(try Set(browser.names()) == Set(told))
                try browser.picture("hostile-\(width)")
            }
            for name in told where name != "host" {
                // As a person comes there.
                try browser.open(agent)
                try browser.run(
                    "[...document.querySelectorAll('#namespaces tbody th a')].find(e => e.innerText === arguments[0]).click()",
                    [name])
                try browser.wait("document.querySelector('#section-interfaces h3')")
                #expect(try browser.text("#main h1") == name)
                #expect(try browser.texts("#section-interfaces h3 .name").contains(Self.device), "\(name)")
                try Self.expectFits(browser, name)
            }
            try browser.expectClean(agent)
        }

        private static func expectFits(_ browser: Browser, _ what: String) throws {
            let width = try browser.run("return document.documentElement.scrollWidth - innerWidth")
            #expect((width as? Int ?? 1) <= 0, "\(what)")
        }

        @Test("no view is wider than a phone", .needs(.tool("chromium"), .tool("chromedriver")))
        func phone() throws {
            let world = try PageWorld()
            try world[0].set(PageWorld.path, "7201")
            let agent = try world.agent()
            let browser = try Browser(width: 360, height: 740)
            for fragment in [
                "#/", "#/drift", "#/topology", "#/topology/\(world.names[0])", "#/ns/\(world.names[0])", "#/ns/host",
            ] {
                try browser.open(agent, fragment)
                try browser.wait("document.querySelector('.card, [data-bridge], #namespaces tbody tr')")
                try Self.expectFits(browser, fragment)
            }
            try browser.picture("phone")
            try browser.expectClean(agent)
        }

        @Test(
            "what is injected does not run, and nobody else is reached",
            .needs(.tool("chromium"), .tool("chromedriver")))
        func policy() throws {
            let world = try PageWorld(1)
            let agent = try world.agent()
            let browser = try Browser()
            try browser.open(agent)
            try browser.expectClean(agent)
            let refused =
                try browser.run(
                    """
                    const found = [];
                    document.addEventListener("securitypolicyviolation", (event) => found.push(event.effectiveDirective));
                    const tried = (body) => { try { body(); } catch (error) { found.push(error.name); } };
                    tried(() => { document.body.innerHTML += "<p>x"; });
                    tried(() => {
                        const script = document.createElement("script");
                        script.append(document.createTextNode("window.injected = 1"));
                        document.body.append(script);
                    });
                    tried(() => document.body.setAttribute("onclick", "window.injected = 1"));
                    tried(() => { document.body.append(Object.assign(document.createElement("style"), { textContent: "main{display:none}" })); });
                    tried(() => { document.body.append(Object.assign(new Image(), { src: "http://127.0.0.1:9/x.png" })); });
                    document.body.click();
                    return fetch("http://127.0.0.1:9/").catch((error) => found.push(error.name))
                        .then(() => new Promise((done) => setTimeout(done, 300)))
                        .then(() => ({ found, injected: window.injected ?? null, shown: getComputedStyle(document.querySelector("main")).display }));
                    """) as? [String: Any]
            #expect(refused?["injected"] is NSNull && refused?["shown"] as? String == "block")
            let found = Set(refused?["found"] as? [String] ?? [])
            #expect(found.isSuperset(of: ["TypeError", "style-src-elem", "img-src", "connect-src"]), "\(found)")
        }

        /// What an agent that probes and diagnoses answers, said by the page's own fetch.
        private static let probing = """
            const answers = (netns) => ({
                "/api/v1/probes": { probes: [
                    { netns, probe: "gateway", kind: "icmp", target: "198.18.0.1", success: false, reason: "timeout", loss_ratio: 1,
                      sent: 3, received: 0, duplicates: 0, late: 0, last_try: Date.now() / 1000 },
                    { netns, probe: "<i>api", kind: "tcp", target: "198.18.0.1:443", success: true, rtt_seconds: 0.000083,
                      loss_ratio: 0, sent: 3, received: 3, duplicates: 1, late: 0, last_try: Date.now() / 1000 }] },
                "/api/v1/diagnose": { netns, target: "198.18.0.1", reachable: false, steps: [
                    { step: "link", state: "ok", evidence: "eth0 is up" },
                    { step: "peer", state: "broken", evidence: "v0 is <b>down</b>", remedy: "ip link set v0 up" },
                    { step: "target", state: "unknown" }] },
            });
            const real = window.fetch;
            window.fetch = async (path, options) => {
                const answer = answers("NETNS")[path.split("?")[0]];
                if (answer) return new Response(JSON.stringify(answer), { headers: { "Content-Type": "application/json" } });
                const response = await real(path, options);
                if (path !== "/api/v1/about") return response;
                const about = await response.json();
                about.endpoints.push("/api/v1/probes", "/api/v1/diagnose");
                return new Response(JSON.stringify(about));
            };
            """

        @Test(
            "probes and the broken step are shown where an agent has them",
            .needs(.tool("chromium"), .tool("chromedriver")))
        func probes() throws {
            let world = try PageWorld(2)
            let agent = try world.agent()
            let browser = try Browser()
            try browser.devtools(
                "Page.addScriptToEvaluateOnNewDocument",
                ["source": Self.probing.replacingOccurrences(of: "NETNS", with: world.names[0])])
            try browser.open(agent, "#/ns/\(world.names[0])")
            try browser.wait(tile: "unreachable", shows: "1")
            try browser.wait("document.querySelector('#verdict')")
            #expect(try browser.text("#verdict")?.contains("Broken at peer") == true)
            #expect(try browser.text("#verdict p") == "v0 is <b>down</b>")
            #expect(try browser.text("#verdict .command") == "ip link set v0 up")
            #expect(
                try browser.run("return document.querySelector('[data-station=peer]').classList.contains('broken')")
                    as? Bool == true)
            #expect(try browser.texts("#section-probes h3 .name") == ["gateway", "<i>api"])
            #expect(try browser.text("#section-probes li:nth-child(1)")?.contains("timeout") == true)
            #expect(try browser.text("#section-probes li:nth-child(2)")?.contains("83 µs") == true)
            // A sparkline begins with the second try.
            try browser.wait(
                "document.querySelector('#section-probes .chart polyline') && document.querySelector('#section-probes .chart .failure')"
            )
            try browser.picture("diagnosed")
            try browser.click("[data-tile=unreachable]")
            #expect(try browser.names() == [world.names[0]])
            try browser.expectClean(agent)
        }

        @Test(
            "it is served packed and only when it is another, with a strict policy",
            .needs(.tool("curl"), .tool("gzip")))
        func served() throws {
            let agent = try HTTPTests.agent()
            let page = try agent.get("/")
            #expect(page.header("Content-Type") == "text/html; charset=utf-8")
            #expect(page.header("X-Content-Type-Options") == "nosniff" && page.header("X-Frame-Options") == "DENY")
            #expect(page.header("Referrer-Policy") == "no-referrer")
            let policy = try #require(page.header("Content-Security-Policy"))
            #expect(policy.hasPrefix("default-src 'none'; script-src 'sha256-") && !policy.contains("unsafe"))
            let tag = try #require(page.header("ETag"))
            let url = "http://\(try agent.listening())/"
            let code = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{size_download}", "-H"]
            #expect(try Command.run(code + ["If-None-Match: \(tag)", url]).output == "304 0")
            #expect(try Command.run(code + ["If-None-Match: \"x\"", url]).output == "200 \(page.body.count)")
            let packed = try agent.get("/", [("Accept-Encoding", "gzip")])
            #expect(packed.header("Content-Encoding") == "gzip" && packed.body.count < page.body.count / 3)
            let directory = try TemporaryDirectory()
            try packed.body.write(to: URL(fileURLWithPath: "\(directory.path)/page.gz"))
            #expect(try Command.check("gzip", "-dc", "\(directory.path)/page.gz") == page.text)
            #expect(packed.body.count < 40_000)
        }

        @Test("--web.disable-page leaves links to what there is")
        func disabled() throws {
            let agent = try HTTPTests.agent(["--web.disable-page", "--web.telemetry-path=/m"])
            let page = try #require(try agent.get("/").text)
            #expect(!page.contains("<script"))
            let links = page.matches(of: /href="([^"]+)"/).map { String($0.output.1) }
            #expect(links.contains("/m") && links.contains("/api/v1/overview"))
            for path in links { #expect(try agent.get(path).status == 200, "\(path)") }
        }

        @Test("the API for the page: what it has, and what it refuses")
        func api() throws {
            let world = try PageWorld(1)
            let agent = try world.agent()
            func object(_ target: String) throws -> [String: Any] {
                let answer = try agent.get(target)
                #expect(answer.status == 200 && answer.header("Cache-Control") == "no-store", "\(target)")
                return try JSONSerialization.jsonObject(with: answer.body) as? [String: Any] ?? [:]
            }
            let about = try object("/api/v1/about")
            #expect(about["metrics"] as? String == "/metrics")
            #expect(try about["version"] as? String == HTTPTests.version())
            #expect((about["endpoints"] as? [String])?.contains("/api/v1/overview") == true)
            let overview = try object("/api/v1/overview")
            #expect(overview["started"] as? Double == about["started"] as? Double)
            let detail = try object("/api/v1/namespace?netns=\(world.names[0])")
            let sysctls = try #require(detail["sysctls"] as? [[String: Any]])
            let entry = try #require(sysctls.first { $0["sysctl"] as? String == PageWorld.sysctl })
            #expect(entry["value"] as? String == "600" && entry["host"] as? String == "7200")
            for (target, status) in [
                ("/api/v1/overview?max_age=60", 200), ("/api/v1/overview?max_age=x", 400),
                ("/api/v1/overview?max_age=-1", 400), ("/api/v1/overview?max_age=nan", 400), ("/api/v1/namespace", 400),
                ("/api/v1/namespace?netns=nobody", 404),
                ("/api/v1/namespace?netns=host&netns=host", 400),
            ] { #expect(try agent.get(target).status == status, "\(target)") }
            let without = try HTTPTests.agent(["--no-collector.drift"])
            #expect(try without.get("/api/v1/drift").status == 404)
            #expect(try without.get("/api/v1/about").text?.contains("/api/v1/drift") == false)
            #expect(try without.get("/api/v1/overview").text?.contains("drifted") == false)
        }
    }
}

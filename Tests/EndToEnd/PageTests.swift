import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// The page at `/` in a real browser.
    @Suite(.needs(.root, .tool("ip"), .tool("chromium"), .tool("chromedriver"))) struct PageTests {
        @Test("it shows what the API says")
        func content() throws {
            let world = try PageWorld()
            let agent = try world.agent()
            let browser = try Browser()
            try browser.open(agent)
            let report = try agent.report()
            #expect(try Set(browser.names()) == Set(report.namespaces.compactMap { $0["name"] }))
            try browser.wait(tile: "all", shows: "\(world.names.count + 1)")
            try browser.wait(tile: "drifted", shows: "0")
            try browser.wait(tile: "down", shows: "0")
            try browser.picture("namespaces")

            try browser.open(agent, "#/ns/\(world.names[0])")
            try browser.wait("document.querySelector('[data-sysctl]') && document.querySelector('[data-device=eth0]')")
            #expect(try browser.text("h1") == world.names[0])
            let row = "tr[data-sysctl='\(PageWorld.sysctl)']"
            #expect(try browser.text("\(row) .value") == "600")
            #expect(try browser.text(row)?.contains("matched") == true)
            #expect(try browser.text("[data-device=eth0]")?.contains("198.18.0.10/24") == true)
            #expect(try browser.text("[data-device=eth0]")?.contains("port of br0 (forwarding)") == true)
            #expect(try browser.text("#section-identity")?.contains("\(world[0].inode)") == true)
            // The way out: eth0, the veth, the bridge, the gateway.
            #expect(
                try browser.run("return [...document.querySelectorAll('[data-station]')].map(e => e.dataset.station)")
                    as? [String] == ["interface", "peer", "bridge", "gateway"])
            #expect(try browser.text("#section-probes")?.contains("Not available") == true)
            #expect(try browser.text("#section-path")?.contains("not available") == true)
            // A fresh namespace was read by the second time.
            try browser.wait(
                "document.querySelector(arguments[0])?.lastElementChild.innerText.startsWith('7200')", [row])
            try browser.picture("namespace")

            try browser.open(agent, "#/topology")
            try browser.wait("document.querySelector('[data-bridge=br0]')")
            let drawn = try browser.run("return [...document.querySelectorAll('#topology a')].map(e => e.textContent)")
            let text = (drawn as? [String] ?? []).joined(separator: "\n")
            for name in world.names { #expect(text.contains("\(name), eth0")) }
            try browser.picture("topology")
            try browser.expectClean(agent)
        }

        @Test("a sysctl that changes is seen, and two clicks tell how to mend it")
        func drift() throws {
            let world = try PageWorld()
            let agent = try world.agent()
            let browser = try Browser()
            try browser.open(agent)
            try browser.wait(tile: "drifted", shows: "0")
            try world[1].set(PageWorld.path, "7201")
            try browser.wait(tile: "drifted", shows: "1")
            try browser.click("[data-tile=drifted]")
            #expect(try browser.names() == [world.names[1]])
            try browser.click("#namespaces tbody th a")
            let card = "#section-drifted [data-sysctl='\(PageWorld.sysctl)']"
            try browser.wait("document.querySelector(arguments[0])", [card])
            #expect(try browser.text("\(card) .expected dd") == "600")
            #expect(try browser.text("\(card) .actual dd") == "7201")
            #expect(try browser.text("\(card) .rule dd")?.hasPrefix("keepalive") == true)
            #expect(try browser.text("\(card) .since dd")?.contains("ago") == true)
            let entry = try #require(try agent.drift().drift.first)
            let command = try #require(try browser.text("\(card) .command"))
            #expect(entry.remedy.contains("now: \(command)\n"))
            try browser.picture("drifted")

            // The list of all has the same.
            try browser.open(agent, "#/drift")
            try browser.wait("document.querySelector('#drifts .card')")
            #expect(try browser.text("#drifts .command") == command)
            #expect(try browser.text("#drifts h2 a") == world.names[1])
            // What it says mends it.
            try Command.check("sh", "-c", command)
            try browser.wait(tile: "drifted", shows: "0")
            try browser.wait("!document.querySelector('#drifts .card')")
            try browser.expectClean(agent)
        }

        @Test("who wrote a sysctl is on its drift, and in the timeline of its namespace", .needs(.bpf))
        func writes() throws {
            let world = try PageWorld()
            let agent = try world.agent()
            let browser = try Browser()
            try browser.open(agent, "#/ns/\(world.names[1])")
            try browser.wait("document.querySelector('#section-writes')?.innerText.includes('None since')")
            for value in ["7201", "7202"] { try world[1].set(PageWorld.path, value) }
            let card = "#section-drifted [data-sysctl='\(PageWorld.sysctl)']"
            try browser.wait("document.querySelector(arguments[0])?.innerText.includes('7202')", [card])
            try browser.wait("document.querySelector(arguments[0])", ["\(card) .written dd"])
            let writer = try #require(try browser.text("\(card) .written dd"))
            #expect(writer.hasPrefix("sh (process ") && writer.hasSuffix(" from the host"), "\(writer)")
            // The newest first.
            let row = "#section-writes li[data-sysctl='\(PageWorld.sysctl)']"
            try browser.wait("document.querySelectorAll(arguments[0]).length === 2", [row])
            let texts = try browser.run(
                "return [...document.querySelectorAll(arguments[0])].map(e => e.innerText)", [row])
            let rows = try #require(texts as? [String])
            #expect(rows.count == 2 && rows[0].contains("7201 → 7202") && rows[1].contains("600 → 7201"), "\(rows)")
            #expect(rows.allSatisfy { $0.contains("applied") && $0.contains("user root") })
            // Another namespace has none of them.
            try browser.open(agent, "#/ns/\(world.names[2])")
            try browser.wait("document.querySelector('#section-writes')?.innerText.includes('None since')")
            try browser.expectClean(agent)
        }

        @Test("an interface that goes down is seen, with the device on its path")
        func interface() throws {
            let world = try PageWorld()
            let agent = try world.agent()
            let browser = try Browser()
            try browser.open(agent, "#/ns/\(world.names[2])")
            try browser.wait("document.querySelector('[data-station=peer].ok')")
            try world.host.check("ip", "link", "set", "v2", "down")
            try browser.wait("document.querySelector('[data-station=peer].broken')")
            try browser.wait(tile: "down", shows: "1")
            #expect(try browser.text("#netns-state")?.contains("1 down") == true)
            // Rates come with the second look.
            try browser.wait("document.querySelector('[data-device=eth0] .rates').innerText.includes('B/s')")
            // One that goes is not shown as if it were there.
            try world[2].delete()
            try browser.wait("document.querySelector('#netns-state').innerText.includes('gone')")
            try browser.expectClean(agent)
        }

        @Test("search, filters, order and pages, which the address keeps")
        func filters() throws {
            let crowd = try NamespaceCrowd(130)
            let agent = try AgentProcess([crowd.include, "--discovery.deep-interval=0"])
            let browser = try Browser()
            try browser.open(agent)
            try browser.wait("document.querySelector('#found').textContent === '130 namespaces'")
            #expect(try browser.names().count == 100)
            try browser.click("[data-step='1']")
            #expect(try browser.names().count == 30)
            // By name, with the numbers in it as numbers.
            try browser.click("[data-column=name] button")
            #expect(try browser.names() == Array(crowd.names[..<100]))
            try browser.click("[data-column=name] button")
            #expect(try browser.names() == crowd.names.reversed().prefix(100).map(\.self))
            #expect(
                try browser.run("return document.querySelector('[data-column=name]').ariaSort") as? String
                    == "descending")
            // A slash goes to the search, from anywhere.
            try browser.run("document.activeElement.blur()")
            try browser.type("/" + crowd.prefix.dropLast(0) + "12")
            let expected = crowd.names.filter { $0.hasPrefix(crowd.prefix + "12") }.reversed().map(\.self)
            #expect(try browser.names() == expected && expected.count == 11)
            try browser.reload()
            try browser.wait("document.querySelector('#found').textContent.startsWith('11 of')")
            #expect(try browser.names() == expected)
            try browser.click("#search")
            try browser.type(Browser.Key.escape)
            #expect(try browser.text("#found") == "130 namespaces")
            // Nothing has drifted, and none is a container's.
            for (filter, count) in [
                ("show=drifted", "0 of"), ("place=pod", "0 of"), ("origin=mount", "130"), ("show=well", "130"),
            ] {
                try browser.open(agent, "#/?\(filter)")
                try browser.wait("document.querySelector('#found').textContent.startsWith(arguments[0])", [count])
            }
            try browser.expectClean(agent)
        }

        @Test("the browser's back button goes through the views as they were")
        func back() throws {
            let world = try PageWorld()
            try world[0].set(PageWorld.path, "7201")
            let agent = try world.agent()
            let browser = try Browser()
            try browser.open(agent)
            try browser.wait(tile: "drifted", shows: "1")
            try browser.click("[data-tile=drifted]")
            try browser.click("#namespaces tbody th a")
            try browser.wait("document.querySelector('#section-drifted .card')")
            try browser.click("#in-topology")
            try browser.wait("document.querySelector('.station.chosen')")
            try browser.back()
            try browser.wait("document.querySelector('h1').innerText === arguments[0]", [world.names[0]])
            try browser.back()
            try browser.wait("document.querySelector('h1').innerText === 'Namespaces'")
            #expect(try browser.names() == [world.names[0]])
            try browser.back()
            #expect(try browser.names().count == world.names.count + 1)
            try browser.expectClean(agent)
        }

        @Test("with the keyboard alone to what mends a drift")
        func keyboard() throws {
            let world = try PageWorld()
            try world[0].set(PageWorld.path, "7201")
            let agent = try world.agent()
            let browser = try Browser()
            try browser.open(agent)
            try browser.wait(tile: "drifted", shows: "1")
            func tab(to selector: String) throws {
                for _ in 0..<60 {
                    try browser.type(Browser.Key.tab)
                    if try browser.run("return document.activeElement.matches(arguments[0])", [selector]) as? Bool
                        == true
                    {
                        return
                    }
                }
                throw Trouble("no \(selector) with 60 tabs")
            }
            try tab(to: "[data-tile=drifted]")
            try browser.type(Browser.Key.enter)
            try tab(to: "#namespaces tbody th a")
            try browser.type(Browser.Key.enter)
            try browser.wait("document.activeElement.tagName === 'H1'")
            try browser.wait("document.querySelector('#section-drifted .copy')")
            try tab(to: "#section-drifted .copy")
            // The focus stays where it is when the page is renewed.
            let age = "document.querySelector('#age').textContent"
            try browser.wait("\(age) !== 'Live, 0 s ago'")
            try browser.wait("\(age) === 'Live, 0 s ago'")
            #expect(try browser.run("return document.activeElement.matches('#section-drifted .copy')") as? Bool == true)
            try browser.type(Browser.Key.enter)
            try browser.wait("document.querySelector('#status').textContent.startsWith('Copied')")
            try browser.expectClean(agent)
        }

        @Test("an agent that is stopped, or gone, is told of, and its return seen")
        func restart() throws {
            let world = try PageWorld()
            var agent = try world.agent()
            let address = try agent.listening()
            let browser = try Browser()
            try browser.open(agent)
            try browser.expectClean(agent)
            let isTold = "!document.querySelector('#banner').hidden"
            // One that accepts and does not answer.
            agent.send(SIGSTOP)
            try browser.wait(isTold, within: 60)
            agent.send(SIGCONT)
            try browser.wait("!(\(isTold))")
            agent.kill()
            try browser.wait("\(isTold) && document.querySelector('#age').textContent.endsWith('old')")
            #expect(try browser.text("#banner")?.contains("does not answer") == true)
            // What was known stays, and is said to be old.
            #expect(try browser.text("[data-tile=drifted] strong") == "0")
            #expect(try browser.names().count == world.names.count + 1)
            try browser.picture("without-agent")
            try world[0].set(PageWorld.path, "7201")
            agent = try world.agent(listen: address)
            try browser.wait("!(\(isTold))")
            try browser.wait(tile: "drifted", shows: "1")
            #expect(try browser.text("#age")?.hasPrefix("Live") == true)
        }
    }
}

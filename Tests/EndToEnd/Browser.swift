import Foundation
import TestSupport
import Testing

/// A real Chromium without a window, driven by chromedriver over WebDriver on 127.0.0.1, with a profile of its own. It ends
/// when the test lets go of it. Source: W3C WebDriver, and what chromedriver adds below `/goog/`.
final class Browser {
    private let driver = Process()
    private let directory: TemporaryDirectory
    private let address: String
    private var session = ""

    /// A browser with a page of this size.
    init(width: Int = 1280, height: Int = 900) throws {
        directory = try TemporaryDirectory()
        guard let path = Command.path(of: "chromedriver") else { throw Trouble("no chromedriver") }
        let output = try directory.write("driver", "")
        driver.executableURL = URL(fileURLWithPath: path)
        driver.arguments = ["--port=0"]
        driver.standardInput = FileHandle.nullDevice
        driver.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
        driver.standardError = FileHandle.nullDevice
        try driver.run()
        let port = eventually(within: 20) { () -> Substring? in
            let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
            return text.firstMatch(of: /successfully on port (\d+)/)?.output.1
        }
        guard let port else {
            driver.terminate()
            throw Trouble("chromedriver did not start")
        }
        address = "127.0.0.1:\(port)"
        let arguments = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
            "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
            // No name is looked up: what is not on 127.0.0.1 is not reached.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--window-size=\(width),\(height)",
            "--user-data-dir=\(directory.path)/profile",
        ]
        let capabilities: [String: Any] = [
            "goog:chromeOptions": ["args": arguments],
            "goog:loggingPrefs": ["browser": "ALL", "performance": "ALL"],
        ]
        let answer = try call("POST", "/session", ["capabilities": ["alwaysMatch": capabilities]]) as? [String: Any]
        guard let id = answer?["sessionId"] as? String else { throw Trouble("no session: \(answer ?? [:])") }
        session = "/session/\(id)"
        try resize(width, height)
    }

    deinit {
        if !session.isEmpty { _ = try? call("DELETE", session) }
        // It ends its browsers with itself, those of sessions that nobody knows too.
        _ = try? call("GET", "/shutdown")
        driver.terminate()
        if driver.awaitEnd(within: 5) == nil { kill(driver.processIdentifier, SIGKILL) }
    }

    private func call(_ method: String, _ path: String, _ body: [String: Any]? = nil) throws -> Any? {
        let data = try body.map { try JSONSerialization.data(withJSONObject: $0) }
        let connection = try HTTPConnection(address)
        // It answers nobody who calls it by another name, and closes no connection.
        try connection.request(method, path, [("Content-Type", "application/json")], host: address, body: data)
        let answer = try connection.answer(staysOpen: true)
        let object = try JSONSerialization.jsonObject(with: answer.body) as? [String: Any]
        guard answer.status == 200 else { throw Trouble("\(method) \(path): \(answer.text?.prefix(600) ?? "")") }
        return object?["value"]
    }

    // MARK: The page

    /// Opens an address, and waits until it is loaded.
    func open(_ url: String) throws { _ = try call("POST", session + "/url", ["url": url]) }

    /// Opens it anew.
    func reload() throws { _ = try call("POST", session + "/refresh", [:]) }

    /// As by the browser's own button.
    func back() throws { _ = try call("POST", session + "/back", [:]) }

    /// Makes the page as large as a screen of this size shows it.
    func resize(_ width: Int, _ height: Int) throws {
        try devtools(
            "Emulation.setDeviceMetricsOverride",
            ["width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600])
    }

    /// Runs the body of a function in the page: what it returns.
    @discardableResult
    func run(_ script: String, _ arguments: [Any] = []) throws -> Any? {
        let value = try call("POST", session + "/execute/sync", ["script": script, "args": arguments])
        return value is NSNull ? nil : value
    }

    /// A command of the DevTools protocol.
    func devtools(_ command: String, _ parameters: [String: Any]) throws {
        _ = try call("POST", session + "/goog/cdp/execute", ["cmd": command, "params": parameters])
    }

    /// The text of the first element that a selector chooses, as it is shown; nil when there is none.
    func text(_ selector: String) throws -> String? {
        try run("return document.querySelector(arguments[0])?.innerText ?? null", [selector]) as? String
    }

    /// The texts of all elements that a selector chooses.
    func texts(_ selector: String) throws -> [String] {
        try run("return [...document.querySelectorAll(arguments[0])].map(e => e.innerText)", [selector]) as? [String]
            ?? []
    }

    /// Waits until a script returns true, for at most `seconds`.
    func wait(_ script: String, _ arguments: [Any] = [], within seconds: Double = 30) throws {
        let isTrue = try eventually(within: seconds) {
            try run("return Boolean(\(script))", arguments) as? Bool == true ? true : nil
        }
        guard isTrue == true else {
            throw Trouble(
                "\(script) \(arguments) did not become true; the page: \(try text("body")?.prefix(1500) ?? "")")
        }
    }

    /// Clicks where a person would.
    func click(_ selector: String) throws {
        let found = try call("POST", session + "/element", ["using": "css selector", "value": selector])
        guard let id = (found as? [String: String])?.values.first else { throw Trouble("no \(selector)") }
        _ = try call("POST", session + "/element/\(id)/click", [:])
    }

    /// Types, key by key, into what has the focus. The keys that are no text are in `Key`.
    func type(_ text: String) throws {
        let keys = text.map { key in
            [["type": "keyDown", "value": String(key)], ["type": "keyUp", "value": String(key)]]
        }.joined()
        _ = try call(
            "POST", session + "/actions",
            ["actions": [["type": "key", "id": "keyboard", "actions": Array(keys)] as [String: Any]]])
    }

    /// Keys that are no text, by WebDriver's code points.
    enum Key {
        static let tab = "\u{E004}"
        static let enter = "\u{E007}"
        static let escape = "\u{E00C}"
    }

    // MARK: What was seen

    /// What the console was told since the last time.
    func console() throws -> [String] {
        let entries = try call("POST", session + "/se/log", ["type": "browser"]) as? [[String: Any]] ?? []
        return entries.map { "\($0["level"] ?? "") \($0["message"] ?? "")" }
    }

    /// The addresses that were asked for since the last time, but for those within the browser and the page itself.
    func requests() throws -> [String] {
        let entries = try call("POST", session + "/se/log", ["type": "performance"]) as? [[String: Any]] ?? []
        return try entries.compactMap { entry in
            guard let text = entry["message"] as? String,
                let root = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any],
                let message = root["message"] as? [String: Any],
                message["method"] as? String == "Network.requestWillBeSent",
                let parameters = message["params"] as? [String: Any],
                let request = parameters["request"] as? [String: Any]
            else { return nil }
            return request["url"] as? String
        }.filter { !$0.hasPrefix("chrome") && !$0.hasPrefix("data:") }
    }

    /// Keeps a picture of the page: `swift test --attachments-path DIRECTORY` writes it there.
    func picture(_ name: String) throws {
        guard let text = try call("GET", session + "/screenshot") as? String, let data = Data(base64Encoded: text)
        else {
            throw Trouble("no picture")
        }
        Attachment.record(Array(data), named: "\(name).png")
    }
}

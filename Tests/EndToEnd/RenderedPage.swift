import Foundation
import TestSupport

/// A page as the real Chromium has drawn it.
struct RenderedPage {
    /// The document after its scripts ran.
    let source: String
    /// What the console of the browser has: errors of scripts and of requests.
    let messages: [String]

    /// Chromium runs in virtual time, which stands still while an answer is awaited: the page has asked and drawn at the end.
    init(_ address: String) throws {
        let profile = try TemporaryDirectory()
        let result = try Command.run(
            [
                "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--no-first-run", "--disable-background-networking", "--user-data-dir=\(profile.path)",
                "--window-size=1280,1024", "--enable-logging=stderr", "--virtual-time-budget=10000", "--dump-dom",
                address,
            ], timeout: 120)
        guard result.status == 0, !result.output.isEmpty else {
            throw Trouble("Chromium does not draw \(address): \(result.errors)")
        }
        source = result.output
        messages = result.errors.split(separator: "\n").filter { $0.contains(":CONSOLE") }.map(String.init)
    }

    /// The title of the document, as its source has it.
    var title: Substring { source.firstMatch(of: /<title>(.*?)<\/title>/)?.output.1 ?? "" }

    /// The panels of a console and their state, in order.
    var panels: [(String, String)] {
        source.matches(of: /data-panel="([^"]*)" data-state="([^"]*)"/).map {
            (String($0.output.1), String($0.output.2))
        }
    }
}

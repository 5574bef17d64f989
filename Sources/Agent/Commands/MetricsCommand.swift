internal import ArgumentParser

/// `netdrift metrics`: what can be exported.
struct MetricsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics", abstract: "Show every metric that can be exported.",
        discussion: "A line for each, with tabs between: name, type, collector, labels and what it is.")

    @Flag(help: "As the text of docs/metrics.md.") var markdown = false

    func run() throws {
        let catalog = MetricCatalog()
        try Output.print(markdown ? catalog.markdown : catalog.text)
    }
}

/// `X-Prometheus-Scrape-Timeout-Seconds`: how long Prometheus waits for an answer.
package enum ScrapeTimeout {
    /// The seconds, an hour at most; nil when the text is no positive number.
    package static func seconds(_ text: String) -> Double? {
        guard let seconds = Double(text), seconds.isFinite, seconds > 0 else { return nil }
        return min(seconds, 3600)
    }
}

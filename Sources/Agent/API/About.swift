internal import FoundationEssentials

/// What this agent is, and what else it answers: `/api/v1/about`. It says the same as long as the agent runs.
struct About: Encodable {
    let version: String
    /// When the agent started, seconds since the epoch.
    let started: Double
    /// The path of the metrics.
    let metrics: String
    /// The paths of the API that have an answer here, sorted.
    let endpoints: [String]

    /// As JSON.
    func json() throws -> [UInt8] { try APIEncoder.encode(self) }
}

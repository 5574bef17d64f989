internal import FoundationEssentials
internal import NetnsCore
internal import Web

/// Asks the agent of this host.
struct WritesClient {
    /// Where an agent listens that was not told otherwise.
    static let usualAddress = "127.0.0.1:10124"

    private let address: ListenAddress
    private let text: String

    init(_ text: String) throws {
        self.text = text
        address = try ListenAddress(parsing: text)
    }

    /// The newest `limit` writes of a namespace, or of all, oldest first; `sysctl` is a name or a glob.
    func ask(netns: String?, sysctl: String?, after: UInt64 = 0, limit: Int, within seconds: Int = 10) throws
        -> WriteListing
    {
        var path = "/api/v1/writes?after=\(after)&limit=\(limit)"
        if let netns { path += "&netns=\(Self.escaped(netns))" }
        if let sysctl { path += "&sysctl=\(Self.escaped(sysctl))" }
        let answer: LocalRequest.Answer
        do { answer = try LocalRequest.send(path, to: address, within: seconds) } catch {
            throw Failure("\(error); is the agent running? --agent says where it listens")
        }
        switch answer {
        case .unintelligible:
            throw Failure("what listens at \(text) speaks no plain HTTP: an agent with TLS cannot be asked so")
        case .answer(401, _): throw Failure("the agent at \(text) wants a password: ask /api/v1/writes by curl")
        case .answer(200, let body):
            do { return try JSONDecoder().decode(WriteListing.self, from: Data(body)) } catch {
                throw Failure("the agent at \(text) answered something else: \(error)")
            }
        case .answer(let status, let body):
            let said = PrintableText.string(Array(body.prefix(500).filter { $0 != 0x0A }))
            throw Failure("the agent at \(text) answered \(status): \(said)")
        }
    }

    private static func escaped(_ text: String) -> String {
        var out = ""
        for byte in text.utf8 {
            let isPlain = (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            if isPlain || byte == 0x2E || byte == 0x5F || byte == 0x2D {
                out.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                out += "%" + (digits.count < 2 ? "0" : "") + digits
            }
        }
        return out
    }

    /// The last write of a sysctl in each namespace, newest first: what the agent at `address` has heard, or the one at the usual
    /// address, where that does not answer nothing.
    static func last(_ sysctl: SysctlName, from address: String?) throws -> [WriteListing.Entry] {
        let writes: [WriteListing.Entry]
        do {
            writes = try WritesClient(address ?? usualAddress).ask(
                netns: nil, sysctl: SysctlPattern.literal(sysctl), limit: WriteFilter.maximum, within: 2
            ).writes
        } catch {
            guard address == nil else { throw error }
            return []
        }
        var seen: Set<String> = []
        return writes.reversed().filter { $0.result != "refused" && seen.insert($0.netns).inserted }
    }
}

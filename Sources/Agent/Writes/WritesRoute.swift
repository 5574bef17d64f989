internal import NetnsCore
internal import Web

/// Answers `/api/v1/writes[?netns=NAME][&sysctl=PATTERN][&after=NUMBER][&limit=N]`: the last writes of sysctls.
///
/// Concurrency: called on the server's threads; waits for nothing.
struct WritesRoute: Sendable {
    let monitor: WriteMonitor

    func handle(_ request: Request, _ responder: Responder) {
        do throws(BadRequest) {
            let filter = try filter(request)
            let found = monitor.entries(after: filter.after, limit: filter.limit) { filter.admits($0) }
            do {
                let body = Body(copying: try APIEncoder.encode(WriteListing(found, monitor.counts)))
                responder.respond(Response(status: 200, headers: APIRoutes.headers, body: body))
            } catch { responder.respond(.text(500, "the list failed: \(error)\n")) }
        } catch { responder.respond(.text(400, "\(error)\n")) }
    }

    private func filter(_ request: Request) throws(BadRequest) -> WriteFilter {
        var filter = WriteFilter()
        filter.netns = try value("netns", request)
        if let text = try value("sysctl", request) {
            do throws(SysctlNameError) { filter.sysctl = try SysctlPattern(text) } catch {
                throw BadRequest("sysctl: \(error)")
            }
        }
        if let text = try value("after", request) {
            guard let number = UInt64(text) else { throw BadRequest("after is the number of a write") }
            filter.after = number
        }
        if let text = try value("limit", request) {
            guard let number = Int(text), number > 0 else { throw BadRequest("limit is a number above 0") }
            filter.limit = min(number, WriteFilter.maximum)
        }
        return filter
    }

    private func value(_ key: String, _ request: Request) throws(BadRequest) -> String? {
        let values = request.queryValues(key)
        guard values.count <= 1 else { throw BadRequest("\(key) is given more than once") }
        return values.first
    }
}

internal import Web

/// What lies below `/api/v1/` and is answered from a collection.
enum APIRoutes {
    /// A route, and whether it has an answer here: what is switched off says so instead.
    typealias Entry = (route: Route, isAnswered: Bool)

    /// What every answer says, but for its encoding.
    static let headers = [
        (name: "Content-Type", value: "application/json"), (name: "Cache-Control", value: "no-store"),
    ]

    /// All of them: the literal table.
    static func all(
        _ scraper: Scraper, _ diagnose: DiagnoseRoute, tellsDrift: Bool, probes: Bool, writes: SceneWrites
    ) -> [Entry] {
        [
            (plain("/api/v1/namespaces", .namespaces, scraper), true),
            (overview(scraper), true),
            (namespace(scraper), true),
            (
                tellsDrift
                    ? plain("/api/v1/drift", .drift, scraper)
                    : off("/api/v1/drift", "nothing is evaluated: collector drift is switched off"), tellsDrift
            ),
            (
                probes
                    ? plain("/api/v1/probes", .probes, scraper)
                    : off("/api/v1/probes", "nothing is probed: collector probe is switched off"), probes
            ),
            (
                writes.monitor.map { monitor in
                    Route("/api/v1/writes") { request, responder in
                        WritesRoute(monitor: monitor).handle(request, responder)
                    }
                } ?? off("/api/v1/writes", "writes are not heard: \(writes.reason) (docs/writes.md)"),
                writes.monitor != nil
            ),
            // It sends packets, which an agent without that collector never does.
            (
                probes
                    ? Route("/api/v1/diagnose") { request, responder in diagnose.handle(request, responder) }
                    : off("/api/v1/diagnose", "nothing is probed: collector probe is switched off"), probes
            ),
        ]
    }

    private static func plain(_ path: String, _ resource: Resource, _ scraper: Scraper) -> Route {
        Route(path) { request, responder in scraper.submit(resource, gzip: gzip(request), responder) }
    }

    /// With `max_age=SECONDS` an older collection will do: who opens a page sees something at once.
    private static func overview(_ scraper: Scraper) -> Route {
        Route("/api/v1/overview") { request, responder in
            let ages = request.queryValues("max_age").map { Double($0) }
            guard ages.allSatisfy({ $0.map { $0 >= 0 } ?? false }), ages.count <= 1 else {
                return responder.respond(.text(400, "max_age is no number of seconds\n"))
            }
            scraper.submit(.overview, gzip: gzip(request), maximumAge: ages.first ?? nil, responder)
        }
    }

    private static func namespace(_ scraper: Scraper) -> Route {
        Route("/api/v1/namespace") { request, responder in
            let names = request.queryValues("netns")
            guard let name = names.first, names.count == 1 else {
                return responder.respond(.text(400, "which namespace? /api/v1/namespace?netns=NAME\n"))
            }
            scraper.submit(.namespace(name), gzip: gzip(request), responder)
        }
    }

    /// What is switched off says so.
    private static func off(_ path: String, _ reason: String) -> Route {
        Route(path) { _, responder in responder.respond(.text(404, reason + "\n")) }
    }

    private static func gzip(_ request: Request) -> Bool {
        AcceptEncoding(request.header("Accept-Encoding")).prefersGzip
    }
}

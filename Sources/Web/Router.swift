/// Finds the handler of a request.
struct Router: Sendable {
    enum Match {
        case handler(Route.Handler)
        /// The path is known, the method is not; with the methods in the order of their routes.
        case methodNotAllowed([String])
        case notFound
    }

    private let routes: [String: [(method: String, handler: Route.Handler)]]

    /// Throws `WebError.duplicateRoute` if two routes claim the same request.
    init(_ list: [Route]) throws(WebError) {
        var routes: [String: [(method: String, handler: Route.Handler)]] = [:]
        for route in list {
            for method in route.methods {
                guard routes[route.path, default: []].allSatisfy({ $0.method != method }) else {
                    throw .duplicateRoute(method: method, path: route.path)
                }
                routes[route.path, default: []].append((method: method, handler: route.handler))
            }
        }
        self.routes = routes
    }

    func match(method: String, path: String) -> Match {
        guard let methods = routes[path] else { return .notFound }
        if let found = methods.first(where: { $0.method == method }) { return .handler(found.handler) }
        return .methodNotAllowed(methods.map(\.method))
    }
}

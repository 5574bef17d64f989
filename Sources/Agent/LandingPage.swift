/// The page at `/` with `--web.disable-page`: what this is, and where the rest is.
enum LandingPage {
    static func html(telemetryPath: String) -> String {
        let path = escape(telemetryPath)
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>netdrift</title>
            <style>
            body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem;
              color: #1b1f24; background: #fff; }
            a { color: #0550ae; }
            footer { color: #57606a; font-size: 0.875rem; margin-top: 2rem; }
            @media (prefers-color-scheme: dark) {
              body { color: #e6edf3; background: #0d1117; } a { color: #79c0ff; } footer { color: #8b949e; }
            }
            </style>
            </head>
            <body>
            <h1>netdrift</h1>
            <p>Every network namespace of this host, for Prometheus: its sysctls and whether they are what they should be, its
            interfaces, addresses, routes, protocols and sockets.</p>
            <ul>
            <li><a href="\(path)">Metrics</a></li>
            <li><a href="/api/v1/namespaces">Namespaces, as JSON</a></li>
            <li><a href="/api/v1/overview">Namespaces in few words, as JSON</a></li>
            <li><a href="/api/v1/drift">Drift, as JSON</a></li>
            <li><a href="/api/v1/about">This agent and its API, as JSON</a></li>
            <li><a href="/-/healthy">Health</a></li>
            <li><a href="/-/ready">Readiness</a></li>
            </ul>
            <footer>netdrift \(escape(Version.number))</footer>
            </body>
            </html>

            """
    }

    private static func escape(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}

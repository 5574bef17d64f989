internal import ArgumentParser
internal import Glibc
internal import Logging
internal import NetnsSystem

/// How log lines look.
enum LogFormat: String, CaseIterable, ExpressibleByArgument, Sendable {
    /// `time=... level=info msg="..." key=value`, as the programs of Prometheus log.
    case logfmt
    /// One JSON object a line.
    case json
}

/// Writes log lines to standard error, each by one write(2), so that lines of several threads do not mix.
struct StandardErrorLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level
    private let format: LogFormat

    init(level: Logger.Level, format: LogFormat) {
        logLevel = level
        self.format = format
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { _, new in new }.sorted { $0.key < $1.key }
            .map { (key: $0.key, value: "\($0.value)") }
        var line = Self.line(
            format, time: WallClock.timestamp(), level: Self.name(event.level), message: "\(event.message)", fields)
        line += "\n"
        var bytes = Array(line.utf8)[...]
        while !bytes.isEmpty {
            let written = unsafe bytes.withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count) }
            // A log that cannot be written (a full disk, a closed pipe) must not stop the agent.
            if written < 0 && errno != EINTR { return }
            if written > 0 { bytes = bytes.dropFirst(written) }
        }
    }

    /// A line of the log without its end.
    static func line(
        _ format: LogFormat, time: String, level: String, message: String, _ fields: [(key: String, value: String)]
    ) -> String {
        let all = [("time", time), ("level", level), ("msg", message)] + fields.map { ($0.key, $0.value) }
        switch format {
        case .logfmt:
            return all.map { "\($0.0)=\(quotedIfNeeded($0.1))" }.joined(separator: " ")
        case .json:
            return "{" + all.map { "\(JSONText.quoted($0.0)):\(JSONText.quoted($0.1))" }.joined(separator: ",") + "}"
        }
    }

    /// A value with a space, a quote, an equals sign or a control character is quoted, so that a name that a container
    /// chose cannot make a line of its own.
    private static func quotedIfNeeded(_ text: String) -> String {
        let isPlain =
            !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x3D && $0 != 0x5C }
        return isPlain ? text : JSONText.quoted(text)
    }

    private static func name(_ level: Logger.Level) -> String {
        switch level {
        case .trace, .debug: "debug"
        case .info, .notice: "info"
        case .warning: "warn"
        case .error, .critical: "error"
        }
    }
}

/// JSON's strings. Source: RFC 8259 section 7.
enum JSONText {
    static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case _
            where scalar.value < 0x20 || scalar.value == 0x7F || scalar.value == 0x2028 || scalar.value == 0x2029:
                let digits = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}

extension WallClock {
    /// A time, seconds since the epoch, as RFC 3339 writes it in UTC with milliseconds.
    static func timestamp(of now: Double = WallClock.now()) -> String {
        var seconds = time_t(now)
        var parts = unsafe tm()
        unsafe gmtime_r(&seconds, &parts)
        func pad(_ value: Int32, _ width: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        let date = unsafe "\(parts.tm_year + 1900)-\(pad(parts.tm_mon + 1, 2))-\(pad(parts.tm_mday, 2))"
        let time = unsafe "\(pad(parts.tm_hour, 2)):\(pad(parts.tm_min, 2)):\(pad(parts.tm_sec, 2))"
        let milliseconds = Int32((now - now.rounded(.down)) * 1000)
        return "\(date)T\(time).\(pad(milliseconds, 3))Z"
    }
}

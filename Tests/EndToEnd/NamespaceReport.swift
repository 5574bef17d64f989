import Foundation
import TestSupport

/// What `netdrift list --json` and `/api/v1/namespaces` say.
struct NamespaceReport {
    /// An object of it.
    struct Object: Equatable {
        var values: [String: Any]

        subscript(_ key: String) -> String? { values[key] as? String }
        func number(_ key: String) -> Int? { (values[key] as? NSNumber)?.intValue }
        func objects(_ key: String) -> [Object] { (values[key] as? [[String: Any]] ?? []).map(Object.init) }
        func texts(_ key: String) -> [String: String]? { values[key] as? [String: String] }

        /// The interface of a namespace.
        func interface(_ device: String) -> Object? { objects("interfaces").first { $0["device"] == device } }

        static func == (a: Object, b: Object) -> Bool { NSDictionary(dictionary: a.values).isEqual(to: b.values) }
    }

    let namespaces: [Object]

    init(_ data: Data) throws {
        guard let root = try JSONSerialization.jsonObject(with: data) as? [String: Any],
            root.keys.elementsEqual(["namespaces"]), let list = root["namespaces"] as? [[String: Any]]
        else { throw Trouble("no list of namespaces: \(String(decoding: data.prefix(200), as: UTF8.self))") }
        namespaces = list.map(Object.init)
    }

    /// `netdrift list --json`, which has to work.
    static func list(_ flags: [String]) throws -> NamespaceReport {
        let result = try AgentProcess.run(["list", "--json"] + flags)
        guard result.status == 0 else { throw Trouble(result.errors) }
        return try NamespaceReport(Data(result.output.utf8))
    }

    subscript(_ inode: UInt64) -> Object? { namespaces.first { $0.number("inode") == Int(inode) } }

    subscript(_ name: String) -> Object? { namespaces.first { $0["name"] == name } }
}

extension AgentProcess {
    /// What the API says, which has to answer.
    func report() throws -> NamespaceReport {
        let answer = try get("/api/v1/namespaces")
        guard answer.status == 200 else { throw Trouble("\(answer.status) \(answer.text ?? "")") }
        return try NamespaceReport(answer.body)
    }
}

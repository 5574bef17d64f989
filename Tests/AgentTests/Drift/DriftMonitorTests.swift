import Testing

@testable import Agent
@testable import NetnsCore

/// What is followed from collection to collection.
@Suite struct DriftMonitorTests {
    private let namespace: NamespaceSample
    private let stage: DriftStage

    init() throws {
        namespace = try DriftStage.namespace("a", inode: 1, .value("600\n"))
        stage = DriftStage([namespace], [try DriftStage.rule(.equal("600"))])
    }

    /// One line each time that it becomes another, and none while it stays.
    @Test func aChangeIsToldOnce() {
        #expect(stage.evaluate().isEmpty)
        namespace.read(.value("700"))
        let labels = "netns=a"
        let rest = "rule=r severity=warning source=config sysctl=net.ipv4.tcp_keepalive_time"
        #expect(stage.evaluate(at: 5) == ["a sysctl drifted actual=700 expected=600 \(labels) old=600 \(rest)"])
        #expect(stage.evaluate(at: 6).isEmpty)
        #expect(stage.states(namespace) == ["r tcp_keepalive_time drifted 5"])
        namespace.read(.value("800"))
        #expect(stage.evaluate() == ["a drifted sysctl changed actual=800 expected=600 \(labels) old=700 \(rest)"])
        #expect(stage.states(namespace) == ["r tcp_keepalive_time drifted 5"])
        namespace.read(.value("600"))
        #expect(
            stage.evaluate() == ["a sysctl is no longer drifted actual=600 expected=600 \(labels) old=800 \(rest)"])
        #expect(stage.states(namespace) == ["r tcp_keepalive_time matched"])
        #expect(stage.evaluate().isEmpty)
        #expect(stage.monitor[namespace]?.history.changes(at: 0) == 3)
    }

    /// Whatever one look misses, a drift that goes on began when it did, and is not told again.
    @Test(arguments: ["unreadable", "not read", "no sysctls", "missing", "reload", "reload while not read"])
    func aDriftThatGoesOnKeepsItsBeginning(_ between: String) throws {
        namespace.read(.value("700"))
        stage.evaluate(at: 2)
        switch between {
        case "unreadable":
            namespace.read(.state(.unreadable(5)))
            #expect(stage.evaluate().isEmpty)
            #expect(stage.states(namespace) == ["r tcp_keepalive_time unreadable 2"])
        case "not read", "no sysctls":
            if between == "not read" { namespace.wasRead = false } else { namespace.hasSysctls = false }
            #expect(stage.evaluate().isEmpty)
            #expect(stage.states(namespace) == nil)
        case "missing":
            stage.namespaces = []
            #expect(stage.evaluate().isEmpty)
            stage.namespaces = [namespace]
        case "reload":
            stage.reconfigure([try DriftStage.rule(.equal("601"))])
        default:
            stage.reconfigure([try DriftStage.rule(.equal("601"))])
            namespace.wasRead = false
            stage.evaluate()
        }
        namespace.read(.value("700"))
        #expect(stage.evaluate().isEmpty)
        #expect(stage.states(namespace) == ["r tcp_keepalive_time drifted 2"])
        let watch = try #require(stage.monitor[namespace])
        #expect(watch.expected(0, host: nil) == (between.hasPrefix("reload") ? "601" : "600"))
        #expect(watch.history.changes(at: 0) == 0)
    }

    /// The rules of a reload are those of every namespace, of one too that the next collection did not reach.
    @Test func aReloadReachesWhatIsReadLater() throws {
        stage.evaluate()
        stage.reconfigure([try DriftStage.rule(.equal("1"), named: "other")])
        namespace.wasRead = false
        stage.evaluate()
        namespace.wasRead = true
        stage.evaluate(at: 9)
        #expect(stage.states(namespace) == ["other tcp_keepalive_time drifted 9"])
        stage.reconfigure([])
        stage.evaluate()
        #expect(stage.states(namespace) == [])
    }

    /// Nothing of a dead namespace is on another, nor kept.
    @Test func anInodeThatIsUsedAgain() throws {
        namespace.read(.value("700"))
        stage.evaluate(at: 2)
        let other = NamespaceSample(
            serial: 77, inode: 1, isHost: false, firstSeen: 3, table: namespace.sysctls.table)
        other.name = "a"
        other.read(.value("700"))
        stage.namespaces = [other]
        #expect(stage.evaluate(at: 3).count == 1)
        #expect(stage.states(other) == ["r tcp_keepalive_time drifted 3"])
        #expect(stage.monitor[namespace] == nil)
        stage.evaluate()
        #expect(stage.monitor.watchCount == 1)
    }

    /// An interface that comes makes a new table: what was followed goes on, and the lists of old tables go.
    @Test func aTableThatChanges() throws {
        namespace.read(.value("700"))
        stage.evaluate(at: 2)
        for index in 0..<50 {
            let table = SysctlTable([try SysctlName(DriftStage.keepalive), try SysctlName("net.ipv4.conf.v\(index).x")])
            namespace.sysctls.begin(table)
            namespace.read(.value("700"))
            stage.evaluate()
        }
        #expect(stage.states(namespace) == ["r tcp_keepalive_time drifted 2"])
        #expect(stage.monitor.listCount == 1)
        stage.namespaces = []
        stage.evaluate()
        stage.evaluate()
        #expect(stage.monitor.watchCount == 0 && stage.monitor.listCount == 0)
    }

    /// What the host has not, nobody can be compared with; what could not be read of it now, says nothing.
    @Test func aHostThatWasNotRead() throws {
        let host = try DriftStage.namespace("host", inode: 9, .value("600"), isHost: true)
        let stage = DriftStage([namespace], [try DriftStage.rule(.sameAs(.host))])
        stage.host = host
        stage.evaluate(at: 1)
        #expect(stage.states(namespace) == ["r tcp_keepalive_time matched"])
        namespace.read(.value("700"))
        let line = try #require(stage.evaluate(at: 2).first)
        #expect(line.contains("actual=700 expected=same as host (600)") && line.contains("source=host"))
        stage.host = nil
        #expect(stage.evaluate().isEmpty)
        #expect(stage.states(namespace) == ["r tcp_keepalive_time unreadable 2"])
        stage.host = host
        host.read(.state(.unreadable(13)))
        #expect(stage.evaluate().isEmpty)
        #expect(stage.states(namespace) == ["r tcp_keepalive_time unreadable 2"])
        host.read(.value("600"))
        #expect(stage.evaluate().isEmpty)
        #expect(stage.states(namespace) == ["r tcp_keepalive_time drifted 2"])
        host.read(.state(.absent))
        #expect(stage.evaluate().count == 1)
        #expect(stage.states(namespace) == ["r tcp_keepalive_time absent"])
    }

    /// As many lines as are of use.
    @Test func aStormIsCutShort() throws {
        let many = try (0..<150).map { try DriftStage.namespace("n\($0)", inode: UInt64($0 + 10), .value("1")) }
        let stage = DriftStage(many, [try DriftStage.rule(.equal("600"))])
        let lines = stage.evaluate()
        #expect(lines.count == 101)
        #expect(lines.last?.contains("count=150 logged=100") == true)
        #expect(many.allSatisfy { stage.states($0) == ["r tcp_keepalive_time drifted 1"] })
        #expect(stage.evaluate().isEmpty)
    }

    @Test func whatASourceSays() throws {
        var container = Container(
            id: "c", runtime: .runc, name: "c", pod: nil, podNamespace: nil, isSandbox: false, network: .own, pid: 1,
            startTime: 1, created: 1, declared: [], owner: 0)
        container.declared = [DeclaredSysctl(name: try SysctlName(DriftStage.keepalive), value: "0x258")]
        namespace.containers = [container]
        let name = try SysctlName(DriftStage.keepalive)
        let references = DriftMonitor.References(
            fresh: [name: Array("7200".utf8)], baseline: Baseline(namespaces: ["a": [name: "500"], "b": [name: "1"]]))
        let rules = [
            try DriftStage.rule(.equal("700"), named: "config"), try DriftStage.rule(.sameAs(.fresh), named: "fresh"),
            try DriftStage.rule(.sameAs(.host), named: "host"),
            try DriftStage.rule(.sameAs(.baseline), named: "baseline"),
            .asDeclared,
        ]
        let stage = DriftStage([namespace], rules, references)
        stage.host = try DriftStage.namespace("host", inode: 9, .value("100"), isHost: true)
        stage.evaluate()
        let watch = try #require(stage.monitor[namespace])
        let expected = watch.list.assertions.indices.map { watch.expected($0, host: stage.host) }
        #expect(
            expected == ["700", "same as fresh (7200)", "same as host (100)", "same as baseline (500)", "0x258"])
        #expect(watch.list.assertions.map(\.source) == [.config, .fresh, .host, .baseline, .declared])
        #expect(watch.states == [.drifted, .drifted, .drifted, .drifted, .matched])
        // One that was not saved, and a new namespace that has none, have nothing to be compared with.
        namespace.name = "c"
        stage.reconfigure(rules, DriftMonitor.References(baseline: references.baseline))
        stage.evaluate()
        #expect(stage.monitor[namespace]?.states == [.drifted, .absent, .drifted, .absent, .matched])
        namespace.read(.state(.absent))
        stage.evaluate()
        #expect(stage.monitor[namespace]?.states == Array(repeating: .absent, count: 5))
        namespace.read(.state(.tooLong))
        stage.evaluate()
        #expect(stage.monitor[namespace]?.states == Array(repeating: .unreadable, count: 5))
    }

    /// A rule is for a namespace as long as it is what the rule asks for.
    @Test(arguments: [
        (NamespaceMatcher.Property.container, "web-*"), (.pod, "api"), (.podNamespace, "prod"), (.runtime, "docker"),
        (.user, "www"), (.name, "b"), (.origin, "process"),
    ])
    func aMatcherFollowsTheNamespace(_ property: NamespaceMatcher.Property, _ pattern: String) throws {
        let matcher = NamespaceMatcher([property: [try TextPattern(pattern)]])
        let stage = DriftStage([namespace], [try DriftStage.rule(.equal("1"), in: matcher)])
        namespace.origin = .mount
        stage.evaluate()
        #expect(stage.states(namespace) == [])
        namespace.name = "b"
        namespace.origin = .process
        namespace.leader = LeaderProcess(pid: 1, uid: 33, user: "www", command: "x")
        namespace.containers = [
            Container(
                id: "c", runtime: .docker, name: "web-1", pod: "api", podNamespace: "prod", isSandbox: false,
                network: .own, pid: 1, startTime: 1, created: 1, declared: [], owner: 0)
        ]
        stage.evaluate(at: 4)
        #expect(stage.states(namespace) == ["r tcp_keepalive_time drifted 4"])
        namespace.name = "a"
        namespace.origin = .mount
        namespace.leader = nil
        namespace.containers = []
        stage.evaluate()
        #expect(stage.states(namespace) == [])
    }
}

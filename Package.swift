// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target is built the same way: Swift 6 mode, warnings are errors, unsafe constructs are marked.
let strict: [SwiftSetting] = [
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// The benchmark hands pointers to its reference in C all the time: marking each would hide the rest.
let benchmark: [SwiftSetting] = [.treatAllWarnings(as: .error)]

let package = Package(
    name: "netdrift",
    products: [.executable(name: "netdrift", targets: ["netdrift"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    ],
    targets: [
        // C: what Swift cannot import by itself, and the system libraries.
        .target(name: "CLinux"),
        .target(name: "CNetnsBPF", exclude: ["programs"]),
        .systemLibrary(name: "CMnl", pkgConfig: "libmnl", providers: [.apt(["libmnl-dev"])]),
        .systemLibrary(
            name: "CMicrohttpd", pkgConfig: "libmicrohttpd", providers: [.apt(["libmicrohttpd-dev"])]),
        .systemLibrary(name: "CGnuTLS", pkgConfig: "gnutls", providers: [.apt(["libgnutls28-dev"])]),
        .systemLibrary(name: "CCrypt", pkgConfig: "libxcrypt", providers: [.apt(["libcrypt-dev"])]),
        .systemLibrary(name: "CDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),

        // Pure: bytes and values in, bytes and values out.
        .target(name: "Exposition", swiftSettings: strict),
        .target(name: "NetnsCore", swiftSettings: strict),

        // Each alone imports its C library.
        .target(
            name: "NetnsSystem", dependencies: ["NetnsCore", "CLinux", "CMnl", "CNetnsBPF"], swiftSettings: strict),
        .target(
            name: "Web", dependencies: ["CMicrohttpd", "CDeflate", "CGnuTLS", "CCrypt"], swiftSettings: strict),

        .target(
            name: "Agent",
            dependencies: [
                "Exposition", "NetnsCore", "NetnsSystem", "Web",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Yams", package: "Yams"),
            ],
            resources: [
                "page.html", "page.css", "core.js", "data.js", "fleet.js", "drift.js", "namespace.js", "charts.js",
                "path.js", "topology.js", "start.js",
            ].map { .embedInCode("Page/\($0)") },
            swiftSettings: strict),
        .executableTarget(name: "netdrift", dependencies: ["Agent"], swiftSettings: strict),

        .target(name: "CBench", path: "Benchmarks/CBench"),
        .target(name: "CAllocations", path: "Benchmarks/CAllocations"),
        .executableTarget(
            name: "netdrift-bench",
            dependencies: [
                "Agent", "NetnsSystem", "NetnsCore", "CBench", "CAllocations",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Benchmarks/NetdriftBench", swiftSettings: benchmark),

        // What the tests and `make fuzz` feed to the parsers.
        .target(
            name: "FuzzTargets", dependencies: ["Agent", "Exposition", "NetnsCore", "Web"], path: "Fuzz/FuzzTargets",
            swiftSettings: strict),

        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict),
        .testTarget(name: "ExpositionTests", dependencies: ["Exposition", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "NetnsCoreTests", dependencies: ["NetnsCore", "CLinux", "TestSupport"],
            resources: [.copy("Fixtures")],
            swiftSettings: strict),
        .testTarget(
            name: "NetnsSystemTests",
            dependencies: ["NetnsSystem", "NetnsCore", "CLinux", "CNetnsBPF", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "FuzzTests", dependencies: ["FuzzTargets", "NetnsCore", "TestSupport"], swiftSettings: strict),
        .testTarget(name: "WebTests", dependencies: ["Web", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "AgentTests",
            dependencies: [
                "Agent", "Exposition", "NetnsCore", "NetnsSystem", "TestSupport", "Web",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            resources: [.copy("Golden")], swiftSettings: strict),
        .testTarget(name: "EndToEnd", dependencies: ["netdrift", "TestSupport"], swiftSettings: strict),
    ]
)

// `make fuzz`: the libraries count the edges that are taken, and libFuzzer, which comes with the toolchain, looks for
// inputs that take new ones.
if let library = Context.environment["NETDRIFT_LIBFUZZER"] {
    let counted: Set = ["Agent", "Exposition", "NetnsCore", "Web"]
    for target in package.targets where counted.contains(target.name) {
        target.swiftSettings = (target.swiftSettings ?? []) + [.unsafeFlags(["-sanitize=fuzzer"])]
    }
    package.targets += [
        .target(name: "CLibFuzzer", path: "Fuzz/CLibFuzzer"),
        .executableTarget(
            name: "netdrift-fuzz", dependencies: ["FuzzTargets", "CLibFuzzer"], path: "Fuzz/NetdriftFuzz",
            swiftSettings: strict,
            linkerSettings: [.unsafeFlags(["-Xlinker", library]), .linkedLibrary("stdc++")]),
    ]
}

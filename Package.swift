// swift-tools-version: 6.2
import PackageDescription

// The arrows between targets are the architecture (Docs/Architecture.md); Tests/ProjectTests holds every import to them.

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let jwt = Target.Dependency.product(name: "JWTKit", package: "jwt-kit")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let nio: [Target.Dependency] = ["NIOCore", "NIOPosix", "NIOConcurrencyHelpers"].map {
    .product(name: $0, package: "swift-nio")
}
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP: [Target.Dependency] = ["NIOHTTP1", "NIOTLS"].map { .product(name: $0, package: "swift-nio") }
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], data: [String] = []) -> Target {
    .testTarget(name: name, dependencies: ["TestSupport"] + dependencies, exclude: data, swiftSettings: strict)
}

let package = Package(
    name: "Nave",
    products: [
        .executable(name: "nave", targets: ["nave"]),
        .executable(name: "nave-hub", targets: ["nave-hub"]),
        .executable(name: "nave-spoke", targets: ["nave-spoke"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/vapor/jwt-kit", exact: "5.7.1"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2"),
    ],
    targets: [
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),

        library("Model", []),
        library("MCP", ["Model"]),
        library("Trust", ["Model", "COpenSSL"]),
        library("YAMLFile", ["Model", "CYAML"]),
        library("Transport", ["Model", "Trust", nioSSL, asyncHTTPClient, logging] + nio + nioHTTP),
        library("Storage", ["Model", "Trust", grdb, sqlite]),
        library(
            "HubService",
            ["Model", "Trust", "Transport", "Storage", nioSSL, hummingbird, serviceLifecycle, logging, metrics] + nio),
        library(
            "SpokeAgent",
            [
                "Model", "MCP", "Trust", "Transport", "YAMLFile", nioSSL, jwt, subprocess, serviceLifecycle,
                logging, metrics,
            ] + nio),
        library("AdminCLI", ["Model", "MCP", "Trust", "Transport", "YAMLFile", argumentParser, logging] + nio),

        program("nave", ["AdminCLI", argumentParser]),
        program("nave-hub", ["HubService", argumentParser]),
        program("nave-spoke", ["SpokeAgent", argumentParser]),

        .target(
            name: "TestSupport", dependencies: ["Model", "Trust"], path: "Tests/TestSupport", swiftSettings: strict),
        .executableTarget(
            name: "nave-bench",
            dependencies: [
                "Model", "MCP", "Trust", "YAMLFile", "Transport", "Storage", "HubService", "SpokeAgent", "TestSupport",
                argumentParser, grdb, nioSSL, logging, nioEmbedded,
            ] + nio, path: "Tests/nave-bench", exclude: ["cedar.py"], swiftSettings: strict),
        tests("ModelTests", ["Model", "YAMLFile"]),
        tests("MCPTests", ["Model", "MCP"], data: ["Captures", "read_messages.py"]),
        tests("TrustTests", ["Model", "Trust"]),
        tests("YAMLFileTests", ["Model", "YAMLFile"]),
        tests("StorageTests", ["Model", "Trust", "Storage", grdb]),
        tests("HubServiceTests", ["Model", "Trust", "Storage", "HubService"]),
        tests("SpokeAgentTests", ["Model", "MCP", "Trust", "Transport", "SpokeAgent", jwt, nioEmbedded]),
        tests("AdminCLITests", ["Model", "MCP", "Trust", "Transport", "YAMLFile", "AdminCLI", argumentParser]),
        tests("EndToEndTests", ["Model", "nave", "nave-hub", "nave-spoke"]),
        tests("ProjectTests", []),
    ],
    swiftLanguageModes: [.v6]
)

import Foundation
import Model
import TestSupport

/// One decision among few rules and among many, and what it takes to compile them.
enum DecisionFigures {
    private static let rounds = 5

    static func measure(_ tell: (String) -> Void) throws -> [Figure] {
        var figures: [Figure] = []
        for (count, target) in [(100, 0.5), (10_000, 1)] {
            tell("decisions under \(count) rules")
            let world = PolicyWorld(count: count)
            let bundle = try world.bundle()
            let requests = try world.requests()
            guard let ruleset = bundle.rulesets[PolicyWorld.server] else { return [] }
            guard requests.allSatisfy({ decide($0, under: ruleset).isAllowed }) else {
                throw TimedOut(description: "a call of the world is refused")
            }
            var decided = Rounds()
            for _ in 0..<rounds {
                let each = microseconds(200_000) { decide(requests[$0 % requests.count], under: ruleset).isAllowed }
                decided.add(each, peer: try cedar(world))
            }
            figures.append(
                Figure(
                    name: "decision-of-\(count)-rules", value: decided.value, unit: "us", clock: .processor,
                    peer: ("Cedar (cedarpy, one batch)", decided.peer), ratio: decided.ratio,
                    target: .valueAtMost(target)))
            if let allocated = Allocations.count(of: { for request in requests { _ = decide(request, under: ruleset) } }
            ) {
                figures.append(
                    Figure(
                        name: "allocations-of-\(count)-rules", value: Double(allocated) / Double(requests.count),
                        unit: "a decision", clock: .processor, target: .valueAtMost(0)))
            }
            if count == 10_000 { figures.append(try compiled(bundle)) }
        }
        return figures
    }

    private static func compiled(_ bundle: PolicyBundle) throws -> Figure {
        var times: [Double] = []
        for _ in 0..<rounds {
            times.append(microseconds(1) { _ in bundle.rulesets[PolicyWorld.server] != nil } / 1000)
        }
        return Figure(
            name: "compile-10000-rules", value: median(times), unit: "ms", clock: .processor, target: .valueAtMost(50))
    }

    /// Of processor time, for each of so many runs that all say yes.
    static func microseconds(_ count: Int, _ body: (Int) -> Bool) -> Double {
        let start = processorSeconds()
        var holds = 0
        for number in 0..<count where body(number) { holds += 1 }
        return holds == count ? (processorSeconds() - start) * 1_000_000 / Double(count) : .infinity
    }

    /// Microseconds of processor time that Cedar takes for a decision.
    private static func cedar(_ world: PolicyWorld) throws -> Double {
        guard let python = ProcessInfo.processInfo.environment["NAVE_BENCH_CEDAR"] else {
            throw TimedOut(description: "NAVE_BENCH_CEDAR names no Python that has cedarpy; run Deploy/bench")
        }
        let directory = try TemporaryDirectory()
        let (policies, calls) = try world.cedar()
        try policies.write(toFile: directory.file("policies"), atomically: false, encoding: .utf8)
        try calls.write(toFile: directory.file("calls"), atomically: false, encoding: .utf8)
        let child = try ChildProcess(
            URL(fileURLWithPath: python),
            [
                Checkout.root.appending(path: "Tests/nave-bench/cedar.py").path, directory.file("policies"),
                directory.file("calls"), world.count > 1000 ? "100" : "2000",
            ], environment: ["LD_PRELOAD": ""])
        child.waitUntilExit()
        guard let seconds = Double(child.standardOutput.split(separator: "\n").last ?? "") else {
            throw TimedOut(description: "cedar.py printed no figure: \(child.standardError)")
        }
        return seconds * 1_000_000
    }
}

/// What `Deploy/lib/allocations.c` counted, where it is preloaded.
enum Allocations {
    static func count(of body: () -> Void) -> Int? {
        guard let symbol = dlsym(nil, "nave_allocations") else { return nil }
        let count = unsafeBitCast(symbol, to: (@convention(c) () -> UInt).self)
        // What is made once is made now.
        body()
        let before = count()
        body()
        return Int(count() - before)
    }
}

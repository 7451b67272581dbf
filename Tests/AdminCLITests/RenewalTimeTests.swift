import AdminCLI
import Model
import Testing
import Transport
import Trust

@Suite struct RenewalTimeTests {
    private static let issued = Instant(milliseconds: 1_795_262_400_000)
    private static let notBefore = issued - CertificateAuthority.backdating

    private func due(
        random: UInt64, age: Milliseconds = RenewalTime.standardAge, life: Milliseconds = .days(7)
    ) -> Milliseconds {
        RenewalTime(age: age).due(notBefore: Self.notBefore, notAfter: Self.issued + life, random: random)
            - Self.issued
    }

    @Test func aWeeksLeafIsRenewedAfterTwoDaysAndUpToAnEighthMore() {
        #expect(due(random: 0) == .days(2))
        #expect(due(random: .max) <= .hours(54) && due(random: .max) > Milliseconds(54 * 3_600_000 - 1000))
        #expect(due(random: .max / 2) > .hours(50) && due(random: .max / 2) < .hours(52))
    }

    @Test func aShorterLeafIsRenewedAfterTwoSeventhsOfItsLife() {
        #expect(due(random: 0, life: .days(1)) == Milliseconds(Milliseconds.days(1).count / 7 * 2))
        #expect(due(random: .max, life: Milliseconds(0)) == Milliseconds(0))
        #expect(due(random: 0, age: .seconds(1)) == .seconds(1))
    }

    @Test func chanceSpreadsAndNeverGoesBelow() {
        var state: UInt64 = 1
        var seen: Set<Int64> = []
        for _ in 0..<200 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let span = due(random: state)
            #expect(span >= .days(2) && span <= .hours(54))
            seen.insert(span.count / 3_600_000)
        }
        #expect(seen.count >= 6)
    }

    @Test(arguments: [(1, 5_000), (2, 10_000), (5, 80_000), (12, 3_600_000), (10_000, 3_600_000)] as [(Int, Int64)])
    func pausesDoubleUpToAnHour(failures: Int, whole: Int64) {
        #expect(RenewalTime.pause(failures: failures, random: 0) == Milliseconds(whole / 2))
        let longest = RenewalTime.pause(failures: failures, random: .max)
        #expect(longest <= Milliseconds(whole) && longest >= Milliseconds(whole - 1))
    }

    @Test(
        arguments: [
            (nil, RenewalTime.standardAge), ("", RenewalTime.standardAge), ("3s", .seconds(3)), ("7d", .days(7)),
        ] as [(String?, Milliseconds)])
    func theVariableSaysTheAge(text: String?, expected: Milliseconds) throws {
        let environment = text.map { ["NAVE_RENEW_AFTER": $0] } ?? [:]
        #expect(try ContextRenewal.time(environment: environment).age == expected)
    }

    @Test(arguments: ["soon", "8d", "500ms"])
    func whatIsNoAgeIsRefused(text: String) {
        #expect(throws: AdminError.self) { try ContextRenewal.time(environment: ["NAVE_RENEW_AFTER": text]) }
    }
}

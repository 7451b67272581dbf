import AdminCLI
import Testing

@Suite struct ExitCodeTests {
    @Test(
        arguments: [
            ("forbidden", 403, 4), ("no-certificate", 401, 4), ("topology-invalid", 422, 7), ("needs-removals", 409, 7),
            ("needs-removals", nil, 7), ("no-terminal", nil, 64), ("unreachable", nil, 1), ("conflict", 409, 1),
            ("unknown-server", 404, 1), ("internal", 500, 1), ("too-many-requests", 429, 1),
        ] as [(String, Int?, Int32)])
    func errorsEndAsTheTableSays(code: String, status: Int?, expected: Int32) {
        #expect(ExitStatus(code: code, status: status).rawValue == expected)
    }

    @Test func everyStatusOfAnAnswerEndsSomehowAndNeverWell() {
        for status in 300...599 { #expect(ExitStatus(code: "any", status: status) != .done) }
    }

    @Test func theNumbersAreThoseOfTheDesign() {
        // 3 and 6 are kept for what does not exist yet.
        #expect(ExitStatus.allCases.map(\.rawValue) == [0, 1, 2, 4, 5, 7, 64])
    }
}

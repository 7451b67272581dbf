import AdminCLI
import Model
import Testing

@Suite("saved plans")
struct SavedPlanTests {
    private func plan(_ names: [String], revision: Int64 = 3) -> Plan {
        let objects = names.map { ObjectName(kind: .rule, name: $0) }
        return Plan(
            changes: objects.map { Plan.Change(action: .change, object: $0, fields: ["to"]) }, access: [], denies: [],
            findings: [], removals: [], base: objects.map { ObjectRevision(object: $0, revision: revision) })
    }

    @Test("what moved since is named, whether it is other, set again, or there no more")
    func moved() throws {
        let saved = try #require(PlanBinding(plan(["finance/a", "finance/b"])))
        try saved.demandSame(plan(["finance/b", "finance/a"]))
        for (now, name) in [
            (plan(["finance/a"]), "finance/b"), (plan(["finance/a", "finance/b", "finance/c"]), "finance/c"),
            (plan(["finance/a", "finance/b"], revision: 4), "finance/a"), (plan([]), "finance/b"),
        ] {
            let error = #expect(throws: AdminError.self) { try saved.demandSame(now) }
            #expect(error?.code == "plan-moved" && error?.message.contains("rule \(name)") == true)
        }
    }
}

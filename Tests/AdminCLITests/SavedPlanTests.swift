import AdminCLI
import Model
import TestSupport
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

    @Test("what is written is read again, large as it may be; what was changed is refused")
    func files() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("change.plan")
        let topology = Topology(
            organization: Organization(domain: "corp.example"), zones: [], spokes: [], clients: [], servers: [],
            rules: [])
        let plan = plan(["finance/a"])
        try SavedPlanFile.write(plan, of: topology, to: path)
        let saved = try SavedPlanFile.read(path)
        #expect(saved.topology == topology && saved.bound == PlanBinding(plan))
        let bytes = try JSONCoding.canonical(saved)
        // As many as a hub's answer may have are not enough here.
        try PrivateFile.replace(path, with: bytes + [UInt8](repeating: UInt8(ascii: " "), count: 16 << 20))
        #expect(try SavedPlanFile.read(path) == saved)
        var other = saved
        other.topology.organization.domain = "other.example"
        try PrivateFile.replace(path, with: try JSONCoding.canonical(other))
        let changed = #expect(throws: AdminError.self) { try SavedPlanFile.read(path) }
        #expect(changed?.code == "bad-plan")
        var unbound = plan
        unbound.base = nil
        let refused = #expect(throws: AdminError.self) {
            try SavedPlanFile.write(unbound, of: topology, to: directory.file("x"))
        }
        #expect(refused?.code == "cannot-save")
    }
}

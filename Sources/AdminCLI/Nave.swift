import ArgumentParser
import Model

/// The whole of the CLI in one tree; each leaf is a file `<Noun>/<Noun><Verb>.swift`.
package struct Nave: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "nave",
        abstract: "Runs a control plane of MCP servers: who may use which of them, where, and how.",
        discussion: """
            The desired state lies in files: check it, plan it, apply it.

              nave topology check topology
              nave topology plan topology
              nave topology apply topology --why "let the reporting bot read"
              nave rollout status --wait 30s

            Environment: NAVE_CONTEXT (the context to use), NAVE_RENEW_AFTER (how old its certificate gets before a command \
            renews it, from 1s to 7d; default 2d), NAVE_MANIFEST_KEYS_PASSPHRASE (of an encrypted manifest key that signs), \
            XDG_CONFIG_HOME (contexts), XDG_CACHE_HOME (what was seen of ledgers), NO_COLOR.
            Exit status: 0 done; 1 error; 2 differences; 4 refused; 5 not converged in time; 7 findings that block; 64 usage.
            """,
        version: naveVersion,
        groupedSubcommands: [
            CommandGroup(name: "Desired state", subcommands: [TopologyNoun.self, RolloutNoun.self]),
            CommandGroup(
                name: "What there is",
                subcommands: [
                    ZoneNoun.self, ServerNoun.self, ToolNoun.self, SpokeNoun.self, ClientNoun.self, UserNoun.self,
                    PersonNoun.self,
                    CertificateNoun.self,
                    Status.self,
                ]),
            CommandGroup(name: "Access", subcommands: [AccessNoun.self, DecisionNoun.self, ReviewNoun.self]),
            CommandGroup(name: "Proof", subcommands: [LedgerNoun.self]),
            CommandGroup(name: "Trust", subcommands: [TrustNoun.self, AuthorityNoun.self]),
            CommandGroup(name: "This machine", subcommands: [Login.self, ContextNoun.self, Connect.self]),
        ])

    package init() {}
}

struct TopologyNoun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topology", abstract: "The desired state, as files state it.",
        subcommands: [
            TopologyCheckCommand.self, TopologyPlan.self, TopologyApply.self, TopologyExport.self,
            TopologySchemaCommand.self,
            TopologyImport.self,
        ])
}

struct ZoneNoun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "zone", abstract: "Security zones.", subcommands: [ZoneList.self, ZoneShow.self])
}

struct ServerNoun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server", abstract: "Registered MCP servers.", subcommands: [ServerList.self, ServerShow.self])
}

struct ToolNoun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tool", abstract: "Tools as servers define them, and what of that was approved.",
        subcommands: [ToolList.self, ToolDiff.self, ToolApprove.self, ToolWithdraw.self])
}

struct SpokeNoun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "spoke", abstract: "The agents that front servers.",
        subcommands: [SpokeInvite.self, SpokeList.self, SpokeShow.self, SpokeRevoke.self])
}

struct ClientNoun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client", abstract: "Workloads that call servers.",
        subcommands: [
            ClientInvite.self, ClientEnroll.self, ClientList.self, ClientShow.self, ClientRevoke.self,
        ])
}

struct UserNoun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "People who run the control plane.",
        subcommands: [UserInvite.self, UserList.self, UserRevoke.self])
}

struct PersonNoun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "person", abstract: "What is known about people.", subcommands: [PersonErase.self])
}

struct CertificateNoun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certificate", abstract: "What the hub has issued, and its end.",
        subcommands: [CertificateList.self, CertificateShow.self, CertificateRevoke.self])
}

struct AccessNoun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "access", abstract: "Why somebody may or may not do something.",
        subcommands: [AccessExplain.self, AccessWho.self, AccessWhat.self, AccessSuggest.self])
}

struct RolloutNoun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollout", abstract: "How far a change has come.", subcommands: [RolloutStatus.self])
}

struct ReviewNoun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "review", abstract: "Periodic reviews of who has access to what.",
        subcommands: [
            ReviewOpen.self, ReviewList.self, ReviewShow.self, ReviewDecide.self, ReviewClose.self, ReviewReport.self,
            ReviewReinstate.self,
        ])
}

struct DecisionNoun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decision", abstract: "What spokes allowed and denied.",
        subcommands: [DecisionList.self, DecisionShow.self, DecisionReplay.self])
}

struct TrustNoun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trust", abstract: "The trust manifest: which keys sign what.",
        subcommands: [TrustShow.self, TrustRotate.self, TrustKey.self, TrustSign.self, TrustPublish.self])
}

struct AuthorityNoun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "authority", abstract: "The root and the intermediates, and how one follows another.",
        discussion: "Four steps, so that nobody is refused on the way: prepare, activate, taint, retire.",
        subcommands: [
            AuthorityList.self, AuthorityPrepare.self, AuthorityActivate.self, AuthorityTaint.self,
            AuthorityRetire.self,
        ])
}

struct ContextNoun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "context", abstract: "The hubs that this machine knows, and who it is there.",
        subcommands: [ContextList.self, ContextUse.self])
}

struct LedgerNoun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "Everything the hub decided, in one signed, append-only list.",
        subcommands: [LedgerList.self, LedgerExport.self, LedgerVerify.self, LedgerJournals.self])
}

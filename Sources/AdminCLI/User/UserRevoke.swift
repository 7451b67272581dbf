import ArgumentParser
import Model

struct UserRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Revokes the certificates of a person and closes their connections.",
        discussion: """
            The person is named by their address, or by the identity that `nave user list` shows. They can enrol again only \
            with a new invitation, made with --replace.

              nave user revoke erin@corp.example --why "laptop was lost" --wait 30s
              nave user revoke spiffe://corp.example/user/u-57bbef5817e9405c --why "owner by recover-admin, not needed now"
            """)

    @Argument(help: ArgumentHelp("The person's address or identity.", valueName: "address|spiffe-id"))
    var person: PersonName

    @OptionGroup var options: RevocationOptions

    func run() async throws {
        let request: RevocationRequest =
            switch person {
            case .identity(let identity): RevocationRequest(identity: identity, why: options.reason.why)
            case .address(let address): RevocationRequest(address: address, why: options.reason.why)
            }
        try await options.hub.hub { try await revoke(request, person.description, options, through: $0) }
    }
}

/// `erin@corp.example`, or `spiffe://corp.example/user/u-57bbef5817e9405c`.
enum PersonName: ExpressibleByArgument, Hashable, Sendable, CustomStringConvertible {
    case address(String)
    case identity(SPIFFEID)

    init?(argument: String) {
        if let identity = try? SPIFFEID(argument) {
            guard identity.kind == "user" else { return nil }
            self = .identity(identity)
        } else {
            guard argument.contains("@"), (try? PersonalAddress(argument)) != nil else { return nil }
            self = .address(argument)
        }
    }

    var description: String {
        switch self {
        case .address(let address): address
        case .identity(let identity): identity.description
        }
    }
}

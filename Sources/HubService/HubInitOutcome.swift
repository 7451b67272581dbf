import Model

extension HubInit {
    /// What a step of init came to.
    package struct Outcome: Hashable, Sendable, Encodable {
        package enum State: String, Sendable, Encodable {
            case made
            /// For what the root signs.
            case waiting
        }

        package var state: State
        package var data: String
        package var adminContext: String?
        package var manifestKeys: String?
        /// The file that the root signs.
        package var request: String?
        /// The next step, for people.
        package var text: String

        private enum CodingKeys: String, CodingKey { case state, data, adminContext, manifestKeys, request }

        /// For programs.
        package func json() throws(ModelError) -> [UInt8] { try JSONCoding.canonical(self) }
    }
}

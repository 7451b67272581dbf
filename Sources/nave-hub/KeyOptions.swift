import ArgumentParser

/// How the private keys of a data directory are opened.
struct KeyOptions: ParsableArguments {
    @Option(
        help: """
            File with the passphrase of the private keys, where init was given one. (env: NAVE_KEY_PASSPHRASE, the \
            passphrase itself; else the systemd credential nave-key-passphrase)
            """)
    var keyPassphraseFile: String?

    func passphrase() throws -> [UInt8]? { try nave_hub.passphrase(keyPassphraseFile) }
}

import ArgumentParser
import Model

struct TopologySchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Prints a JSON Schema of topology files, for editors.",
        discussion: """
            Editors that speak to a YAML language server complete and check files that begin with the line \
            `# yaml-language-server: $schema=../schema.json`.

              nave topology schema > topology/schema.json
            """)

    func run() throws { Terminal.current.write(jsonText(topologySchema)) }
}

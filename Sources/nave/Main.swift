import AdminCLI

@main
enum Main {
    static func main() async {
        await runNave(Array(CommandLine.arguments.dropFirst()))
    }
}

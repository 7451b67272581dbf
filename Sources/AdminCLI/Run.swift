import ArgumentParser
import Foundation
import Model
import Transport

/// Runs the CLI: the whole of `main`.
package func runNave(_ arguments: [String]) async -> Never {
    // A reader that went away is met as a failed write, not as a signal.
    signal(SIGPIPE, SIG_IGN)
    do {
        var command = try Nave.parseAsRoot(arguments)
        if var command = command as? any AsyncParsableCommand {
            try await command.run()
        } else {
            try command.run()
        }
        Foundation.exit(ExitStatus.done.rawValue)
    } catch let ended as Ended {
        Foundation.exit(ended.status.rawValue)
    } catch let error as any NaveError {
        Foundation.exit(report(error, Terminal.current).rawValue)
    } catch {
        // Of the arguments, or the help that was asked for: the parser knows how to say it, and ends with 64 or 0.
        Nave.exit(withError: error)
    }
}

/// Says what went wrong, and how the program ends for it.
func report(_ error: any NaveError, _ terminal: Terminal) -> ExitStatus {
    terminal.say(error)
    let answer = error as? TransportError
    for problem in answer?.problems ?? [] { terminal.say("  \(printable(problem))") }
    return ExitStatus(code: error.code, status: answer?.status)
}

import ArgumentParser

/// How a command tells what came of it.
enum Output: String, ExpressibleByArgument, CaseIterable {
    case text, json

    /// - Parameters:
    ///   - text: For people.
    ///   - json: For programs.
    func show(text: @autoclosure () -> String, json: @autoclosure () throws -> [UInt8]) rethrows {
        switch self {
        case .text: print(text())
        case .json: print(String(decoding: try json(), as: UTF8.self))
        }
    }
}

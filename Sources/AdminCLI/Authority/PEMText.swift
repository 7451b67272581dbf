import Foundation
import Model
import Trust

/// Certificates that somebody carried here in files.
enum PEMText {
    /// - Throws: `no-file`, `file-too-large`, `cannot-read`.
    static func read(_ path: String) throws(AdminError) -> String {
        String(decoding: try PrivateFile.readOpenly(path, maximum: 16 << 10), as: UTF8.self)
    }

    /// Every certificate of a file, or of the files `*.pem` of a directory by their names.
    /// - Throws: `no-certificate`, `bad-pem`, and what reading throws.
    static func certificates(_ path: String) throws -> [String] {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue else {
            return try blocks(path, maximum: 1 << 20)
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".pem") }.sorted()
        guard !names.isEmpty else {
            throw AdminError(
                "no-certificate", "\(backticked(path)) holds no file *.pem", hint: "one for each request, as *.pem")
        }
        return try names.flatMap { try blocks("\(path)/\($0)", maximum: 16 << 10) }
    }

    private static func blocks(_ path: String, maximum: Int) throws -> [String] {
        let text = String(decoding: try PrivateFile.readOpenly(path, maximum: maximum), as: UTF8.self)
        do throws(TrustError) {
            return try PEM.decode(label: "CERTIFICATE", text).map { PEM.encode(label: "CERTIFICATE", $0) }
        } catch {
            throw AdminError(error.code, "\(backticked(path)): \(error.message)", hint: error.hint)
        }
    }
}

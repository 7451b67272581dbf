import GRDB
import Model

/// The error of this target: a database that cannot be opened, read or written, or a change that the registry refuses.
package struct StorageError: NaveError, Equatable {
    package var code: String
    package var message: String
    package var hint: String?
    package var place: Place?

    package init(_ code: String, _ message: String, hint: String? = nil, place: Place? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
        self.place = place
    }

    /// What SQLite's failure means to the reader.
    init(_ error: DatabaseError, _ attempt: String) {
        let reason = error.message ?? "SQLite error \(error.extendedResultCode.rawValue)"
        let (code, hint): (String, String?) =
            switch error.resultCode {
            case .SQLITE_FULL: ("disk-full", "nothing was changed; free space and try again")
            // Of a quota or a limit on file sizes (EDQUOT, EFBIG) SQLite says only that the write failed.
            case .SQLITE_IOERR where Self.failsForRoom.contains(error.extendedResultCode):
                ("disk-full", "nothing was changed; free space or raise the quota, and try again")
            case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH:
                ("not-writable", "does the directory exist, and may this user write in it?")
            case .SQLITE_CORRUPT, .SQLITE_NOTADB: ("database-damaged", "restore it from a backup")
            case .SQLITE_BUSY, .SQLITE_LOCKED: ("database-busy", "another program holds it; try again")
            case .SQLITE_CONSTRAINT: ("conflict", nil)
            default: ("database-failed", nil)
            }
        self.init(code, "\(attempt): \(reason)", hint: hint)
    }

    private static let failsForRoom: [ResultCode] = [.SQLITE_IOERR_WRITE, .SQLITE_IOERR_SHMSIZE]

    /// Errors of Nave pass; those of SQLite become this target's.
    static func wrapping(_ error: any Error, _ attempt: String) -> any Error {
        switch error {
        case let error as DatabaseError: StorageError(error, attempt)
        case let error as RowDecodingError: StorageError("database-damaged", "\(attempt): \(error)")
        default: error
        }
    }
}

/// Runs what speaks with SQLite, so that no error of GRDB leaves this target.
func translating<T>(_ attempt: String, _ body: () throws -> T) throws -> T {
    do { return try body() } catch { throw StorageError.wrapping(error, attempt) }
}

import GRDB
import GRDBSQLite

extension Database {
    /// Executes one statement that is compiled once, with a value for each `?`.
    ///
    /// GRDB's own way also tells observers, of which there are none, and passes the values through several arrays: for an
    /// entry's few statements as much work as SQLite's.
    /// - Throws: `DatabaseError`.
    func run(_ sql: String, _ values: [(any DatabaseValueConvertible)?] = []) throws {
        let statement = try cachedStatement(sql: sql).sqliteStatement
        defer {
            // What it returns was returned by the step already.
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        guard values.count == sqlite3_bind_parameter_count(statement) else {
            throw DatabaseError(resultCode: .SQLITE_MISUSE, message: "\(values.count) values are given", sql: sql)
        }
        for (index, value) in zip(CInt(1)..., values) {
            try demand(SQLITE_OK, value?.bind(to: statement, at: index) ?? sqlite3_bind_null(statement, index), sql)
        }
        try demand(SQLITE_DONE, sqlite3_step(statement), sql)
    }

    private func demand(_ expected: CInt, _ code: CInt, _ sql: String) throws {
        guard code != expected else { return }
        let message = String(cString: sqlite3_errmsg(sqliteConnection))
        throw DatabaseError(resultCode: ResultCode(rawValue: code), message: message, sql: sql)
    }
}

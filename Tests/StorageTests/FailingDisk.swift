import Foundation
import GRDBSQLite
import Synchronization

/// Makes what SQLite writes below one directory fail, from outside the product: a VFS of SQLite's own interface
/// (https://sqlite.org/vfs.html) that passes everything to the real one but counts writes, syncs, truncations, growth of the
/// shared index, deletions and new files, and lets the Nth go wrong.
final class FailingDisk: Sendable {
    enum Way: String, Sendable, CaseIterable {
        /// Nothing is done, and it is said.
        case refused
        /// Half of it is done.
        case torn
        /// All of it is done, and failure is reported.
        case happened
        /// As refused, from the Nth on until the disk is healed.
        case full
    }

    private struct State {
        var way: Way
        var number: Int
        var count = 0
        var isHealed = false
    }

    private let directory: String
    private let state: Mutex<State>

    /// - Parameter number: which write fails, from 1.
    init(_ directory: String, write number: Int, _ way: Way) {
        self.directory = directory + "/"
        state = Mutex(State(way: way, number: number))
        registration.withLock { $0.disks[self.directory] = self }
    }

    /// From here on this process opens its databases through the counting VFS; what is open already is not counted.
    static func install() -> Bool { installed }

    /// Everything works from here on.
    /// - Returns: whether anything has failed.
    func heal() -> Bool {
        registration.withLock { $0.disks[directory] = nil }
        return state.withLock {
            $0.isHealed = true
            return $0.count >= $0.number
        }
    }

    fileprivate func fails() -> Way? {
        state.withLock { state in
            guard !state.isHealed else { return nil }
            state.count += 1
            let fails = state.way == .full ? state.count >= state.number : state.count == state.number
            return fails ? state.way : nil
        }
    }
}

private struct Registration: Sendable {
    var disks: [String: FailingDisk] = [:]
    /// By the address of SQLite's file.
    var files: [UInt: (methods: RealMethods, directory: String)] = [:]
    /// Ours by the address of the real one.
    var tables: [UInt: RealMethods] = [:]
}

private let registration = Mutex(Registration())

private nonisolated(unsafe) let real = sqlite3_vfs_find(nil)

/// Registered once, as the default of this process.
private let installed: Bool = {
    guard let found = real else { return false }
    let shim = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
    shim.initialize(to: found.pointee)
    shim.pointee.zName = UnsafePointer(strdup("nave-failing"))
    shim.pointee.pNext = nil
    shim.pointee.xOpen = { _, name, file, flags, outFlags in
        guard let real, let file else { return SQLITE_CANTOPEN }
        let path = name.map { String(cString: $0) } ?? ""
        let directory = String(path[..<(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)])
        let isNew = flags & SQLITE_OPEN_CREATE != 0 && access(path, F_OK) != 0
        if isNew, let disk = registration.withLock({ $0.disks[directory] }), disk.fails() != nil {
            file.pointee.pMethods = nil
            return SQLITE_FULL
        }
        let code = real.pointee.xOpen(real, name, file, flags, outFlags)
        guard code == SQLITE_OK, let methods = file.pointee.pMethods else { return code }
        let (key, original) = (UInt(bitPattern: file), RealMethods(table: methods))
        let ours = registration.withLock { registration in
            registration.files[key] = (original, directory)
            let known = UInt(bitPattern: original.table)
            let ours = registration.tables[known] ?? failing(over: original)
            registration.tables[known] = ours
            return ours
        }
        file.pointee.pMethods = ours.table
        return code
    }
    shim.pointee.xDelete = { _, name, sync in
        guard let real, let name else { return SQLITE_IOERR }
        let path = String(cString: name)
        let directory = String(path[..<(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)])
        let way = registration.withLock { $0.disks[directory] }?.fails()
        if way == nil || way == .happened {
            let code = real.pointee.xDelete(real, name, sync)
            return way == nil ? code : SQLITE_IOERR | (10 << 8)
        }
        return SQLITE_IOERR | (10 << 8)
    }
    return sqlite3_vfs_register(shim, 1) == SQLITE_OK
}()

/// A copy of the real methods of a file with the writing ones replaced.
private func failing(over original: RealMethods) -> RealMethods {
    let table = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
    table.initialize(to: original.table.pointee)
    table.pointee.xClose = { file in
        guard let file, let methods = forget(file) else { return SQLITE_IOERR }
        return methods.pointee.xClose(file)
    }
    table.pointee.xWrite = { file, bytes, count, offset in
        guard let file, let (methods, way) = registered(file, counting: true) else { return SQLITE_IOERR }
        switch way {
        case nil: return methods.pointee.xWrite(file, bytes, count, offset)
        case .refused, .full: return SQLITE_FULL
        case .torn:
            _ = methods.pointee.xWrite(file, bytes, count / 2, offset)
            return SQLITE_IOERR | (3 << 8)
        case .happened:
            _ = methods.pointee.xWrite(file, bytes, count, offset)
            return SQLITE_IOERR | (3 << 8)
        }
    }
    table.pointee.xSync = { file, flags in
        guard let file, let (methods, way) = registered(file, counting: true) else { return SQLITE_IOERR }
        if way == nil || way == .happened {
            let code = methods.pointee.xSync(file, flags)
            return way == nil ? code : SQLITE_IOERR | (4 << 8)
        }
        return SQLITE_IOERR | (4 << 8)
    }
    table.pointee.xTruncate = { file, size in
        guard let file, let (methods, way) = registered(file, counting: true) else { return SQLITE_IOERR }
        if way == nil || way == .happened {
            let code = methods.pointee.xTruncate(file, size)
            return way == nil ? code : SQLITE_IOERR | (6 << 8)
        }
        return SQLITE_IOERR | (6 << 8)
    }
    table.pointee.xShmMap = { file, page, size, extends, mapped in
        guard let file, let (methods, way) = registered(file, counting: extends != 0) else {
            return SQLITE_IOERR
        }
        if way == nil || way == .happened {
            let code = methods.pointee.xShmMap(file, page, size, extends, mapped)
            return way == nil ? code : SQLITE_IOERR | (19 << 8)
        }
        return SQLITE_IOERR | (19 << 8)
    }
    return RealMethods(table: UnsafePointer(table))
}

/// The table of a file's real methods; SQLite keeps it for the life of the process.
private struct RealMethods: @unchecked Sendable {
    let table: UnsafePointer<sqlite3_io_methods>
}

private func forget(_ file: UnsafeMutablePointer<sqlite3_file>) -> UnsafePointer<sqlite3_io_methods>? {
    let key = UInt(bitPattern: file)
    return registration.withLock { $0.files.removeValue(forKey: key)?.methods }?.table
}

/// The file's real methods, and how this write of it goes wrong.
private func registered(
    _ file: UnsafeMutablePointer<sqlite3_file>, counting: Bool
) -> (UnsafePointer<sqlite3_io_methods>, FailingDisk.Way?)? {
    let key = UInt(bitPattern: file)
    let (methods, disk) = registration.withLock { registration in
        let known = registration.files[key]
        return (known?.methods, known.flatMap { registration.disks[$0.directory] })
    }
    guard let methods else { return nil }
    return (methods.table, counting ? disk?.fails() : nil)
}

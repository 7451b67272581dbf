import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    @Suite("init on a disk that fails")
    struct InitFaultTests {
        /// Makes the Nth durable step below a directory go wrong, from outside of the program: `refused` does nothing and says
        /// so, `happened` does it and reports failure. SQLite's own files are `FailingWritesTests`'.
        private func library(_ directory: TemporaryDirectory) async throws -> String {
            let (source, library) = (directory.file("fault.c"), directory.file("fault.so"))
            try directory.write(
                "fault.c",
                """
                #define _GNU_SOURCE
                #include <dlfcn.h>
                #include <errno.h>
                #include <fcntl.h>
                #include <stdarg.h>
                #include <stdio.h>
                #include <stdlib.h>
                #include <string.h>
                #include <sys/stat.h>
                #include <sys/syscall.h>
                #include <unistd.h>

                static int below(const char *path) {
                    const char *directory = getenv("FAULT_BELOW");
                    return directory && path && !strncmp(path, directory, strlen(directory)) && !strstr(path, ".sqlite");
                }
                static int is_below(int descriptor) {
                    char link[64], path[4096];
                    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
                    ssize_t count = readlink(link, path, sizeof path - 1);
                    if (count < 0) return 0;
                    path[count] = 0;
                    return below(path);
                }
                static int fault(void) {
                    static int count;
                    if (__atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST) != atoi(getenv("FAULT_AT"))) return 0;
                    syscall(SYS_open, getenv("FAULT_MARK"), O_CREAT | O_WRONLY, 0600);
                    return strcmp(getenv("FAULT_WAY"), "happened") ? 1 : 2;
                }
                #define STEP(type, name, parameters, arguments, concerned) \\
                    type name parameters { \\
                        static type (*real) parameters; \\
                        if (!real) real = (type (*) parameters)dlsym(RTLD_NEXT, #name); \\
                        int way = (concerned) ? fault() : 0; \\
                        type result = way == 1 ? -1 : real arguments; \\
                        if (way) errno = ENOSPC; \\
                        return way ? -1 : result; \\
                    }
                STEP(int, mkdir, (const char *path, mode_t mode), (path, mode), below(path))
                STEP(int, rename, (const char *from, const char *to), (from, to), below(to))
                STEP(int, fsync, (int descriptor), (descriptor), is_below(descriptor))
                STEP(ssize_t, write, (int descriptor, const void *bytes, size_t count), (descriptor, bytes, count),
                     is_below(descriptor))
                #define OPEN(name) \\
                    static int name##_real(const char *path, int flags, mode_t mode) { \\
                        static int (*real)(const char *, int, ...); \\
                        if (!real) real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name); \\
                        return real(path, flags, mode); \\
                    } \\
                    int name(const char *path, int flags, ...) { \\
                        va_list list; \\
                        va_start(list, flags); \\
                        mode_t mode = va_arg(list, mode_t); \\
                        va_end(list); \\
                        int way = (flags & O_CREAT) && below(path) ? fault() : 0; \\
                        int result = way == 1 ? -1 : name##_real(path, flags, mode); \\
                        if (way) errno = ENOSPC; \\
                        return way ? -1 : result; \\
                    }
                OPEN(open)
                OPEN(open64)

                """)
            let made = try await run(
                URL(fileURLWithPath: "/usr/bin/env"), ["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"])
            try #require(made.code == 0, "\(made.errors)")
            return library
        }

        @Test("whatever step fails, there is a whole hub or nothing", arguments: ["refused", "happened"])
        func faults(way: String) async throws {
            let directory = try TemporaryDirectory()
            let library = try await library(directory)
            var (failed, number) = (0, 0)
            while true {
                number += 1
                try #require(number < 500)
                let work = directory.file("\(number)")
                let mark = directory.file("\(number).fired")
                try FileManager.default.createDirectory(atPath: work, withIntermediateDirectories: false)
                let made = try await run(
                    Checkout.program("nave-hub"),
                    [
                        "init", "--data", "\(work)/hub", "--organization", "corp.example", "--environment",
                        "development",
                    ],
                    environment: [
                        "LD_PRELOAD": library, "FAULT_BELOW": "\(work)/", "FAULT_AT": "\(number)", "FAULT_WAY": way,
                        "FAULT_MARK": mark,
                    ])
                let names = try FileManager.default.contentsOfDirectory(atPath: work).sorted()
                if made.code == 0 {
                    #expect(names == ["hub", "hub.context.json", "hub.manifest-keys"], "step \(number)")
                    let verified = try await run(Checkout.program("nave-hub"), ["verify", "--data", "\(work)/hub"])
                    #expect(verified.code == 0, "step \(number): \(verified.output)\(verified.errors)")
                } else {
                    failed += 1
                    #expect(made.code == 1 && made.errors.hasPrefix("error: "), "step \(number): \(made)")
                    #expect(names == [], "step \(number): \(made.errors)")
                }
                guard FileManager.default.fileExists(atPath: mark) else { break }
                try FileManager.default.removeItem(atPath: work)
            }
            #expect(failed > 25 && number > failed, "\(failed) of \(number) steps failed")
        }
    }
}

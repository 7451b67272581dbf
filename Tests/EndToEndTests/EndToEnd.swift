import Testing

/// Real programs on two cores: one wheel at a time.
@Suite("end to end", .serialized)
enum EndToEnd {}

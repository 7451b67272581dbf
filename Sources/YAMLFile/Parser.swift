import CYAML
import Model

/// libyaml's event parser over one buffer. Whoever makes it calls `close()` while the buffer is still alive.
struct Parser {
    /// On the heap, because libyaml keeps the address of its own state.
    private let state: UnsafeMutablePointer<yaml_parser_t>
    let file: String

    /// - Parameter buffer: not empty.
    init(_ buffer: UnsafeBufferPointer<UInt8>, file: String) throws(YAMLError) {
        self.file = file
        state = .allocate(capacity: 1)
        state.initialize(to: yaml_parser_t())
        guard yaml_parser_initialize(state) == 1 else {
            state.deallocate()
            throw YAMLError("yaml-syntax", "no memory for the parser", at: Place(file: file, line: 1, column: 1))
        }
        yaml_parser_set_encoding(state, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(state, buffer.baseAddress, buffer.count)
    }

    func close() {
        yaml_parser_delete(state)
        state.deallocate()
    }

    /// One event of libyaml, copied out.
    struct Event {
        var kind: Kind
        var place: Place

        enum Kind {
            case streamStart, streamEnd, documentEnd, sequenceEnd, mappingEnd
            case documentStart(hasDirectives: Bool)
            case alias(String)
            case scalar(String, isPlain: Bool, Marks)
            case sequenceStart(Marks)
            case mappingStart(Marks)
        }

        /// What a value may carry and we do not read.
        struct Marks {
            var anchor: String?
            var tag: String?
        }
    }

    /// The next event.
    ///
    /// - Throws: `yaml-syntax`; `yaml-too-large` for a scalar that is too long.
    func next() throws(YAMLError) -> Event {
        var event = yaml_event_t()
        guard yaml_parser_parse(state, &event) == 1 else { throw syntaxError() }
        defer { yaml_event_delete(&event) }
        let place = self.place(event.start_mark)
        return Event(kind: try kind(event, at: place), place: place)
    }

    private func kind(_ event: yaml_event_t, at place: Place) throws(YAMLError) -> Event.Kind {
        switch event.type {
        case YAML_STREAM_START_EVENT: return .streamStart
        case YAML_STREAM_END_EVENT: return .streamEnd
        case YAML_DOCUMENT_START_EVENT:
            let start = event.data.document_start
            return .documentStart(
                hasDirectives: start.version_directive != nil || start.tag_directives.start != start.tag_directives.end)
        case YAML_DOCUMENT_END_EVENT: return .documentEnd
        case YAML_ALIAS_EVENT: return .alias(text(event.data.alias.anchor) ?? "")
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            guard scalar.length <= YAMLFile.maximumScalarBytes else {
                throw YAMLError(
                    "yaml-too-large", "a text of \(scalar.length) bytes is longer than \(YAMLFile.maximumScalarBytes)",
                    at: place)
            }
            let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            return .scalar(
                String(decoding: bytes, as: UTF8.self), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE,
                Event.Marks(anchor: text(scalar.anchor), tag: text(scalar.tag)))
        case YAML_SEQUENCE_START_EVENT:
            let start = event.data.sequence_start
            return .sequenceStart(Event.Marks(anchor: text(start.anchor), tag: text(start.tag)))
        case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
        case YAML_MAPPING_START_EVENT:
            let start = event.data.mapping_start
            return .mappingStart(Event.Marks(anchor: text(start.anchor), tag: text(start.tag)))
        case YAML_MAPPING_END_EVENT: return .mappingEnd
        default: throw YAMLError("yaml-syntax", "the parser gave an event that it does not have", at: place)
        }
    }

    private func text(_ bytes: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        bytes.map { String(cString: $0) }
    }

    private func place(_ mark: yaml_mark_t) -> Place {
        Place(file: file, line: mark.line + 1, column: mark.column + 1)
    }

    private func syntaxError() -> YAMLError {
        let problem = state.pointee.problem.map { String(cString: $0) } ?? "no memory"
        let context = state.pointee.context.map { " \(String(cString: $0))" } ?? ""
        var hint: String?
        if problem.contains("cannot start any token") {
            // What this message says to nobody: a tab as indentation, or a text that begins like an operator.
            hint = "indent with spaces; quote texts that start with @ or `"
        } else if state.pointee.context != nil, state.pointee.context_mark.line != state.pointee.problem_mark.line {
            hint = "what is not closed begins at line \(state.pointee.context_mark.line + 1)"
        }
        return YAMLError("yaml-syntax", problem + context, hint: hint, at: place(state.pointee.problem_mark))
    }
}

import Model

/// The error of this target: a text that is not the YAML that Nave reads.
///
/// Codes: `yaml-syntax`, `yaml-encoding`, `yaml-too-large`, `yaml-too-deep`, `yaml-too-many-values` and
/// `yaml-many-documents` end the reading of a file; `yaml-alias`, `yaml-tag`, `yaml-merge-key`, `yaml-key` and
/// `yaml-directive` do not, so that a reader learns of all at once.
package struct YAMLError: NaveError, Equatable {
    package var code: String
    package var message: String
    package var hint: String?
    package var place: Place?

    package init(_ code: String, _ message: String, hint: String? = nil, at place: Place) {
        self.code = code
        self.message = message
        self.hint = hint
        self.place = place
    }
}

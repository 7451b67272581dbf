/// On every answer to a peer whose certificate hangs on an authority that is tainted: renew now, with this command.
package enum RenewHeader {
    package static let name = "Nave-Renew"
    package static let value = "now"
}

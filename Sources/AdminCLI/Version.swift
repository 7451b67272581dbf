/// What `nave --version` says.
package let naveVersion = "0.1.0"

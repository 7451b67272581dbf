/// What `--version` of every program says.
package let naveVersion = "0.1.0"

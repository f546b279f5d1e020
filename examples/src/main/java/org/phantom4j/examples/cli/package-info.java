/** The command line: one class for each command, {@link org.phantom4j.examples.cli.Main} finds them by name. */
package org.phantom4j.examples.cli;

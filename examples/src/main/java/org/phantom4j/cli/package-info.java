/** The command line: {@link org.phantom4j.cli.Main} finds the command that was asked for; each room has commands of one kind. */
package org.phantom4j.cli;

/** Example main classes: short programs to copy from. The command line is in {@link org.phantom4j.cli}. */
package org.phantom4j.examples;

/** What every command is made of: arguments, errors, reports and files. */
package org.phantom4j.cli.frame;

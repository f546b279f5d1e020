/** How a command runs on ranks, and brings their results together. */
package org.phantom4j.cli.launch;

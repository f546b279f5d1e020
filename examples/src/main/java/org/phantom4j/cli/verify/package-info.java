/** Compares layers and training runs with golden values: {@code verify}. */
package org.phantom4j.cli.verify;

/** Measures collectives, beside the transports that they could not be faster than, and compiled steps: {@code bench}. */
package org.phantom4j.cli.bench;

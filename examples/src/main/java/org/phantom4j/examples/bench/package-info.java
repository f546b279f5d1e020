/** Measures the collectives, beside the transports that they could not be faster than. */
package org.phantom4j.examples.bench;

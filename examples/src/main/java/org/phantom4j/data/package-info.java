/** Training data for the command line and the examples: synthetic, IDX and CSV. */
package org.phantom4j.data;

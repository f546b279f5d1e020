/** Trains networks, predicts with them, and compares them: {@code train}, {@code predict}, {@code compare}. */
package org.phantom4j.cli.train;

/**
 * How the ops get into ND4J: a backend service that stands before ND4J's own, hands out its configuration, and puts an
 * executioner in place that runs {@link org.phantom4j.ops.JavaOp} in Java and passes everything else on.
 */
package org.phantom4j.ops.backend;

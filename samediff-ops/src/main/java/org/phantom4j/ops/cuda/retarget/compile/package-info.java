/** Compilers of PTX, each run in a process of its own, and what they have made so far. */
package org.phantom4j.ops.cuda.retarget.compile;

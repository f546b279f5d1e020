/** ND4J's CUDA library: where it is, what it holds, and its translations on disk. */
package org.phantom4j.ops.cuda.retarget.library;

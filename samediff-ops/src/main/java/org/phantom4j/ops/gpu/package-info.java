/**
 * What a compiled training step on a GPU is made of: matrix products by cuBLASLt, with algorithms that were chosen by
 * measuring, and kernels of our own, compiled for the device at hand. Works on raw device pointers, beside any ND4J backend.
 */
package org.phantom4j.ops.gpu;

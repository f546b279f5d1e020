/** Kinds of layers and of ends, forward and backward; one class a kind. */
package org.phantom4j.layers.gpu.stages;

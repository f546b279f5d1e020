/** A rank's device: its streams, memory, products and collectives. */
package org.phantom4j.layers.gpu.device;

/** Configurations read as stacks of layers that compiled steps know, or the one sentence that says why not. */
package org.phantom4j.layers.gpu.plan;

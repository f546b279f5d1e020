/** Parameters on the device: one layout, which memory, copies, and steps of weights ask. */
package org.phantom4j.layers.gpu.parameters;

/** Steps and forward passes, recorded once and started as often as one likes. */
package org.phantom4j.layers.gpu.program;

/**
 * Training networks of sharded layers: one rank's network out of a whole one and back, what a step costs, golden training
 * runs.
 */
package org.phantom4j.layers.train;

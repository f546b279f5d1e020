/**
 * Batches to the device, without the step ever waiting for the host: data sets that stay there, or a stream of them.
 *
 * <p>A step's graph reads its batch where a {@link org.phantom4j.ops.gpu.StepControls.Batch} says. {@link
 * org.phantom4j.layers.gpu.feed.Feeds} makes what brings the batches there, {@link org.phantom4j.layers.gpu.feed.FeedLoop}
 * hands them to the steps, {@link org.phantom4j.layers.gpu.feed.OutputLoop} to forward passes.
 */
package org.phantom4j.layers.gpu.feed;

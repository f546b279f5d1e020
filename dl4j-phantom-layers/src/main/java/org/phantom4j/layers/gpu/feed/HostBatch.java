package org.phantom4j.layers.gpu.feed;

/**
 * A batch in host memory: its sample i is row {@code order[first + i]}, or row {@code first + i} without an order.
 *
 * @param labels null where there are none
 * @param order null: rows one after the other
 */
record HostBatch(SourceRows features, SourceRows labels, int[] order, int first, int rows) {}

package org.phantom4j.layers.gpu.feed;

/**
 * Where a batch lies in device memory. Its sample i is row {@code order[first + i]}, or row {@code first + i} without an order.
 * Rows hold one rank's own columns, one value behind the other, as reals: double in FP64, else float.
 *
 * @param inputs device pointer of row 0's inputs
 * @param inputPitch elements from row to row
 * @param targets device pointer of row 0's targets; 0 where there are none
 * @param targetPitch elements from row to row
 * @param order device pointer of row numbers, int32; 0: rows one after the other
 * @param first the batch's first place in the order, or its first row
 * @param rows samples of the batch, at least one
 */
public record DeviceBatch(
        long inputs, long inputPitch, long targets, long targetPitch, long order, int first, int rows) {}

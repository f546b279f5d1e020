package org.phantom4j.cli.gpus;

import org.nd4j.linalg.api.buffer.DataType;

/** What is computed in. */
public enum Precision {
    FP32,
    FP64,
    TF32,
    BF16,
    BF16_PURE;

    public DataType type() {
        return this == FP64 ? DataType.DOUBLE : DataType.FLOAT;
    }

    /** Bytes of an activation between ranks. */
    public int activationBytes() {
        return gpu().factorBytes();
    }

    /** Whether only GPUs compute in it. */
    public boolean isForGpu() {
        return this != FP32 && this != FP64;
    }

    public org.phantom4j.ops.gpu.Precision gpu() {
        return org.phantom4j.ops.gpu.Precision.valueOf(name());
    }
}

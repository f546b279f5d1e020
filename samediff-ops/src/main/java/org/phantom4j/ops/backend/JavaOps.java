package org.phantom4j.ops.backend;

import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.imports.converters.ImportClassMapping;
import org.nd4j.linalg.api.ops.CustomOpDescriptor;
import org.phantom4j.ops.AllGather;
import org.phantom4j.ops.AllReduce;
import org.phantom4j.ops.JavaOp;
import org.phantom4j.ops.PhantomDense;
import org.phantom4j.ops.PhantomDenseBp;
import org.phantom4j.ops.ReduceScatter;
import org.phantom4j.ops.TensorParallelDense;
import org.phantom4j.ops.TensorParallelDenseBp;

/** The list of all Java ops, and their entry into ND4J's tables. */
final class JavaOps {

    /** Our ops' hashes start here; ND4J's own are hashes of names and spread over all 64 bits. */
    private static final long FIRST_HASH = 0x7068616E746F6D00L;

    private JavaOps() {}

    private static List<JavaOp> all() {
        return List.of(
                new PhantomDense(),
                new PhantomDenseBp(),
                new TensorParallelDense(),
                new TensorParallelDenseBp(),
                new AllGather(),
                new ReduceScatter(),
                new AllReduce());
    }

    /**
     * ND4J's native ops and ours. Also enters ours into SameDiff's table of classes, which it reads after it has asked for
     * this map.
     *
     * @throws IllegalStateException if an op of ND4J has one of our names or hashes
     */
    static Map<String, CustomOpDescriptor> addTo(Map<String, CustomOpDescriptor> nativeOps) {
        Map<String, CustomOpDescriptor> operations = new HashMap<>(nativeOps);
        long hash = FIRST_HASH;
        for (JavaOp op : all()) {
            long ownHash = hash++;
            boolean taken = nativeOps.values().stream().anyMatch(other -> other.getHash() == ownHash);
            CustomOpDescriptor descriptor = CustomOpDescriptor.builder()
                    .hash(ownHash)
                    .numInputs(-1)
                    .numOutputs(-1)
                    .allowsInplace(false)
                    .numTArgs(0)
                    .numIArgs(-1)
                    .build();
            if (taken || operations.put(op.opName(), descriptor) != null) {
                throw new IllegalStateException("ND4J has an op of its own with the name or hash of " + op.opName());
            }
            ImportClassMapping.getOpNameMapping().put(op.opName(), op);
        }
        return Collections.unmodifiableMap(operations);
    }
}

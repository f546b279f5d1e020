package org.phantom4j.examples.newergpus;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Supplier;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;

/** Collects cases; what the lists of ops by name have in common. */
abstract class CaseList {
    private final List<OpCase> cases = new ArrayList<>();

    final List<OpCase> cases() {
        return Collections.unmodifiableList(cases);
    }

    final void add(OpCase one) {
        cases.add(one);
    }

    final void add(String name, Supplier<DynamicCustomOp.DynamicCustomOpsBuilder> builder) {
        cases.add(new OpCase(
                name, OpCase.Kind.VALUES, () -> Nd4j.exec(builder.get().build())));
    }

    static DynamicCustomOp.DynamicCustomOpsBuilder inputs(String name, INDArray... inputs) {
        return builder(name, inputs);
    }

    static DynamicCustomOp.DynamicCustomOpsBuilder builder(String name, INDArray... inputs) {
        return DynamicCustomOp.builder(name).addInputs(inputs);
    }
}

package org.phantom4j.examples.newergpus;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Supplier;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.imports.converters.DifferentialFunctionClassHolder;
import org.nd4j.imports.converters.ImportClassMapping;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.CustomOpDescriptor;
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
                name,
                classOf(name),
                OpCase.Kind.VALUES,
                () -> Nd4j.exec(builder.get().build())));
    }

    /** {@return ND4J's class for an op, under this name or another of the same op; null if it has none} */
    static Class<?> classOf(String caseName) {
        String name = caseName.split(",", -1)[0];
        DifferentialFunction mapped = ImportClassMapping.getOpNameMapping().get(name);
        if (mapped != null) {
            return mapped.getClass();
        }
        CustomOpDescriptor descriptor =
                Nd4j.getExecutioner().getCustomOperations().get(name);
        try {
            return descriptor == null
                    ? null
                    : DifferentialFunctionClassHolder.getInstance()
                            .customOpClassForHashAndName(descriptor.getHash(), name);
        } catch (IllegalStateException e) {
            // no class knows this hash
            return null;
        }
    }

    static DynamicCustomOp.DynamicCustomOpsBuilder inputs(String name, INDArray... inputs) {
        return builder(name, inputs);
    }

    static DynamicCustomOp.DynamicCustomOpsBuilder builder(String name, INDArray... inputs) {
        return DynamicCustomOp.builder(name).addInputs(inputs);
    }
}

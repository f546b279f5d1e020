package org.phantom4j.examples.newergpus;

import java.lang.reflect.Constructor;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.imports.converters.ImportClassMapping;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.BaseTransformBoolOp;
import org.nd4j.linalg.api.ops.IndexAccumulation;
import org.nd4j.linalg.api.ops.Op;
import org.nd4j.linalg.api.ops.ReduceOp;
import org.nd4j.linalg.api.ops.ScalarOp;
import org.nd4j.linalg.api.ops.TransformOp;
import org.nd4j.linalg.factory.Nd4j;

/** Every op of ND4J's older kind that its own table names and a constructor of the usual form makes. */
final class LegacyOps {
    /** Ops that read constants which these constructors leave out, past the end of an empty array. */
    private static final Set<String> NEED_CONSTANTS =
            Set.of("BinaryMinimalRelativeError", "BinaryRelativeError", "RelativeError");

    private LegacyOps() {}

    static List<OpCase> all() {
        Map<String, OpCase> cases = new TreeMap<>();
        for (DifferentialFunction known : ImportClassMapping.getOpNameMapping().values()) {
            Class<?> type = known.getClass();
            if (known instanceof Op
                    && !NEED_CONSTANTS.contains(type.getSimpleName())
                    && !Modifier.isAbstract(type.getModifiers())) {
                OpCase found = caseOf(type);
                if (found != null) {
                    cases.put(found.name(), found);
                }
            }
        }
        return new ArrayList<>(cases.values());
    }

    private static OpCase caseOf(Class<?> type) {
        if (ReduceOp.class.isAssignableFrom(type)) {
            Constructor<?> pair = constructor(type, INDArray.class, INDArray.class, int[].class);
            Constructor<?> single = constructor(type, INDArray.class, int[].class);
            if (single != null) {
                return values(type, () -> run(single, Inputs.fractions(1, 17, 65), new int[] {1}));
            }
            return pair == null
                    ? null
                    : values(
                            type,
                            () -> run(pair, Inputs.fractions(1, 17, 65), Inputs.fractions(2, 17, 65), new int[] {1}));
        }
        if (IndexAccumulation.class.isAssignableFrom(type)) {
            Constructor<?> made = constructor(type, INDArray.class, int[].class);
            return made == null ? null : values(type, () -> run(made, Inputs.floats(3, 17, 65), new int[] {1}));
        }
        if (ScalarOp.class.isAssignableFrom(type)) {
            Constructor<?> made = constructor(type, INDArray.class, Number.class);
            return made == null ? null : values(type, () -> run(made, Inputs.fractions(4, 17, 65), 0.7));
        }
        if (BaseTransformBoolOp.class.isAssignableFrom(type)) {
            Constructor<?> made = constructor(type, INDArray.class, INDArray.class);
            return made == null
                    ? null
                    : values(type, () -> run(made, Inputs.floats(8, 17, 65), Nd4j.create(DataType.BOOL, 17, 65)));
        }
        if (TransformOp.class.isAssignableFrom(type)) {
            Constructor<?> pair = constructor(type, INDArray.class, INDArray.class, INDArray.class);
            if (pair != null) {
                return values(type, () -> {
                    INDArray x = Inputs.fractions(5, 17, 65);
                    return run(pair, x, Inputs.fractions(6, 17, 65), x.ulike());
                });
            }
            Constructor<?> made = constructor(type, INDArray.class);
            return made == null ? null : values(type, () -> run(made, Inputs.fractions(7, 17, 65)));
        }
        return null;
    }

    private static OpCase values(Class<?> type, Supplier<INDArray[]> run) {
        return new OpCase(type.getSimpleName(), type, OpCase.Kind.VALUES, run);
    }

    private static Constructor<?> constructor(Class<?> type, Class<?>... parameters) {
        try {
            return type.getConstructor(parameters);
        } catch (NoSuchMethodException e) {
            return null;
        }
    }

    private static INDArray[] run(Constructor<?> constructor, Object... arguments) {
        try {
            Op op = (Op) constructor.newInstance(arguments);
            return new INDArray[] {Nd4j.getExecutioner().exec(op)};
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e.getCause() == null ? e : e.getCause());
        }
    }
}

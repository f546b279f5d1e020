package org.phantom4j.examples.newergpus;

import static org.phantom4j.examples.newergpus.Inputs.between;
import static org.phantom4j.examples.newergpus.Inputs.bools;
import static org.phantom4j.examples.newergpus.Inputs.floats;
import static org.phantom4j.examples.newergpus.Inputs.fractions;
import static org.phantom4j.examples.newergpus.Inputs.ints;
import static org.phantom4j.examples.newergpus.Inputs.longs;
import static org.phantom4j.examples.newergpus.Inputs.randomInts;
import static org.phantom4j.examples.newergpus.Inputs.scalar;

import java.util.List;
import java.util.function.Supplier;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.random.impl.BinomialDistribution;
import org.nd4j.linalg.api.ops.random.impl.DropOutInverted;
import org.nd4j.linalg.api.ops.random.impl.GaussianDistribution;
import org.nd4j.linalg.api.ops.random.impl.TruncatedNormalDistribution;
import org.nd4j.linalg.api.ops.random.impl.UniformDistribution;
import org.nd4j.linalg.factory.Nd4j;

/** Ops of ND4J's newer kind, by name, with inputs that suit them: on arrays in general. */
final class ArrayOps extends CaseList {
    private static final int DRAWS = 10_000;

    ArrayOps() {
        elementwise();
        reductions();
        shapes();
        scatterAndGather();
        segments();
        linearAlgebra();
        random();
    }

    private void elementwise() {
        for (String name : List.of(
                "add",
                "subtract",
                "multiply",
                "divide",
                "reversesubtract",
                "reversedivide",
                "maximum",
                "minimum",
                "squaredsubtract",
                "floordiv",
                "mod",
                "floormod",
                "truncatediv",
                "tf_atan2",
                "Pow",
                "less",
                "less_equal",
                "greater",
                "greater_equal",
                "equals",
                "not_equals")) {
            add(name, () -> inputs(name, between(1, 1, 9, 7, 33), between(2, 1, 4, 1, 33)));
        }
        for (String name : List.of("boolean_and", "boolean_or", "boolean_xor")) {
            add(name, () -> inputs(name, bools(1, 7, 33), bools(2, 7, 33)));
        }
        for (String name : List.of("bitwise_and", "bitwise_or", "bitwise_xor", "shift_bits", "rshift_bits")) {
            add(name, () -> inputs(name, randomInts(1, 1000, 7, 33), randomInts(2, 8, 7, 33)));
        }
        for (String name : List.of(
                "relu6",
                "elu",
                "selu",
                "softplus",
                "softsign",
                "sigmoid",
                "tanh",
                "lrelu",
                "hardtanh",
                "hardsigmoid",
                "cube",
                "rationaltanh",
                "rectifiedtanh",
                "thresholdedrelu")) {
            add(name, () -> builder(name, floats(3, 7, 33)).addFloatingPointArguments(0.1));
            add(name + "_bp", () -> builder(name + "_bp", floats(3, 7, 33), floats(4, 7, 33))
                    .addFloatingPointArguments(0.1));
        }
        add("digamma", () -> inputs("digamma", between(5, 0.5, 4, 7, 33)));
        add("lgamma", () -> inputs("lgamma", between(5, 0.5, 4, 7, 33)));
        add("igamma", () -> inputs("igamma", between(5, 0.5, 4, 7, 33), between(6, 0.5, 4, 7, 33)));
        add("igammac", () -> inputs("igammac", between(5, 0.5, 4, 7, 33), between(6, 0.5, 4, 7, 33)));
        add("betainc", () -> inputs("betainc", between(5, 0.5, 4, 33), between(6, 0.5, 4, 33), fractions(7, 33)));
        add("zeta", () -> inputs("zeta", between(5, 1.5, 4, 33), between(6, 0.5, 4, 33)));
        add("polygamma", () -> inputs("polygamma", between(5, 1, 1.0001, 33), between(6, 0.5, 4, 33)));
        add("clipbyvalue", () -> builder("clipbyvalue", floats(8, 7, 33)).addFloatingPointArguments(-0.5, 0.5));
        add("clipbynorm", () -> builder("clipbynorm", floats(8, 7, 33)).addFloatingPointArguments(1.5));
        add("cumsum", () -> builder("cumsum", floats(9, 7, 33)).addIntegerArguments(0, 0, 1));
        add("cumprod", () -> builder("cumprod", fractions(9, 7, 33)).addIntegerArguments(0, 0, 1));
        add("prelu", () -> inputs("prelu", floats(9, 7, 33), fractions(10, 33)));
        add("crelu", () -> inputs("crelu", floats(9, 7, 33)));
        add("log_softmax", () -> inputs("log_softmax", floats(9, 7, 33)));
        add("softmax", () -> builder("softmax", floats(9, 7, 33)).addIntegerArguments(1));
        add("softmax_bp", () -> builder("softmax_bp", floats(9, 7, 33), floats(8, 7, 33))
                .addIntegerArguments(1));
        add("biasadd", () -> inputs("biasadd", floats(9, 7, 33), floats(10, 33)));
        add("standardize", () -> builder("standardize", floats(9, 7, 33)).addIntegerArguments(1));
        add("select", () -> inputs("select", bools(1, 7, 33), floats(2, 7, 33), floats(3, 7, 33)));
        add("where_np", () -> inputs("where_np", bools(1, 7, 33), floats(2, 7, 33), floats(3, 7, 33)));
        add("is_non_decreasing", () -> inputs("is_non_decreasing", floats(2, 33)));
        add("is_strictly_increasing", () -> inputs("is_strictly_increasing", floats(2, 33)));
        add("mergeadd", () -> inputs("mergeadd", floats(2, 7, 33), floats(3, 7, 33), floats(4, 7, 33)));
        add("mergeavg", () -> inputs("mergeavg", floats(2, 7, 33), floats(3, 7, 33), floats(4, 7, 33)));
        add("mergemax", () -> inputs("mergemax", floats(2, 7, 33), floats(3, 7, 33), floats(4, 7, 33)));
    }

    private void reductions() {
        for (String name : List.of(
                "reduce_sum",
                "reduce_mean",
                "reduce_max",
                "reduce_min",
                "reduce_prod",
                "reduce_norm1",
                "reduce_norm2",
                "reduce_norm_max",
                "reduce_sqnorm",
                "reduce_variance",
                "reduce_stdev",
                "reduce_logsumexp",
                "argmax",
                "argmin",
                "argamax")) {
            add(name, () -> builder(name, floats(11, 7, 33, 5)).addIntegerArguments(1));
        }
        // no negative numbers: of these, the CPU backend of 1.0.0-M1.1 does not find the one nearest to zero
        add("argamin", () -> builder("argamin", fractions(11, 7, 33, 5)).addIntegerArguments(1));
        add("moments", () -> builder("moments", floats(11, 7, 33)).addIntegerArguments(1));
        add("top_k", () -> builder("top_k", floats(11, 7, 33)).addIntegerArguments(4, 1));
        add("in_top_k", () -> builder("in_top_k", floats(11, 7, 33), randomInts(12, 33, 7))
                .addIntegerArguments(5));
        add("nth_element", () -> builder("nth_element", floats(11, 7, 33), Nd4j.scalar(3))
                .addIntegerArguments(0));
        add("percentile", () -> builder("percentile", floats(11, 7, 33))
                .addFloatingPointArguments(50.0)
                .addIntegerArguments(1));
        add("confusion_matrix", () -> inputs("confusion_matrix", randomInts(1, 5, 40), randomInts(2, 5, 40)));
        add("bincount", () -> builder("bincount", randomInts(1, 9, 100)));
        add("histogram", () -> builder("histogram", floats(1, 100)).addIntegerArguments(10));
        add(
                "zero_fraction",
                () -> inputs(
                        "zero_fraction", randomInts(1, 3, 100).castTo(scalar(0).dataType())));
    }

    private void shapes() {
        add("concat", () -> builder("concat", floats(1, 3, 4), floats(2, 5, 4)).addIntegerArguments(0));
        add("stack", () -> builder("stack", floats(1, 3, 4), floats(2, 3, 4)).addIntegerArguments(1));
        add("unstack", () -> builder("unstack", floats(1, 3, 4)).addIntegerArguments(0));
        add("split", () -> builder("split", floats(1, 6, 4)).addIntegerArguments(3, 0));
        add("tile", () -> builder("tile", floats(1, 3, 4)).addIntegerArguments(2, 3));
        add("repeat", () -> builder("repeat", floats(1, 3, 4)).addIntegerArguments(2, 2, 2, 0));
        add("reverse", () -> builder("reverse", floats(1, 3, 4)).addIntegerArguments(1));
        add("reverse_sequence", () -> builder("reverse_sequence", floats(1, 3, 4), randomInts(2, 4, 3))
                .addIntegerArguments(1, 0));
        add("roll", () -> builder("roll", floats(1, 3, 4)).addIntegerArguments(2, 1));
        add("permute", () -> builder("permute", floats(1, 3, 4, 5)).addIntegerArguments(2, 0, 1));
        add("transpose", () -> inputs("transpose", floats(1, 3, 4)));
        add("reshape", () -> builder("reshape", floats(1, 3, 4)).addIntegerArguments(-99, 2, 6));
        add("expand_dims", () -> builder("expand_dims", floats(1, 3, 4)).addIntegerArguments(1));
        add("squeeze", () -> builder("squeeze", floats(1, 3, 1, 4)).addIntegerArguments(1));
        add("slice", () -> builder("slice", floats(1, 5, 6)).addIntegerArguments(1, 2, 3, 3));
        add("strided_slice", () -> builder("strided_slice", floats(1, 5, 6))
                .addIntegerArguments(0, 0, 0, 0, 0, 0, 1, 5, 6, 2, 2));
        add("pad", () -> builder("pad", floats(1, 3, 4), ints(1, 2, 2, 1).reshape(2, 2))
                .addIntegerArguments(0)
                .addFloatingPointArguments(0.5));
        add("mirror_pad", () -> builder(
                        "mirror_pad", floats(1, 3, 4), ints(1, 2, 2, 1).reshape(2, 2))
                .addIntegerArguments(0));
        add("depth_to_space", () -> builder("depth_to_space", floats(1, 2, 3, 3, 8))
                .addIntegerArguments(2, 1));
        add("space_to_depth", () -> builder("space_to_depth", floats(1, 2, 4, 4, 3))
                .addIntegerArguments(2, 1));
        add("space_to_batch", () -> builder(
                        "space_to_batch",
                        floats(1, 2, 4, 4, 3),
                        ints(0, 0, 0, 0).reshape(2, 2))
                .addIntegerArguments(2));
        add("batch_to_space", () -> builder(
                        "batch_to_space",
                        floats(1, 8, 2, 2, 3),
                        ints(0, 0, 0, 0).reshape(2, 2))
                .addIntegerArguments(2));
        add("eye", () -> builder("eye").addIntegerArguments(-99, 4, 5));
        add("fill", () -> builder("fill", longs(3, 4)).addFloatingPointArguments(1.5));
        add("range", () -> builder("range").addFloatingPointArguments(0.0, 5.0, 0.5));
        add("lin_space", () -> inputs("lin_space", scalar(1), scalar(9), Nd4j.scalar(7L)));
        add("meshgrid", () -> inputs("meshgrid", floats(1, 3), floats(2, 4)));
        add("onehot", () -> builder("onehot", randomInts(1, 5, 7))
                .addIntegerArguments(-1, 5)
                .addFloatingPointArguments(1.0, 0.0));
        add("sequence_mask", () -> builder("sequence_mask", randomInts(1, 5, 7)).addIntegerArguments(6));
        add("tear", () -> builder("tear", floats(1, 3, 4)).addIntegerArguments(1));
        add("shape_of", () -> inputs("shape_of", floats(1, 3, 4)));
        add("size", () -> inputs("size", floats(1, 3, 4)));
        add("rank", () -> inputs("rank", floats(1, 3, 4)));
        add("unique", () -> inputs("unique", randomInts(1, 9, 40)));
        add("listdiff", () -> inputs("listdiff", randomInts(1, 9, 40), randomInts(2, 9, 5)));
        add("invert_permutation", () -> inputs("invert_permutation", ints(3, 0, 2, 1)));
        add("Where", () -> inputs("Where", bools(1, 5, 6)));
    }

    private void scatterAndGather() {
        add("gather", () -> builder("gather", floats(1, 9, 5), randomInts(2, 9, 4))
                .addIntegerArguments(0));
        add("gather_nd", () -> inputs("gather_nd", floats(1, 9, 5), randomInts(2, 5, 4, 2)));
        for (String name : List.of(
                "scatter_add",
                "scatter_sub",
                "scatter_mul",
                "scatter_div",
                "scatter_max",
                "scatter_min",
                "scatter_upd")) {
            add(name, () -> inputs(name, fractions(1, 9, 5), ints(7, 0, 3, 8), fractions(3, 4, 5)));
        }
        add("scatter_nd", () -> inputs("scatter_nd", ints(1, 3, 5).reshape(3, 1), floats(2, 3, 4), longs(7, 4)));
        for (String name : List.of("scatter_nd_add", "scatter_nd_sub", "scatter_nd_update")) {
            add(name, () -> inputs(name, floats(1, 7, 4), ints(1, 3, 5).reshape(3, 1), floats(2, 3, 4)));
        }
        add("dynamic_partition", () -> builder("dynamic_partition", floats(1, 9, 5), randomInts(2, 3, 9))
                .addIntegerArguments(3));
        add("dynamic_stitch", () -> inputs("dynamic_stitch", ints(0, 2), ints(1, 3), floats(1, 2, 5), floats(2, 2, 5)));
        add("embedding_lookup", () -> builder("embedding_lookup", floats(1, 9, 5), randomInts(2, 9, 4))
                .addIntegerArguments(0));
    }

    private void segments() {
        for (String kind : List.of("sum", "mean", "max", "min", "prod")) {
            add("segment_" + kind, () -> inputs("segment_" + kind, floats(1, 6, 5), ints(0, 0, 1, 2, 2, 2)));
            add("unsorted_segment_" + kind, () -> builder(
                            "unsorted_segment_" + kind, floats(1, 6, 5), ints(2, 0, 1, 2, 0, 1))
                    .addIntegerArguments(3));
        }
        add("unsorted_segment_sqrt_n", () -> builder("unsorted_segment_sqrt_n", floats(1, 6, 5), ints(2, 0, 1, 2, 0, 1))
                .addIntegerArguments(3));
    }

    private void linearAlgebra() {
        add("matmul", () -> inputs("matmul", floats(1, 33, 65), floats(2, 65, 17)));
        add("matmul, batch", () -> inputs("matmul", floats(1, 3, 33, 65), floats(2, 3, 65, 17)));
        add("matmul_bp", () -> inputs("matmul_bp", floats(1, 33, 65), floats(2, 65, 17), floats(3, 33, 17)));
        add("tensormmul", () -> builder("tensormmul", floats(1, 3, 4), floats(2, 4, 5))
                .addIntegerArguments(1, 1, 1, 0));
        add("dot", () -> inputs("dot", floats(1, 65), floats(2, 65)));
        add("cross", () -> inputs("cross", floats(1, 7, 3), floats(2, 7, 3)));
        add("cholesky", () -> inputs("cholesky", positiveDefinite(9)));
        add("matrix_inverse", () -> inputs("matrix_inverse", positiveDefinite(9)));
        add("matrix_determinant", () -> inputs("matrix_determinant", positiveDefinite(5)));
        add("log_matrix_determinant", () -> inputs("log_matrix_determinant", positiveDefinite(5)));
        add("logdet", () -> inputs("logdet", positiveDefinite(5)));
        add("solve", () -> inputs("solve", positiveDefinite(9), floats(2, 9, 3)));
        add("triangular_solve", () -> inputs("triangular_solve", lower(9), floats(2, 9, 3)));
        add("lu", () -> inputs("lu", positiveDefinite(9)));
        add("diag", () -> inputs("diag", floats(1, 7)));
        add("diag_part", () -> inputs("diag_part", floats(1, 7, 7)));
        add("matrix_diag", () -> inputs("matrix_diag", floats(1, 3, 7)));
        add("matrix_diag_part", () -> inputs("matrix_diag_part", floats(1, 3, 7, 7)));
        add("matrix_set_diag", () -> inputs("matrix_set_diag", floats(1, 3, 7, 7), floats(2, 3, 7)));
        add("matrix_band_part", () -> builder("matrix_band_part", floats(1, 7, 7))
                .addIntegerArguments(1, 2));
        add("trace", () -> inputs("trace", floats(1, 3, 7, 7)));
        add("triu", () -> builder("triu", floats(1, 7, 7)).addIntegerArguments(1));
        add("tri", () -> builder("tri").addIntegerArguments(5, 6, 1));
        add("svd, singular values", () -> builder("svd", floats(1, 7, 5)).addIntegerArguments(0, 0, 16));
    }

    private static INDArray positiveDefinite(int n) {
        INDArray a = fractions(21, n, n);
        return a.mmul(a.transpose()).addi(Nd4j.eye(n));
    }

    private static INDArray lower(int n) {
        return Nd4j.createFromArray(new float[n * n])
                .reshape(n, n)
                .addi(positiveDefinite(n).mul(lowerMask(n)));
    }

    private static INDArray lowerMask(int n) {
        INDArray mask = Nd4j.zeros(scalar(0).dataType(), n, n);
        for (int i = 0; i < n; i++) {
            for (int j = 0; j <= i; j++) {
                mask.putScalar(i, j, 1);
            }
        }
        return mask;
    }

    private void random() {
        draw("randomuniform", 0.0, 1.0);
        draw("random_normal", 1.0, 2.0);
        draw("random_bernoulli", 0.3);
        draw("random_exponential", 2.0);
        add(distribution("Nd4j.rand", UniformDistribution.class, () -> Nd4j.rand(DRAWS)));
        add(distribution("Nd4j.randn", GaussianDistribution.class, () -> Nd4j.randn(DRAWS)));
        add(distribution("BinomialDistribution", BinomialDistribution.class, () -> Nd4j.getExecutioner()
                .exec(new BinomialDistribution(Nd4j.create(scalar(0).dataType(), DRAWS), 5, 0.4))));
        add(distribution("TruncatedNormalDistribution", TruncatedNormalDistribution.class, () -> Nd4j.getExecutioner()
                .exec(new TruncatedNormalDistribution(Nd4j.create(scalar(0).dataType(), DRAWS), 0.0, 1.0))));
        add(distribution("DropOutInverted", DropOutInverted.class, () -> Nd4j.getExecutioner()
                .exec(new DropOutInverted(Nd4j.ones(scalar(0).dataType(), DRAWS), 0.5))));
    }

    private void draw(String name, Double... arguments) {
        add(new OpCase(
                name,
                classOf(name),
                OpCase.Kind.DISTRIBUTION,
                () -> Nd4j.exec(builder(name, longs(DRAWS))
                        .addFloatingPointArguments(arguments)
                        .build())));
    }

    private static OpCase distribution(String name, Class<?> type, Supplier<INDArray> run) {
        return new OpCase(name, type, OpCase.Kind.DISTRIBUTION, () -> new INDArray[] {run.get()});
    }
}

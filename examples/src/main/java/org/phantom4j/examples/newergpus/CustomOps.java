package org.phantom4j.examples.newergpus;

import static org.phantom4j.examples.newergpus.Inputs.between;
import static org.phantom4j.examples.newergpus.Inputs.bools;
import static org.phantom4j.examples.newergpus.Inputs.floats;
import static org.phantom4j.examples.newergpus.Inputs.fractions;
import static org.phantom4j.examples.newergpus.Inputs.ints;
import static org.phantom4j.examples.newergpus.Inputs.longs;
import static org.phantom4j.examples.newergpus.Inputs.oneHot;
import static org.phantom4j.examples.newergpus.Inputs.randomInts;
import static org.phantom4j.examples.newergpus.Inputs.scalar;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;

/** Ops of ND4J's newer kind, by name, with inputs that suit them. */
final class CustomOps {
    private static final int DRAWS = 10_000;

    private final List<OpCase> cases = new ArrayList<>();

    private CustomOps() {}

    static List<OpCase> all() {
        CustomOps ops = new CustomOps();
        ops.elementwise();
        ops.reductions();
        ops.shapes();
        ops.scatterAndGather();
        ops.segments();
        ops.linearAlgebra();
        ops.convolutions();
        ops.networks();
        ops.losses();
        ops.updaters();
        ops.images();
        ops.random();
        return ops.cases;
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
                "argamax",
                "argamin")) {
            add(name, () -> builder(name, floats(11, 7, 33, 5)).addIntegerArguments(1));
        }
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
        add("reverse_sequence", () -> builder("reverse_sequence", floats(1, 3, 4), randomInts(2, 3, 4))
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

    /** Kernel, stride, padding, dilation 3x3, 1, 0, 1; padding mode "same"; NCHW. */
    private void convolutions() {
        add("conv1d", () -> builder("conv1d", floats(1, 2, 4, 16), floats(2, 3, 4, 5), floats(3, 5))
                .addIntegerArguments(3, 1, 0, 1, 1, 0));
        add("conv2d", () -> builder("conv2d", floats(1, 2, 4, 9, 9), floats(2, 3, 3, 4, 5), floats(3, 5))
                .addIntegerArguments(3, 3, 1, 1, 0, 0, 1, 1, 1, 0));
        add("conv2d_bp", () -> builder(
                        "conv2d_bp", floats(1, 2, 4, 9, 9), floats(2, 3, 3, 4, 5), floats(3, 5), floats(4, 2, 5, 9, 9))
                .addIntegerArguments(3, 3, 1, 1, 0, 0, 1, 1, 1, 0));
        add("conv3dnew", () -> builder("conv3dnew", floats(1, 2, 3, 5, 5, 5), floats(2, 2, 2, 2, 3, 4), floats(3, 4))
                .addIntegerArguments(2, 2, 2, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 0));
        add("deconv2d", () -> builder("deconv2d", floats(1, 2, 4, 5, 5), floats(2, 3, 3, 5, 4), floats(3, 5))
                .addIntegerArguments(3, 3, 1, 1, 0, 0, 1, 1, 1, 0));
        add("depthwise_conv2d", () -> builder(
                        "depthwise_conv2d", floats(1, 2, 4, 9, 9), floats(2, 3, 3, 4, 2), floats(3, 8))
                .addIntegerArguments(3, 3, 1, 1, 0, 0, 1, 1, 1, 0));
        add("sconv2d", () -> builder(
                        "sconv2d", floats(1, 2, 4, 9, 9), floats(2, 3, 3, 4, 2), floats(3, 1, 1, 8, 5), floats(4, 5))
                .addIntegerArguments(3, 3, 1, 1, 0, 0, 1, 1, 1, 0));
        for (String name : List.of("maxpool2d", "avgpool2d", "pnormpool2d")) {
            add(name, () -> builder(name, fractions(1, 2, 4, 8, 8))
                    .addIntegerArguments(2, 2, 2, 2, 0, 0, 1, 1, 0, 2, 0));
            add(name + "_bp", () -> builder(name + "_bp", fractions(1, 2, 4, 8, 8), floats(2, 2, 4, 4, 4))
                    .addIntegerArguments(2, 2, 2, 2, 0, 0, 1, 1, 0, 2, 0));
        }
        for (String name : List.of("maxpool3dnew", "avgpool3dnew")) {
            add(name, () -> builder(name, fractions(1, 2, 3, 4, 4, 4))
                    .addIntegerArguments(2, 2, 2, 2, 2, 2, 0, 0, 0, 1, 1, 1, 0, 0, 0));
        }
        add("upsampling2d", () -> builder("upsampling2d", floats(1, 2, 4, 5, 5)).addIntegerArguments(2, 3, 1));
        add("upsampling3d", () -> builder("upsampling3d", floats(1, 2, 4, 3, 3, 3))
                .addIntegerArguments(2, 2, 2, 1));
        add("im2col", () -> builder("im2col", floats(1, 2, 4, 8, 8)).addIntegerArguments(3, 3, 1, 1, 0, 0, 1, 1, 0));
        add("col2im", () -> builder("col2im", floats(1, 2, 4, 3, 3, 6, 6))
                .addIntegerArguments(1, 1, 0, 0, 8, 8, 1, 1, 0));
        add("lrn", () -> builder("lrn", floats(1, 2, 8, 5, 5))
                .addFloatingPointArguments(1.0, 0.1, 0.5)
                .addIntegerArguments(2));
        add("extract_image_patches", () -> builder("extract_image_patches", floats(1, 2, 8, 8, 3))
                .addIntegerArguments(3, 3, 2, 2, 1, 1, 0));
        add("dilation2d", () -> builder("dilation2d", floats(1, 2, 8, 8, 3), floats(2, 3, 3, 3))
                .addIntegerArguments(1, 1, 1, 1, 1, 1, 1, 1, 1));
    }

    private void networks() {
        add("batchnorm", () -> builder(
                        "batchnorm",
                        floats(1, 6, 4, 5, 5),
                        floats(2, 4),
                        fractions(3, 4),
                        fractions(4, 4),
                        floats(5, 4))
                .addFloatingPointArguments(1e-5)
                .addIntegerArguments(1, 1, 1));
        add("layer_norm", () -> builder("layer_norm", floats(1, 6, 32), floats(2, 32), floats(3, 32))
                .addIntegerArguments(1));
        add("layer_norm_bp", () -> builder(
                        "layer_norm_bp", floats(1, 6, 32), floats(2, 32), floats(3, 32), floats(4, 6, 32))
                .addIntegerArguments(1));
        add("fused_batch_norm", () -> builder("fused_batch_norm", floats(1, 6, 5, 5, 4), fractions(2, 4), floats(3, 4))
                .addFloatingPointArguments(0.001)
                .addIntegerArguments(0, 1));
        add("xw_plus_b", () -> inputs("xw_plus_b", floats(1, 6, 32), floats(2, 32, 9), floats(3, 9)));
        add("relu_layer", () -> inputs("relu_layer", floats(1, 6, 32), floats(2, 32, 9), floats(3, 9)));
        add("dot_product_attention", () -> builder(
                        "dot_product_attention", floats(1, 2, 8, 5), floats(2, 2, 8, 6), floats(3, 2, 8, 6))
                .addIntegerArguments(1, 0));
        add("dot_product_attention_bp", () -> builder(
                        "dot_product_attention_bp",
                        floats(1, 2, 8, 5),
                        floats(2, 2, 8, 6),
                        floats(3, 2, 8, 6),
                        floats(4, 2, 8, 5))
                .addIntegerArguments(1));
        add("multi_head_dot_product_attention", () -> builder(
                        "multi_head_dot_product_attention",
                        floats(1, 2, 8, 5),
                        floats(2, 2, 8, 6),
                        floats(3, 2, 8, 6),
                        floats(4, 2, 4, 8),
                        floats(5, 2, 4, 8),
                        floats(6, 2, 4, 8),
                        floats(7, 8, 8))
                .addIntegerArguments(1, 0));
        // time-major sequences of 5 steps, 3 samples, 4 inputs, 6 units; every output asked for
        add("lstmLayer", () -> builder(
                        "lstmLayer", floats(1, 5, 3, 4), floats(2, 4, 24), floats(3, 6, 24), floats(4, 24))
                .addIntegerArguments(0, 0, 2, 0, 0)
                .addFloatingPointArguments(0.0)
                .addBooleanArguments(true, false, false, false, false, true, true, true));
        add(
                "gruCell",
                () -> inputs(
                        "gruCell",
                        floats(1, 3, 4),
                        floats(2, 3, 6),
                        floats(3, 10, 12),
                        floats(4, 10, 6),
                        floats(5, 12),
                        floats(6, 6)));
        add(
                "gru",
                () -> inputs(
                        "gru", floats(1, 5, 3, 4), floats(2, 3, 6), floats(3, 4, 18), floats(4, 6, 18), floats(5, 18)));
        add(
                "sru",
                () -> inputs(
                        "sru",
                        floats(1, 3, 6, 5),
                        floats(2, 18, 6),
                        floats(3, 12),
                        floats(4, 3, 6),
                        Nd4j.ones(scalar(0).dataType(), 3, 6)));
        add("lstmCell", () -> builder(
                        "lstmCell",
                        floats(1, 3, 4),
                        floats(2, 3, 6),
                        floats(3, 3, 6),
                        floats(4, 4, 24),
                        floats(5, 6, 24),
                        floats(6, 18),
                        floats(7, 6, 6),
                        floats(8, 24))
                .addIntegerArguments(0, 0)
                .addFloatingPointArguments(0.0, 0.0, 1.0));
    }

    private void losses() {
        for (String name : List.of(
                "absolute_difference_loss",
                "cosine_distance_loss",
                "hinge_loss",
                "huber_loss",
                "log_loss",
                "log_poisson_loss",
                "mean_pairwssqerr_loss",
                "mean_sqerr_loss",
                "sigm_cross_entropy_loss",
                "softmax_cross_entropy_loss")) {
            // reduction: mean; the last number is a dimension or a switch that only some read
            add(name, () -> builder(name, fractions(1, 6, 5), scalar(1), loss(name))
                    .addIntegerArguments(2, 1)
                    .addFloatingPointArguments(name.equals("huber_loss") ? 1.0 : name.equals("log_loss") ? 1e-7 : 0.0));
            add(name + "_grad", () -> builder(name + "_grad", fractions(1, 6, 5), scalar(1), loss(name))
                    .addIntegerArguments(2, 1)
                    .addFloatingPointArguments(name.equals("huber_loss") ? 1.0 : name.equals("log_loss") ? 1e-7 : 0.0));
        }
        add("softmax_cross_entropy_loss_with_logits", () -> builder(
                        "softmax_cross_entropy_loss_with_logits", floats(1, 6, 5), oneHot(2, 6, 5))
                .addIntegerArguments(1));
        add(
                "sparse_softmax_cross_entropy_loss_with_logits",
                () -> inputs("sparse_softmax_cross_entropy_loss_with_logits", randomInts(1, 5, 6), floats(2, 6, 5)));
        add(
                "weighted_cross_entropy_with_logits",
                () -> inputs("weighted_cross_entropy_with_logits", fractions(1, 6, 5), floats(2, 6, 5), scalar(0.7)));
        add("l2_loss", () -> inputs("l2_loss", floats(1, 6, 5)));
    }

    private static INDArray loss(String name) {
        return name.startsWith("softmax") || name.startsWith("hinge") ? oneHot(2, 6, 5) : fractions(2, 6, 5);
    }

    /** A gradient and the updater's state, in that order; learning rate, its constants, iteration 3. */
    private void updaters() {
        updater("sgd_updater", 0, 0.1);
        updater("rms_prop_updater", 1, 0.1, 0.9, 1e-8);
        updater("ada_grad_updater", 1, 0.1, 1e-8);
        updater("ada_max_updater", 2, 0.1, 0.9, 0.999, 1e-8);
        updater("nesterovs_updater", 1, 0.1, 0.9);
        updater("adam_updater", 2, 0.1, 0.9, 0.999, 1e-8);
        updater("nadam_updater", 2, 0.1, 0.9, 0.999, 1e-8);
        updater("ada_delta_updater", 2, 0.9, 1e-6);
        updater("ams_grad_updater", 3, 0.1, 0.9, 0.999, 1e-8);
    }

    private void updater(String name, int states, double... constants) {
        add(name, () -> {
            INDArray[] arrays = new INDArray[1 + states];
            for (int i = 0; i < arrays.length; i++) {
                arrays[i] = fractions(30 + i, 7, 33);
            }
            DynamicCustomOp.DynamicCustomOpsBuilder builder =
                    builder(name, arrays).addFloatingPointArguments(box(constants));
            return states > 0 ? builder.addIntegerArguments(3) : builder;
        });
    }

    private static Double[] box(double... values) {
        return java.util.Arrays.stream(values).boxed().toArray(Double[]::new);
    }

    private void images() {
        add("resize_bilinear", () -> builder("resize_bilinear", floats(1, 2, 5, 6, 3))
                .addIntegerArguments(9, 10));
        add("resize_nearest_neighbor", () -> builder("resize_nearest_neighbor", floats(1, 2, 5, 6, 3))
                .addIntegerArguments(9, 10));
        add("resize_bicubic", () -> inputs("resize_bicubic", floats(1, 2, 5, 6, 3), ints(9, 10)));
        add("resize_area", () -> builder("resize_area", floats(1, 2, 5, 6, 3)).addIntegerArguments(9, 10));
        add(
                "crop_and_resize",
                () -> inputs("crop_and_resize", floats(1, 2, 8, 8, 3), fractions(2, 3, 4), ints(0, 1, 0), ints(4, 4)));
        add("rgb_to_hsv", () -> inputs("rgb_to_hsv", fractions(1, 5, 6, 3)));
        add("hsv_to_rgb", () -> inputs("hsv_to_rgb", fractions(1, 5, 6, 3)));
        add("rgb_to_grs", () -> inputs("rgb_to_grs", fractions(1, 5, 6, 3)));
        add("rgb_to_yuv", () -> inputs("rgb_to_yuv", fractions(1, 5, 6, 3)));
        add("yuv_to_rgb", () -> inputs("yuv_to_rgb", fractions(1, 5, 6, 3)));
        add("adjust_contrast_v2", () -> builder("adjust_contrast_v2", fractions(1, 5, 6, 3))
                .addFloatingPointArguments(1.5));
        add("adjust_saturation", () -> builder("adjust_saturation", fractions(1, 5, 6, 3))
                .addFloatingPointArguments(1.5));
        add("adjust_hue", () -> builder("adjust_hue", fractions(1, 5, 6, 3)).addFloatingPointArguments(0.3));
        add("non_max_suppression", () -> builder("non_max_suppression", sortedBoxes(), fractions(2, 5))
                .addIntegerArguments(3)
                .addFloatingPointArguments(0.5, 0.0));
    }

    private static INDArray sortedBoxes() {
        INDArray corners = between(1, 0, 0.4, 5, 4);
        return corners.addi(Nd4j.createFromArray(0f, 0f, 0.5f, 0.5f).broadcast(5, 4));
    }

    private void random() {
        draw("randomuniform", 0.0, 1.0);
        draw("random_normal", 1.0, 2.0);
        draw("random_bernoulli", 0.3);
        draw("random_exponential", 2.0);
        cases.add(distribution("Nd4j.rand", () -> Nd4j.rand(DRAWS)));
        cases.add(distribution("Nd4j.randn", () -> Nd4j.randn(DRAWS)));
        cases.add(distribution("BinomialDistribution", () -> Nd4j.getExecutioner()
                .exec(new org.nd4j.linalg.api.ops.random.impl.BinomialDistribution(
                        Nd4j.create(scalar(0).dataType(), DRAWS), 5, 0.4))));
        cases.add(distribution("TruncatedNormalDistribution", () -> Nd4j.getExecutioner()
                .exec(new org.nd4j.linalg.api.ops.random.impl.TruncatedNormalDistribution(
                        Nd4j.create(scalar(0).dataType(), DRAWS), 0.0, 1.0))));
        cases.add(distribution("DropOutInverted", () -> Nd4j.getExecutioner()
                .exec(new org.nd4j.linalg.api.ops.random.impl.DropOutInverted(
                        Nd4j.ones(scalar(0).dataType(), DRAWS), 0.5))));
    }

    private void draw(String name, Double... arguments) {
        cases.add(new OpCase(
                name,
                OpCase.Kind.DISTRIBUTION,
                () -> Nd4j.exec(builder(name, longs(DRAWS))
                        .addFloatingPointArguments(arguments)
                        .build())));
    }

    private static OpCase distribution(String name, Supplier<INDArray> run) {
        return new OpCase(name, OpCase.Kind.DISTRIBUTION, () -> new INDArray[] {run.get()});
    }

    private void add(String name, Supplier<DynamicCustomOp.DynamicCustomOpsBuilder> builder) {
        cases.add(new OpCase(
                name, OpCase.Kind.VALUES, () -> Nd4j.exec(builder.get().build())));
    }

    private static DynamicCustomOp.DynamicCustomOpsBuilder inputs(String name, INDArray... inputs) {
        return builder(name, inputs);
    }

    private static DynamicCustomOp.DynamicCustomOpsBuilder builder(String name, INDArray... inputs) {
        return DynamicCustomOp.builder(name).addInputs(inputs);
    }
}

package org.phantom4j.examples.newergpus;

import static org.phantom4j.examples.newergpus.Inputs.between;
import static org.phantom4j.examples.newergpus.Inputs.floats;
import static org.phantom4j.examples.newergpus.Inputs.fractions;
import static org.phantom4j.examples.newergpus.Inputs.ints;
import static org.phantom4j.examples.newergpus.Inputs.oneHot;
import static org.phantom4j.examples.newergpus.Inputs.randomInts;
import static org.phantom4j.examples.newergpus.Inputs.scalar;

import java.util.Arrays;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;

/** Ops of ND4J's newer kind, by name, with inputs that suit them: of neural networks. */
final class NetworkOps extends CaseList {
    NetworkOps() {
        convolutions();
        networks();
        losses();
        updaters();
        images();
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
            // the norm's exponent; whether an average counts padding, where backends differ on all but 0 and 1
            int extra = name.equals("pnormpool2d") ? 2 : 1;
            add(name, () -> builder(name, fractions(1, 2, 4, 8, 8))
                    .addIntegerArguments(2, 2, 2, 2, 0, 0, 1, 1, 0, extra, 0));
            add(name + "_bp", () -> builder(name + "_bp", fractions(1, 2, 4, 8, 8), floats(2, 2, 4, 4, 4))
                    .addFloatingPointArguments(1e-6)
                    .addIntegerArguments(2, 2, 2, 2, 0, 0, 1, 1, 0, extra, 0));
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
        return Arrays.stream(values).boxed().toArray(Double[]::new);
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
}

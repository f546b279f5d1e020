package org.phantom4j.ops.gpu;

import java.util.Random;

/** A phantom layer of one rank, which is between two others: numbers, and what its kernels should make of them. */
final class PhantomLayerCase {

    private static final int FIRST_OWN = 1;

    final Sharded out;
    final Sharded in;
    final int k;
    final ElementwiseActivation activation;
    final double[] x;
    final double[] bias;

    /** L of each shard, column-major. */
    final double[] weights;

    /** Of all ranks' shards. */
    final double[] images;

    /** A shard's own rows are no numbers. */
    final double[] decompressors;

    private final OnDevice on;
    private final int count;

    PhantomLayerCase(OnDevice on, int batch, ShardWidths in, ShardWidths out, int k, ElementwiseActivation activation) {
        this.on = on;
        this.in = new Sharded(on, in, batch);
        this.out = new Sharded(on, out, batch);
        this.k = k;
        this.activation = activation;
        this.count = (FIRST_OWN + out.shards() + 1) * k;
        Random random = new Random(batch * 31L + out.length());
        this.x = this.in.values(random);
        this.bias = this.out.bias(random);
        this.weights = this.out.numbers(random, in.stride(), Double.NaN);
        this.images = OnDevice.numbers(random, batch * count);
        this.decompressors = this.out.numbers(random, count, Double.NaN);
        for (int place = 0; place < this.out.length(); place++) {
            for (int i = 0; i < k; i++) {
                decompressors[place * count + (FIRST_OWN + place / out.stride()) * k + i] = Double.NaN;
            }
        }
    }

    PhantomKernels.Images images() {
        return new PhantomKernels.Images(on.factors(images), count, FIRST_OWN, k);
    }

    Neurons neurons() {
        return new Neurons(on.parameter(bias, false), activation, out.batch(), out.widths());
    }

    /** x L, and no numbers between shards. */
    double[] local() {
        int batch = out.batch();
        int inner = in.widths().stride();
        double[] z = new double[out.count()];
        for (int place = 0; place < out.length(); place++) {
            int shard = place / out.widths().stride();
            for (int i = 0; i < inner; i++) {
                double weight = weights[place * inner + i];
                for (int b = 0; b < batch; b++) {
                    z[place * batch + b] += x[(shard * inner + i) * batch + b] * weight;
                }
            }
        }
        return z;
    }

    /** activation(x L + Σ g_i D_i + b). */
    double[] activations() {
        int batch = out.batch();
        double[] z = local();
        for (int place = 0; place < out.length(); place++) {
            int own = FIRST_OWN + place / out.widths().stride();
            for (int i = 0; i < count; i++) {
                for (int b = 0; b < batch && i / k != own; b++) {
                    z[place * batch + b] += images[i * batch + b] * decompressors[place * count + i];
                }
            }
        }
        return out.activated(z, bias, activation);
    }

    void assertActivations(double[] expected, TwoOrders to, long exact, String what) {
        out.assertReals(expected, exact, 4 * on.sumBound(), what);
        out.assertOrders(expected, to, what);
    }

    @Override
    public String toString() {
        return "batch " + out.batch() + ", k " + k + ", " + activation + ", " + in.widths() + " to " + out.widths();
    }
}

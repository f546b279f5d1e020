package org.phantom4j.layers.ranks;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Supplier;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.Communicator;

/** Compares what the ranks of a group make a network of. */
public final class ConfigurationAgreement {

    private static final String LAYER = "\"layerName\" : ";

    private ConfigurationAgreement() {}

    /**
     * Gives all ranks rank 0's seed, which is the clock's time where nobody chose one, and refuses configurations that differ
     * in anything else. A collective.
     *
     * @param all the configurations of the network's layers, and of what they have in common; changed
     * @param json the whole configuration as text
     * @throws IllegalStateException on a rank whose configuration is not rank 0's
     */
    public static void require(Communicator group, List<NeuralNetConfiguration> all, Supplier<String> json) {
        long own = all.get(0).getSeed();
        long seed = ofFirst(group, own)[0];
        for (NeuralNetConfiguration each : all) {
            if (each.getSeed() == own) {
                each.setSeed(seed);
            }
        }
        // ranks that compare differently would wait for one another
        String described = "system property " + Checks.PROPERTY + " = " + Checks.chosen() + "\n" + json.get();
        byte[] text = described.getBytes(StandardCharsets.UTF_8);
        int length = (int) ofFirst(group, text.length)[0];
        long[] words = new long[length];
        for (int i = 0; i < Math.min(length, text.length); i++) {
            words[i] = text[i];
        }
        long[] expected = ofFirst(group, words);
        byte[] first = new byte[length];
        for (int i = 0; i < length; i++) {
            first[i] = (byte) expected[i];
        }
        requireSame(group, described, new String(first, StandardCharsets.UTF_8));
    }

    private static void requireSame(Communicator group, String text, String expected) {
        List<String> lines = text.lines().toList();
        List<String> others = expected.lines().toList();
        String layer = "";
        for (int i = 0; i < Math.max(lines.size(), others.size()); i++) {
            String line = i < lines.size() ? lines.get(i).strip() : "the end";
            String other = i < others.size() ? others.get(i).strip() : "the end";
            if (!line.equals(other)) {
                throw new IllegalStateException("rank " + group.rank() + "'s configuration differs from rank 0's: "
                        + line
                        + " instead of " + other + (layer.isEmpty() ? "" : ", in layer " + layer + " or after it")
                        + ". Every rank needs the same configuration of the whole network");
            }
            layer = line.startsWith(LAYER) ? line.substring(LAYER.length(), line.length() - 1) : layer;
        }
    }

    /** Refuses contents of whole networks that differ. A collective. */
    static void requireSameContents(Communicator group, INDArray... contents) {
        long own = new BatchFingerprint(0).add(1 << 12, contents).value();
        long expected = ofFirst(group, own)[0];
        if (own != expected) {
            throw new IllegalStateException(
                    "rank " + group.rank() + "'s whole network has other parameters than rank 0's,"
                            + " or another state of the updater: did the ranks read different files?");
        }
    }

    private static long[] ofFirst(Communicator group, long... values) {
        INDArray array = Nd4j.zeros(DataType.INT64, values.length).detach();
        for (int i = 0; i < values.length; i++) {
            array.data().put(i, values[i]);
        }
        group.stats().withoutCounting(() -> group.broadcast(array, 0));
        return array.toLongVector();
    }
}

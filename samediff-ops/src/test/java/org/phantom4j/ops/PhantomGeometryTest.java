package org.phantom4j.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.LocalRanks;

class PhantomGeometryTest {

    /** Runs one pass of an op on a rank. */
    private interface Pass {
        INDArray[] run();
    }

    /** What one pass was counted to do. */
    private record Counted(long multiplyAdds, long bytes, List<INDArray> outputs) {
        static Counted of(Communicator group, Pass pass) {
            long products = Products.multiplyAdds();
            long bytes = group.stats().bytesSent();
            INDArray[] outputs = pass.run();
            return new Counted(Products.multiplyAdds() - products, group.stats().bytesSent() - bytes, List.of(outputs));
        }
    }

    @Test
    void countsOfAnEvenLayerAreThoseOfTheEquations() {
        long n = 4096;
        int p = 4;
        long k = 64;
        long batch = 128;
        PhantomGeometry geometry = new PhantomGeometry(n, n, p, k);
        LayerCost phantom = geometry.phantomCost(p, batch, true, 4);
        assertEquals(n * n / p + p * k * n + n, phantom.parameters());
        assertEquals(batch * (n * n / p + p * k * n), phantom.forwardMultiplyAdds());
        assertEquals(2 * phantom.forwardMultiplyAdds(), phantom.backwardMultiplyAdds());
        assertEquals(4 * batch * k * p * (p - 1), phantom.forwardBytes());
        assertEquals(phantom.forwardBytes(), phantom.backwardBytes());
        assertEquals(3 * phantom.forwardMultiplyAdds(), phantom.multiplyAdds());
        assertEquals(2 * phantom.forwardBytes(), phantom.bytes());

        LayerCost tensor = geometry.tensorCost(p, batch, true, 4);
        assertEquals(n * n + n, tensor.parameters());
        assertEquals(batch * n * n, tensor.forwardMultiplyAdds());
        assertEquals(2 * batch * n * n, tensor.backwardMultiplyAdds());
        assertEquals(4 * batch * n * (p - 1), tensor.forwardBytes());
        assertEquals(tensor.forwardBytes(), tensor.backwardBytes());
    }

    @Test
    void aSingleShardIsADenseLayerWithAnIdleCompressor() {
        PhantomGeometry geometry = new PhantomGeometry(10, 7, 1, 3);
        assertEquals(new LayerCost(10 * 7 + 10 * 3 + 7, 2 * 70, 4 * 70, 0, 0), geometry.phantomCost(1, 2, true, 8));
        assertEquals(new LayerCost(10 * 7 + 7, 2 * 70, 2 * 70, 0, 0), geometry.tensorCost(1, 2, false, 8));
    }

    @Test
    void phantomFormulasAreWhatIsCounted() throws Exception {
        Random random = new Random(2);
        for (int i = 0; i < 25; i++) {
            PhantomGeometry geometry = geometry(random);
            long batch = 1L + random.nextInt(5);
            DataType type = random.nextBoolean() ? DataType.FLOAT : DataType.DOUBLE;
            RandomLayer layer = new RandomLayer(geometry, batch, RandomLayer.Layout.F, type, i);
            for (int ranks : divisors(geometry.shards())) {
                for (boolean inputGradient : new boolean[] {true, false}) {
                    List<LayerCost> counted = LocalRanks.run(ranks, Duration.ofMinutes(2), group -> {
                        ShardRange own = ShardRange.of(group.rank(), ranks, geometry.shards());
                        Counted forward = Counted.of(
                                group, () -> Nd4j.exec(new PhantomDense(geometry, layer.forwardInputs(own), null)));
                        INDArray[] inputs = layer.backwardInputs(own, forward.outputs.get(1));
                        Counted backward = Counted.of(
                                group, () -> Nd4j.exec(new PhantomDenseBp(geometry, inputs, null, inputGradient)));
                        long parameters = layer.parameters(own).stream()
                                .mapToLong(INDArray::length)
                                .sum();
                        return cost(parameters, forward, backward);
                    });
                    for (int rank = 0; rank < ranks; rank++) {
                        assertEquals(
                                geometry.phantomCost(rank, ranks, batch, inputGradient, type.width()),
                                counted.get(rank),
                                geometry + ", rank " + rank + " of " + ranks + ", batch " + batch);
                    }
                    assertEquals(
                            geometry.phantomCost(ranks, batch, inputGradient, type.width()),
                            counted.stream().reduce(LayerCost.ZERO, LayerCost::plus));
                }
            }
        }
    }

    @Test
    void tensorFormulasAreWhatIsCounted() throws Exception {
        Random random = new Random(3);
        for (int i = 0; i < 25; i++) {
            PhantomGeometry geometry = geometry(random);
            long batch = 1L + random.nextInt(5);
            DataType type = random.nextBoolean() ? DataType.FLOAT : DataType.DOUBLE;
            INDArray x = Nd4j.rand(type, batch, geometry.nIn());
            INDArray delta = Nd4j.rand(type, batch, geometry.nOut());
            for (int ranks : divisors(geometry.shards())) {
                for (boolean inputGradient : new boolean[] {true, false}) {
                    List<LayerCost> counted = LocalRanks.run(ranks, Duration.ofMinutes(2), group -> {
                        ShardRange own = ShardRange.of(group.rank(), ranks, geometry.shards());
                        INDArray weights =
                                Nd4j.rand(type, geometry.nIn(), geometry.out().width(own));
                        INDArray bias = Nd4j.rand(type, geometry.out().width(own));
                        INDArray ownX = Products.columns(
                                x,
                                geometry.in().offset(own.first()),
                                geometry.in().width(own));
                        INDArray ownDelta = Products.columns(
                                delta,
                                geometry.out().offset(own.first()),
                                geometry.out().width(own));
                        INDArray[] inputs = {ownX, weights, bias};
                        Counted forward =
                                Counted.of(group, () -> Nd4j.exec(new TensorParallelDense(geometry, inputs, null)));
                        INDArray[] backwardInputs = {forward.outputs.get(1), ownDelta, weights, bias};
                        Counted backward = Counted.of(
                                group,
                                () -> Nd4j.exec(
                                        new TensorParallelDenseBp(geometry, backwardInputs, null, inputGradient)));
                        return cost(weights.length() + bias.length(), forward, backward);
                    });
                    for (int rank = 0; rank < ranks; rank++) {
                        assertEquals(
                                geometry.tensorCost(rank, ranks, batch, inputGradient, type.width()),
                                counted.get(rank),
                                geometry + ", rank " + rank + " of " + ranks + ", batch " + batch);
                    }
                    assertEquals(
                            geometry.tensorCost(ranks, batch, inputGradient, type.width()),
                            counted.stream().reduce(LayerCost.ZERO, LayerCost::plus));
                }
            }
        }
    }

    private static LayerCost cost(long parameters, Counted forward, Counted backward) {
        return new LayerCost(parameters, forward.multiplyAdds, backward.multiplyAdds, forward.bytes, backward.bytes);
    }

    private static PhantomGeometry geometry(Random random) {
        int shards = 1 + random.nextInt(4);
        return new PhantomGeometry(
                shards + random.nextInt(20), shards + random.nextInt(20), shards, 1 + random.nextInt(8));
    }

    private static int[] divisors(int shards) {
        return IntStream.rangeClosed(1, shards).filter(r -> shards % r == 0).toArray();
    }

    @Test
    void decompressorsLieInTheOrderOfTheirSources() {
        PhantomGeometry geometry = new PhantomGeometry(8, 8, 4, 5);
        assertEquals(20, geometry.gatheredWidth());
        assertEquals(15, geometry.decompressorRows());
        long[] rowsOfShard1 = Arrays.stream(new int[] {0, 2, 3})
                .mapToLong(from -> geometry.decompressorRow(from, 1))
                .toArray();
        assertEquals("[0, 5, 10]", Arrays.toString(rowsOfShard1));
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> geometry.decompressorRow(1, 1));
        assertEquals("shard 1 has no decompressor for its own activations", e.getMessage());
    }

    @Test
    void sizesMustMakeSense() {
        assertEquals(
                "phantom width must be at least 1, not 0",
                assertThrows(IllegalArgumentException.class, () -> new PhantomGeometry(8, 8, 4, 0))
                        .getMessage());
        assertThrows(IllegalArgumentException.class, () -> new PhantomGeometry(3, 8, 4, 1));
        assertThrows(IllegalArgumentException.class, () -> new PhantomGeometry(8, 3, 4, 1));
        assertThrows(IllegalArgumentException.class, () -> new PhantomGeometry(8, 8, 4, 1).phantomCost(3, 1, true, 4));
    }
}

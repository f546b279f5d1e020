package org.phantom4j.comm.aeron;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.comm.RandomCollectives;

/** Every algorithm from one byte on, up to three collectives under way at a time, in three groups. */
class AlgorithmsTest {

    private static final int SEEDS = 6;
    private static final Duration TIMEOUT = Duration.ofMinutes(2);

    @ParameterizedTest
    @CsvSource({"HALVING,2", "HALVING,4", "HALVING,8", "RING,2"})
    void resultsAreThoseOfTheLocalBackEnd(Algorithm algorithm, int size) throws Exception {
        AeronOptions options = AeronOptions.defaults()
                .withTimeout(TIMEOUT)
                .withTermLengths(65536, 65536)
                .withDirectAllReduceBytes(0)
                .withAlgorithm(algorithm);
        for (int seed = 0; seed < SEEDS; seed++) {
            RandomCollectives collectives = new RandomCollectives(seed, 80, 20_000);
            List<long[]> expected = LocalRanks.run(size, TIMEOUT, collectives::run);
            List<long[]> actual = AeronRanks.run(size, options, collectives::run);
            for (int rank = 0; rank < size; rank++) {
                for (int step = 0; step < collectives.steps(); step++) {
                    assertEquals(expected.get(rank)[step], actual.get(rank)[step], collectives.describe(step));
                }
            }
        }
    }

    @Test
    void largeArraysOfManyRanksTakeStepsByDefault() throws Exception {
        AeronOptions options = AeronOptions.defaults().withTimeout(TIMEOUT);
        assertEquals(Algorithm.AUTO, options.algorithm());
        assertFalse(Steps.takes(options, Steps.AUTO_BYTES - 1));
        assertTrue(Steps.takes(options, Steps.AUTO_BYTES));
        assertInstanceOf(Halving.class, Steps.of(options.algorithm(), Steps.AUTO_RANKS));
        assertNull(Steps.of(options.algorithm(), Steps.AUTO_RANKS / 2));
        assertNull(Steps.of(options.algorithm(), Steps.AUTO_RANKS + 1));

        int elements = Math.toIntExact(Steps.AUTO_BYTES / Float.BYTES);
        List<INDArray> sums = AeronRanks.run(Steps.AUTO_RANKS, options, communicator -> {
            INDArray sum = Nd4j.arange(elements).subi(elements / 2).addi(communicator.rank());
            communicator.allReduce(sum);
            return sum;
        });
        INDArray expected =
                Nd4j.arange(elements).subi(elements / 2).muli(Steps.AUTO_RANKS).addi(28);
        sums.forEach(sum -> assertEquals(expected, sum));
    }
}

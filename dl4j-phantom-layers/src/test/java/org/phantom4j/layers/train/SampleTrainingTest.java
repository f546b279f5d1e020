package org.phantom4j.layers.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/** Steps on samples, batch by batch. */
class SampleTrainingTest {

    /** Keeps the batches; the loss of a step is that of its number. */
    private static final class Recorder implements StepTrainer {
        private final List<DataSet> batches = new ArrayList<>();
        private int diverges = Integer.MAX_VALUE;

        @Override
        public double step(DataSet batch) {
            batches.add(batch);
            return batches.size() > diverges ? Double.POSITIVE_INFINITY : batches.size() - 1;
        }

        @Override
        public INDArray output(INDArray features) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void load() {}

        @Override
        public void store() {}

        @Override
        public void close() {}
    }

    private final Recorder recorder = new Recorder();
    private final INDArray features = Nd4j.arange(33).castTo(DataType.FLOAT).reshape(11, 3);
    private final INDArray labels = Nd4j.arange(11).castTo(DataType.FLOAT).reshape(11, 1);

    @Test
    void epochsAreShuffledByTheSeedAndGoOnWhereTheyEnded() {
        List<Long> heard = new ArrayList<>();
        SampleTraining training = recorder.on(features, labels, 4, 42);
        assertEquals(0, training.steps(1, (step, loss) -> heard.add(step)));
        assertEquals(6, training.steps(6, (step, loss) -> heard.add(step)));
        assertEquals(List.of(0L, 1L, 2L, 3L, 4L, 5L, 6L), heard);
        List<Integer> rows = new ArrayList<>();
        for (DataSet batch : recorder.batches) {
            for (int i = 0; i < batch.numExamples(); i++) {
                int row = batch.getLabels().getInt(i, 0);
                assertEquals(3 * row + 2, batch.getFeatures().getInt(i, 2));
                rows.add(row);
            }
        }
        List<Integer> expected = new ArrayList<>();
        for (int epoch = 0; epoch < 3; epoch++) {
            for (int row : ShuffledRows.order(11, 42 + epoch)) {
                expected.add(row);
            }
        }
        assertEquals(
                List.of(4, 4, 3, 4, 4, 3, 4),
                recorder.batches.stream().map(DataSet::numExamples).toList());
        assertEquals(expected.subList(0, 26), rows);
    }

    @Test
    void aTrainingThatDivergesEndsAndNamesTheStep() {
        recorder.diverges = 2;
        SampleTraining training = recorder.on(features, labels, 4, 1);
        ArithmeticException e = assertThrows(ArithmeticException.class, () -> training.steps(5, StepListener.NONE));
        assertTrue(e.getMessage().startsWith("the loss of step 2 is Infinity"), e.getMessage());
    }
}

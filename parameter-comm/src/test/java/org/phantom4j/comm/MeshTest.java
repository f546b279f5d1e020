package org.phantom4j.comm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class MeshTest {

    private static final Duration TIMEOUT = Duration.ofMinutes(2);

    @ParameterizedTest
    @CsvSource({"1, 1", "4, 1", "4, 4", "4, 2", "6, 3", "8, 2"})
    void rowsAndColumnsSumWhatIsTheirs(int ranks, int replicas) throws Exception {
        int columns = ranks / replicas;
        LocalRanks.run(ranks, TIMEOUT, all -> {
            try (Mesh mesh = Mesh.of(all, replicas)) {
                assertEquals(all.rank() / columns, mesh.replica());
                assertEquals(columns, mesh.model().size());
                assertEquals(replicas, mesh.data().size());
                assertEquals(all.rank() % columns, mesh.model().rank());
                INDArray row = Nd4j.createFromArray((double) all.rank());
                mesh.model().allReduce(row);
                INDArray column = Nd4j.createFromArray((double) all.rank());
                mesh.data().allReduce(column);
                int first = mesh.replica() * columns;
                assertEquals(columns * first + columns * (columns - 1) / 2, row.getDouble(0));
                int own = all.rank() % columns;
                assertEquals(replicas * own + columns * replicas * (replicas - 1) / 2, column.getDouble(0));
                long rowBytes = CommStats.allReduceElements(1, mesh.model().rank(), columns) * Double.BYTES;
                long columnBytes = CommStats.allReduceElements(1, mesh.replica(), replicas) * Double.BYTES;
                assertEquals(rowBytes + columnBytes, mesh.bytesSent());
            }
            // still open
            all.allReduce(Nd4j.create(DataType.DOUBLE, 1));
            return null;
        });
    }

    @Test
    void replicasMustDivideTheRanks() {
        assertThrows(IllegalArgumentException.class, () -> LocalRanks.run(4, TIMEOUT, all -> Mesh.of(all, 3)));
        assertThrows(IllegalArgumentException.class, () -> LocalRanks.run(4, TIMEOUT, all -> Mesh.of(all, 0)));
    }
}

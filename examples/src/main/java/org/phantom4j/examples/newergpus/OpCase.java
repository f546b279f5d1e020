package org.phantom4j.examples.newergpus;

import java.util.function.Supplier;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * One op on given inputs.
 *
 * @param name   the op's name, and what is special about the inputs
 * @param type   ND4J's class for the op; null where it has none, and names the op alone
 * @param kind   how results of two backends compare
 * @param run    runs it and gives its outputs
 */
record OpCase(String name, Class<?> type, Kind kind, Supplier<INDArray[]> run) {
    /** How results compare. */
    enum Kind {
        /** Number by number, within the tolerance of their type. */
        VALUES,
        /** Mean and deviation: each backend draws numbers of its own. */
        DISTRIBUTION
    }
}

package org.phantom4j.layers;

import java.util.List;
import org.junit.jupiter.api.function.Executable;
import org.opentest4j.TestAbortedException;

/** What Deeplearning4j itself cannot do in one of its versions: tests of it end there, saying so. */
final class Deeplearning4jFaults {

    /** Of MinMaxNormConstraint, and of layers with layer normalisation, in 1.0.0-M1.1. */
    private static final List<String> MESSAGES = List.of(
            "When no dimensions are provided, X and Y shapes must be equal", "Op [layer_norm] execution failed");

    private Deeplearning4jFaults() {}

    /** Runs a test; it is aborted if it fails by one of them. */
    static void skipped(Executable test) throws Exception {
        try {
            test.execute();
        } catch (Exception | Error e) {
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                String message = String.valueOf(cause.getMessage());
                if (MESSAGES.stream().anyMatch(message::startsWith)) {
                    throw new TestAbortedException("Deeplearning4j of this version fails: " + message, e);
                }
            }
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }
}

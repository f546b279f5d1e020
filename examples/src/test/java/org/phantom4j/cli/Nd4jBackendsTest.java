package org.phantom4j.cli;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.phantom4j.cli.frame.UsageException;
import org.phantom4j.ops.cuda.retarget.library.RetargetException;

class Nd4jBackendsTest {

    @Test
    void aClassPathWithoutABackendIsRefusedWithWhatToDo() {
        ClassLoader nothing = new ClassLoader(null) {};
        UsageException e = assertThrows(UsageException.class, () -> Nd4jBackends.requireOne(nothing));
        assertTrue(e.getMessage().startsWith("there is no ND4J backend on the class path"), e.getMessage());
        assertTrue(e.getMessage().contains("org.nd4j:nd4j-native-platform:1.0.0-M"), e.getMessage());
        assertTrue(e.getMessage().contains("PHANTOM_CLASSPATH"), e.getMessage());
    }

    @Test
    void theBackendOfTheTestsIsFound() {
        assertDoesNotThrow(() -> Nd4jBackends.requireOne());
    }

    @Test
    void aGpuThatNd4jHasNoKernelsForGetsThatMessageAlone() {
        LinkageError wrapped = new UnsatisfiedLinkError("no kernels: translate them");
        wrapped.initCause(new RetargetException("no kernels: translate them"));
        assertEquals("no kernels: translate them", Nd4jBackends.explain(wrapped));
    }

    @Test
    void aLibraryThatIsMissingIsNamed() {
        LinkageError wrapped = new NoClassDefFoundError("Could not initialize class");
        wrapped.initCause(new UnsatisfiedLinkError("no jnind4jcpu in java.library.path"));
        String message = Nd4jBackends.explain(wrapped);
        assertTrue(message.contains("no jnind4jcpu in java.library.path"), message);
        assertTrue(message.contains("PHANTOM_CLASSPATH"), message);
    }
}

package org.phantom4j.ops.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.nd4j.common.io.Resource;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.ops.cuda.retarget.RetargetedLibraries;

class OpBackendTest {

    @AfterEach
    void forgetTheMode() {
        System.clearProperty(RetargetedLibraries.MODE);
    }

    @Test
    void aMissingBackendIsNotAvailable() {
        CudaOpBackend missing = new CudaOpBackend();
        assertFalse(missing.isAvailable());
        assertFalse(missing.canRun());
    }

    @Test
    void handsOutTheOtherBackendsConfigurationWithOurExecutioner() throws IOException {
        NativeOpBackend backend = new NativeOpBackend();
        assertTrue(backend.isAvailable());
        assertTrue(backend.canRun());
        assertEquals(backend.backend().allowsOrder(), backend.allowsOrder());
        assertEquals(backend.backend().getNDArrayClass(), backend.getNDArrayClass());
        assertEquals(backend.backend().getEnvironment(), backend.getEnvironment());
        // loads ND4J, which build information needs
        assertNotNull(Nd4j.getBackend());
        assertNotNull(backend.buildInfo());
        backend.logBackendInit();
        Resource resource = backend.getConfigurationResource();
        assertTrue(resource.getDescription().contains("CpuBackend"), resource.getDescription());
        Properties properties = new Properties();
        try (InputStream in = resource.getInputStream()) {
            properties.load(in);
        }
        assertEquals(PhantomNativeOpExecutioner.class.getName(), properties.getProperty("opexec"));
        assertEquals("javacpp", properties.getProperty("alloc"));
        assertEquals(PhantomNativeOpExecutioner.class, Nd4j.getExecutioner().getClass());
    }

    @Test
    void withoutNd4jsCudaLibraryThereIsNothingToPrepare() {
        RetargetedLibraries.prepare();
        System.setProperty(RetargetedLibraries.MODE, "off");
        RetargetedLibraries.prepare();
        System.setProperty(RetargetedLibraries.MODE, "maybe");
        Error error = assertThrows(UnsatisfiedLinkError.class, RetargetedLibraries::prepare);
        assertTrue(error.getMessage().contains("expected automatic or off"), error.getMessage());
    }
}

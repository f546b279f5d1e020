package org.phantom4j.ops.cuda.fatbin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GpuArchitectureTest {
    @Test
    void bothNotationsAreTheSame() {
        assertEquals(GpuArchitecture.parse("sm_90"), GpuArchitecture.parse("9.0"));
        assertEquals("sm_120", GpuArchitecture.parse("12.0").toString());
        assertEquals("10.3", GpuArchitecture.parse("sm_103").capability());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "90", "sm_9", "sm_90a", "sm_9000", "9", "9.0.0", "hopper", "-9.0"})
    void otherTextIsRefusedByName(String text) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> GpuArchitecture.parse(text));
        assertTrue(e.getMessage().contains("\"" + text + "\""), e.getMessage());
    }

    @Test
    void kernelsRunOnLaterMinorVersionsOfTheirMajorOne() {
        GpuArchitecture ada = new GpuArchitecture(89);
        assertTrue(ada.runs(new GpuArchitecture(86)));
        assertTrue(ada.runs(new GpuArchitecture(80)));
        assertFalse(ada.runs(new GpuArchitecture(90)));
        assertFalse(new GpuArchitecture(90).runs(ada));
        assertFalse(new GpuArchitecture(80).runs(new GpuArchitecture(86)));
    }
}

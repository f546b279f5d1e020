package org.phantom4j.comm.world;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HostListTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "a1 | a1",
                "a1,b[2-3] | a1",
                "a[001-004,7],b2 | a001",
                "a[7,9] | a7",
                "gpu-03 | gpu-03",
                "n[01-04]-ib0 | n01-ib0",
                "rack[0-1]_blade[0-3] | rack0_blade0",
                "rack[2,4-5]_blade[13-14,3]-[7-8].cluster.example,login[1-2] | rack2_blade13-7.cluster.example",
                "[a-b]1 | a-b1",
                "x[1-2],y | x1",
                "r[0[1-2],3]n | r01n",
                "[10-12]n[0-1] | 10n0",
            })
    void firstHost(String list, String first) {
        assertEquals(first, HostList.first(list));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a[1-2", "a1-2]", "a[1[2]", "", ",b"})
    void whatIsNoListIsNamed(String list) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> HostList.first(list));
        assertTrue(e.getMessage().contains("'" + list + "'"), e.getMessage());
    }
}

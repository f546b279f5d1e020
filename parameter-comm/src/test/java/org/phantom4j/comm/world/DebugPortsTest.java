package org.phantom4j.comm.world;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DebugPortsTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=*:5005"
                        + " | -agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=*:5035",
                "-agentlib:jdwp=transport=dt_socket,address=5005,server=y"
                        + " | -agentlib:jdwp=transport=dt_socket,address=5035,server=y",
                "-Xrunjdwp:transport=dt_socket,server=y,address=localhost:8000"
                        + " | -Xrunjdwp:transport=dt_socket,server=y,address=localhost:8030",
                "-agentlib:jdwp=transport=dt_socket,server=y,address=[::1]:8000"
                        + " | -agentlib:jdwp=transport=dt_socket,server=y,address=[::1]:8030",
                "-Dcom.sun.management.jmxremote.port=9010 | -Dcom.sun.management.jmxremote.port=9040",
                "-Dcom.sun.management.jmxremote.rmi.port=9011 | -Dcom.sun.management.jmxremote.rmi.port=9041",
            })
    void everyRankHasPortsOfItsOwn(String option, String ofRankTwo) {
        assertEquals(List.of("java", ofRankTwo, "Main"), DebugPorts.forRank(List.of("java", option, "Main"), 2));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-agentlib:jdwp=transport=dt_socket,server=y,suspend=n",
                "-agentlib:jdwp=transport=dt_socket,server=y,address=0",
                "-Dcom.sun.management.jmxremote.port=0",
                "-Dcom.sun.management.jmxremote.authenticate=false",
                "-Dport=9010",
                "--port=5005",
            })
    void otherOptionsStayAsTheyAre(String option) {
        assertEquals(List.of(option), DebugPorts.forRank(List.of(option), 1));
    }

    @Test
    void whatOnlyOneProcessCanHaveIsTheLaunchers() {
        // a debugger that waits for one connection; a port beyond the last
        assertEquals(
                List.of("java"),
                DebugPorts.forRank(
                        List.of(
                                "java",
                                "-agentlib:jdwp=transport=dt_socket,address=localhost:5005",
                                "-Dcom.sun.management.jmxremote.port=65530"),
                        0));
    }
}

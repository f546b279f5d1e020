package org.phantom4j.comm.world;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class WorldTest {

    @Test
    void readsWhatTorchrunSets() {
        assertEquals(
                Optional.of(new World(3, 4, 1, "10.0.0.1", 1234)),
                World.fromEnvironment(Map.of(
                        "RANK", "3",
                        "WORLD_SIZE", "4",
                        "LOCAL_RANK", "1",
                        "MASTER_ADDR", "10.0.0.1",
                        "MASTER_PORT", "1234",
                        "SLURM_PROCID", "9")));
    }

    @Test
    void readsWhatSlurmSets() {
        assertEquals(
                Optional.of(new World(1, 2, 0, "gpu03", World.DEFAULT_PORT)),
                World.fromEnvironment(Map.of(
                        "SLURM_PROCID", "1",
                        "SLURM_NTASKS", "2",
                        "SLURM_LOCALID", "0",
                        "SLURM_JOB_NODELIST", "gpu[03-04]")));
    }

    @Test
    void readsWhatOpenMpiSets() {
        assertEquals(
                Optional.of(new World(0, 8, 0, "head", World.DEFAULT_PORT)),
                World.fromEnvironment(Map.of(
                        "OMPI_COMM_WORLD_RANK", "0",
                        "OMPI_COMM_WORLD_SIZE", "8",
                        "OMPI_COMM_WORLD_LOCAL_RANK", "0",
                        "MASTER_ADDR", "head")));
    }

    @Test
    void noLauncherIsNoWorld() {
        assertEquals(Optional.empty(), World.fromEnvironment(Map.of("WORLD_SIZE", "2")));
    }

    @Test
    void whatIsWrongIsNamed() {
        assertNames("WORLD_SIZE", Map.of("RANK", "0"));
        assertNames("'two'", Map.of("RANK", "0", "WORLD_SIZE", "two"));
        assertNames("rank 2 of a job of 2", Map.of("RANK", "2", "WORLD_SIZE", "2", "MASTER_ADDR", "a"));
        assertNames("MASTER_ADDR", Map.of("RANK", "0", "WORLD_SIZE", "2"));
        assertNames("70000", Map.of("RANK", "0", "WORLD_SIZE", "2", "MASTER_ADDR", "a", "MASTER_PORT", "70000"));
    }

    private static void assertNames(String name, Map<String, String> environment) {
        IllegalArgumentException e =
                assertThrows(IllegalArgumentException.class, () -> World.fromEnvironment(environment));
        assertTrue(e.getMessage().contains(name), e.getMessage());
    }
}

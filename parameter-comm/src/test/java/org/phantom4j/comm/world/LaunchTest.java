package org.phantom4j.comm.world;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The environments are those that the launchers were seen to make, or that their manuals describe. */
class LaunchTest {

    /** What Slurm 22.05 sets in a batch script of two tasks on one node. */
    private static final String BATCH = "SLURM_JOB_ID=2 SLURM_JOBID=2 SLURM_LOCALID=0 SLURM_NNODES=1 SLURM_NPROCS=2"
            + " SLURM_NTASKS=2 SLURM_PROCID=0 SLURM_JOB_NODELIST=vm";

    /** And in a task that srun starts in it. */
    private static final String TASK = BATCH + " SLURM_PROCID=1 SLURM_LOCALID=1 SLURM_STEPID=0 SLURM_STEP_ID=0"
            + " SLURM_STEP_NODELIST=vm SLURM_STEP_NUM_NODES=1 SLURM_STEP_NUM_TASKS=2";

    private static final String OPEN_MPI = " OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2"
            + " OMPI_COMM_WORLD_LOCAL_RANK=1 OMPI_COMM_WORLD_LOCAL_SIZE=2 PMIX_RANK=1 PMIX_NAMESPACE=7";

    private static final String MPICH = " MPI_LOCALNRANKS=2 MPI_LOCALRANKID=1 PMI_FD=6 PMI_RANK=1 PMI_SIZE=2";

    /** The environment of words NAME=VALUE, of which the last with a name counts. */
    private static Map<String, String> environment(String words) {
        Map<String, String> environment = new HashMap<>();
        for (String word : words.trim().split("\\s+", -1)) {
            environment.put(word.substring(0, word.indexOf('=')), word.substring(word.indexOf('=') + 1));
        }
        return environment;
    }

    private static Launch launch(String words) {
        return Launch.of(environment(words));
    }

    private static void assertWorld(String words, String launcher, int rank, int size, int localRank, String address) {
        Launch launch = launch(words);
        World world = launch.world().orElseThrow();
        assertEquals(launcher, launch.launcher());
        assertEquals(
                rank + " of " + size + ", local " + localRank + ", " + address,
                world.rank() + " of " + world.size() + ", local " + world.localRank() + ", " + world.masterAddress());
        assertTrue(
                launch.notes().get(0).contains("started by " + launcher + " as rank " + rank + " of " + size),
                launch.notes().toString());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                // name, what it sets, rank, size, local rank, where rank 0 is
                "RANK and WORLD_SIZE | RANK=3 WORLD_SIZE=4 LOCAL_RANK=1 MASTER_ADDR=h | 3 | 4 | 1 | h",
                "RANK and WORLD_SIZE | RANK=3 WORLD_SIZE=4 MASTER_ADDR=h | 3 | 4 | -1 | h",
                "RANK and WORLD_SIZE | RANK=1 WORLD_SIZE=2 LOCAL_RANK=1 LOCAL_WORLD_SIZE=2 | 1 | 2 | 1 | 127.0.0.1",
                "torchrun | TORCHELASTIC_RUN_ID=x RANK=1 WORLD_SIZE=4 LOCAL_RANK=1 MASTER_ADDR=h | 1 | 4 | 1 | h",
                "Open MPI | OMPI_COMM_WORLD_RANK=5 OMPI_COMM_WORLD_SIZE=8 OMPI_COMM_WORLD_LOCAL_RANK=1"
                        + " OMPI_COMM_WORLD_LOCAL_SIZE=4 MASTER_ADDR=h | 5 | 8 | 1 | h",
                "MVAPICH2 | MV2_COMM_WORLD_RANK=2 MV2_COMM_WORLD_SIZE=4 MV2_COMM_WORLD_LOCAL_RANK=0"
                        + " MV2_COMM_WORLD_LOCAL_SIZE=2 PMI_RANK=2 PMI_SIZE=4 MASTER_ADDR=h | 2 | 4 | 0 | h",
                "MVAPICH | MVP_COMM_WORLD_RANK=2 MVP_COMM_WORLD_SIZE=4 MVP_COMM_WORLD_LOCAL_RANK=0 MASTER_ADDR=h"
                        + " | 2 | 4 | 0 | h",
                "PALS | PALS_RANKID=13 PALS_LOCAL_RANKID=1 PMI_RANK=13 PMI_SIZE=24 PMI_LOCAL_RANK=1 PMI_LOCAL_SIZE=12"
                        + " MASTER_ADDR=h | 13 | 24 | 1 | h",
                "PALS | PALS_RANKID=3 PALS_LOCAL_RANKID=1 WORLD_SIZE=4 MASTER_ADDR=h | 3 | 4 | 1 | h",
                "jsrun | JSM_NAMESPACE_RANK=7 JSM_NAMESPACE_SIZE=12 JSM_NAMESPACE_LOCAL_RANK=1 PMIX_RANK=7 MASTER_ADDR=h"
                        + " | 7 | 12 | 1 | h",
                "MPICH, Intel MPI or another with PMI | PMI_RANK=1 PMI_SIZE=4 MPI_LOCALRANKID=1 MPI_LOCALNRANKS=2"
                        + " MASTER_ADDR=h | 1 | 4 | 1 | h",
                "MPICH, Intel MPI or another with PMI | PMI_RANK=1 PMI_SIZE=2 MPI_LOCALRANKID=1 MPI_LOCALNRANKS=2"
                        + " | 1 | 2 | 1 | 127.0.0.1",
                "Flux | FLUX_TASK_RANK=6 FLUX_JOB_SIZE=8 FLUX_TASK_LOCAL_ID=2 FLUX_JOB_NNODES=2 MASTER_ADDR=h"
                        + " | 6 | 8 | 2 | h",
                "Flux | FLUX_TASK_RANK=6 FLUX_JOB_SIZE=8 FLUX_TASK_LOCAL_ID=6 FLUX_JOB_NNODES=1 | 6 | 8 | 6 | 127.0.0.1",
                "an indexed Job of Kubernetes | JOB_COMPLETION_INDEX=2 WORLD_SIZE=4 MASTER_ADDR=h | 2 | 4 | -1 | h",
                "PMIx | PMIX_RANK=2 PMIX_NAMESPACE=x WORLD_SIZE=4 MASTER_ADDR=h | 2 | 4 | -1 | h",
                "Slurm | SLURM_PROCID=5 SLURM_NTASKS=8 SLURM_LOCALID=1 SLURM_NNODES=2 SLURM_JOB_ID=1 SLURM_STEP_ID=0"
                        + " SLURM_JOB_NODELIST=rack[0-1]_blade[0-3] | 5 | 8 | 1 | rack0_blade0",
                "Slurm | SLURM_PROCID=1 SLURM_NPROCS=2 SLURM_STEP_ID=0 SLURM_NODELIST=n[01-04]-ib0 | 1 | 2 | -1 | n01-ib0",
                "Slurm | SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=2 SLURM_NTASKS=16 SLURM_STEP_ID=3 SLURM_STEP_NUM_NODES=2"
                        + " SLURM_STEP_NODELIST=n[3-4] SLURM_JOB_NODELIST=n[1-8] | 0 | 2 | -1 | n3",
                "Slurm | SLURM_PROCID=1 SLURM_NTASKS=2 SLURM_LOCALID=0 SLURM_JOB_NODELIST=gpu[03-04] | 1 | 2 | 0 | gpu03",
                "Slurm | SLURM_PROCID=0 SLURM_NTASKS=2 SLURM_LOCALID=0 SLURM_JOB_NODELIST=gpu[03-04] | 0 | 2 | 0 | gpu03",
            })
    void launchers(String launcher, String words, int rank, int size, int localRank, String address) {
        assertWorld(words, launcher, rank, size, localRank, address);
    }

    @Test
    void theInnermostLauncherCounts() {
        assertWorld(TASK, "Slurm", 1, 2, 1, "127.0.0.1");
        // mpirun in a batch script, whose own rank 0 all processes inherit
        assertWorld(BATCH + OPEN_MPI, "Open MPI", 1, 2, 1, "127.0.0.1");
        // which starts its helper as the only task of a step
        assertWorld(
                BATCH + MPICH + " SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=1 SLURM_NPROCS=1 SLURM_STEP_NUM_NODES=1",
                "MPICH, Intel MPI or another with PMI",
                1,
                2,
                1,
                "127.0.0.1");
        // mpirun over the nodes of an allocation, whose helpers Slurm has started
        assertWorld(
                "SLURM_JOB_ID=2 SLURM_PROCID=1 SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=3 SLURM_STEP_NODELIST=n[2-4]"
                        + " SLURM_JOB_NODELIST=n[1-4] OMPI_COMM_WORLD_RANK=6 OMPI_COMM_WORLD_SIZE=8"
                        + " OMPI_COMM_WORLD_LOCAL_RANK=0 OMPI_COMM_WORLD_LOCAL_SIZE=2",
                "Open MPI",
                6,
                8,
                0,
                "n1");
        // torchrun by mpirun, once for each host
        assertWorld(
                "OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 TORCHELASTIC_RUN_ID=x RANK=5 WORLD_SIZE=8 LOCAL_RANK=1"
                        + " MASTER_ADDR=h",
                "torchrun",
                5,
                8,
                1,
                "h");
        // RANK set from Open MPI's
        assertWorld("RANK=1 WORLD_SIZE=2 MASTER_ADDR=h" + OPEN_MPI, "RANK and WORLD_SIZE", 1, 2, 1, "h");
        // ./phantom within a task
        assertWorld(
                TASK + " PHANTOM_LAUNCHER=77 RANK=0 WORLD_SIZE=4 LOCAL_RANK=0 MASTER_ADDR=127.0.0.1",
                "phantom",
                0,
                4,
                0,
                "127.0.0.1");
    }

    @Test
    void aLauncherOfOneProcessHidesNoOther() {
        assertWorld("RANK=0 WORLD_SIZE=1 MASTER_ADDR=old " + TASK, "Slurm", 1, 2, 1, "old");
        assertWorld("RANK=0 WORLD_SIZE=1 " + OPEN_MPI, "Open MPI", 1, 2, 1, "127.0.0.1");
        assertWorld("OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=1 " + TASK, "Slurm", 1, 2, 1, "127.0.0.1");
        assertWorld("RANK=0 " + TASK, "Slurm", 1, 2, 1, "127.0.0.1");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "RANK=0 WORLD_SIZE=1 | RANK and WORLD_SIZE has started one process",
                "OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=1 | Open MPI has started one process",
                // srun --pty bash
                "SLURM_JOB_ID=1 SLURM_PROCID=0 SLURM_NTASKS=1 SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=1"
                        + " | Slurm has started one process",
                // salloc, whose shell is an interactive step
                "SLURM_JOB_ID=1 SLURM_PROCID=0 SLURM_NTASKS=8 SLURM_STEP_ID=4294967290"
                        + " | in a job of Slurm with 8 tasks, but not one of them",
                // salloc, whose shell is on the login node
                "SLURM_JOB_ID=1 SLURM_NTASKS=8 | in a job of Slurm with 8 tasks, but not one of them",
                BATCH + " | srun before the command would run a rank in each task",
            })
    void whatHasStartedNoRanksMakesNoWorld(String words, String note) {
        Launch launch = launch(words);
        assertEquals(Optional.empty(), launch.world());
        assertTrue(launch.notes().get(0).contains(note), launch.notes().toString());
    }

    @Test
    void nothingIsSaidWhereNothingIsRecognised() {
        Launch launch = launch("PATH=/bin WORLD_SIZE=4 SLURM_CONF=/etc/slurm.conf JOB_COMPLETION_INDEX_FILE=x");
        assertEquals(new Launch(Optional.empty(), "", List.of()), launch);
        // many such jobs are independent of one another
        assertEquals(Optional.empty(), launch("JOB_COMPLETION_INDEX=3").world());
    }

    @Test
    void aRankOfPhantomsOwnMayBeTheOnlyOne() {
        assertWorld("PHANTOM_LAUNCHER=7 RANK=0 WORLD_SIZE=1 LOCAL_RANK=0", "phantom", 0, 1, 0, "127.0.0.1");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "MASTER_PORT=29500 | 29500",
                "MASTER_PORT=29500 PHANTOM_PORT=4000 | 4000",
                "PHANTOM_PORT=4000 | 4000",
                "X=1 | 29541",
                // its agent listens at MASTER_PORT
                "TORCHELASTIC_RUN_ID=x MASTER_PORT=29500 | 29501",
                "TORCHELASTIC_RUN_ID=x MASTER_PORT=65535 | 65534",
                "TORCHELASTIC_RUN_ID=x MASTER_PORT=29500 PHANTOM_PORT=29500 | 29500",
                "TORCHELASTIC_RUN_ID=x MASTER_PORT=29500 PHANTOM_LAUNCHER=1 | 29500",
            })
    void ports(String words, int port) {
        World world =
                launch("RANK=0 WORLD_SIZE=2 MASTER_ADDR=h " + words).world().orElseThrow();
        assertEquals(port, world.masterPort());
    }

    @Test
    void allRanksOnOneHostAreKnownToBe() {
        assertTrue(launch(TASK).world().orElseThrow().oneHost());
        assertTrue(launch(BATCH + OPEN_MPI).world().orElseThrow().oneHost());
        assertTrue(launch("PHANTOM_LAUNCHER=1 RANK=0 WORLD_SIZE=2")
                .world()
                .orElseThrow()
                .oneHost());
        assertTrue(!launch("RANK=0 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1")
                .world()
                .orElseThrow()
                .oneHost());
        assertTrue(!launch("RANK=0 WORLD_SIZE=4 LOCAL_WORLD_SIZE=2 MASTER_ADDR=h")
                .world()
                .orElseThrow()
                .oneHost());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "PMIX_RANK=2 PMIX_NAMESPACE=x | PMIX_RANK is set but PMIX_SIZE, WORLD_SIZE is not",
                "PMI_RANK=2 | PMI_RANK is set but PMI_SIZE is not",
                "SLURM_PROCID=3 SLURM_JOB_NODELIST=a | SLURM_PROCID is set but SLURM_STEP_NUM_TASKS, SLURM_NTASKS",
                "FLUX_TASK_RANK=x FLUX_JOB_SIZE=2 | FLUX_TASK_RANK must be a whole number, not 'x'",
                "RANK=4 WORLD_SIZE=4 | RANK and WORLD_SIZE say rank 4 of a job of 4 ranks",
                "RANK=1 WORLD_SIZE=1 | RANK and WORLD_SIZE say rank 1 of a job of 1 ranks",
                "RANK=0 WORLD_SIZE=0 | of a job of 0 ranks",
                "OMPI_COMM_WORLD_RANK=-1 OMPI_COMM_WORLD_SIZE=2 MASTER_ADDR=h | say rank -1 of a job of 2",
                "OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 | MASTER_ADDR is not set",
                "RANK=0 WORLD_SIZE=2 MASTER_ADDR=h PHANTOM_PORT=0 | PHANTOM_PORT must be 1 to 65535, not 0",
                "SLURM_PROCID=1 SLURM_NTASKS=2 SLURM_JOB_NODELIST=a[1-2 | 'a[1-2' do not match",
                // left over in the shell that mpirun was called in
                "RANK=0 WORLD_SIZE=2 MASTER_ADDR=h OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2"
                        + " | RANK is 0 but OMPI_COMM_WORLD_RANK, of Open MPI, is 1",
            })
    void whatIsWrongIsNamed(String words, String part) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> launch(words));
        assertTrue(e.getMessage().contains(part), e.getMessage());
    }
}

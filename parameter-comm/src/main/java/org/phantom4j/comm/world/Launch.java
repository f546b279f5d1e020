package org.phantom4j.comm.world;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.phantom4j.comm.world.Launcher.Place;

/**
 * What the environment of a process says of how it was started.
 *
 * <p>The innermost launcher counts: RANK and WORLD_SIZE, then an MPI's launcher, then what runs those, such as Slurm. One that
 * has started a single process has started no ranks: its variables neither make this process a rank nor hide another launcher's.
 *
 * @param world which rank of which job the process is; empty if no launcher has started ranks
 * @param launcher the launcher's name; empty without one
 * @param notes what was recognised, and what of it is surprising; sentences for a user
 */
public record Launch(Optional<World> world, String launcher, List<String> notes) {

    /** Names the rendezvous' port, whatever the launcher uses MASTER_PORT for. */
    public static final String PORT = "PHANTOM_PORT";

    /** The launcher's name where {@link RankProcesses} is it. */
    public static final String OURS = "phantom";

    private static final int LAST_PORT = 65535;
    private static final List<String> SLURM_NODES =
            List.of("SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST", "SLURM_NODELIST");

    public Launch {
        notes = List.copyOf(notes);
    }

    /**
     * Reads an environment.
     *
     * @throws IllegalArgumentException if what is set is incomplete, contradicts itself or is no number
     */
    public static Launch of(Map<String, String> environment) {
        List<Place> places = new ArrayList<>();
        IllegalArgumentException incomplete = null;
        for (Launcher launcher : Launcher.ALL) {
            try {
                launcher.place(environment).ifPresent(places::add);
            } catch (IllegalArgumentException e) {
                incomplete = incomplete == null ? e : incomplete;
            }
        }
        Optional<Place> chosen = places.stream()
                .filter(place -> place.size() > 1 || environment.containsKey(Launcher.PHANTOM))
                .findFirst();
        if (chosen.isPresent()) {
            return of(environment, chosen.get(), places);
        }
        if (incomplete != null) {
            throw incomplete;
        }
        places.forEach(Launch::requirePossible);
        return new Launch(Optional.empty(), "", alone(environment, places));
    }

    private static Launch of(Map<String, String> environment, Place place, List<Place> all) {
        requirePossible(place);
        requireAgreement(place, all);
        // what one launcher does not say, another does that has started the same ranks
        List<Place> same = all.stream()
                .filter(other -> other.size() == place.size() && other.rank() == place.rank())
                .toList();
        int localRank = same.stream()
                .mapToInt(Place::localRank)
                .filter(number -> number >= 0)
                .findFirst()
                .orElse(-1);
        boolean oneHost = same.stream().anyMatch(Place::oneHost);
        World world = new World(
                place.rank(),
                place.size(),
                oneHost && localRank < 0 ? place.rank() : localRank,
                address(environment, place, oneHost),
                port(environment),
                oneHost);
        String note = "started by " + place.launcher().name() + " as rank " + place.rank() + " of " + place.size()
                + " (" + place.rankName() + ", " + place.sizeName() + "); rank 0 is at " + world.masterAddress() + ":"
                + world.masterPort();
        return new Launch(Optional.of(world), place.launcher().name(), List.of(note));
    }

    private static void requirePossible(Place place) {
        if (place.size() < 1 || place.rank() < 0 || place.rank() >= place.size()) {
            throw new IllegalArgumentException(
                    place.rankName() + " and " + place.sizeName() + " say rank " + place.rank() + " of a job of "
                            + place.size() + " ranks: ranks count from 0 to one less than the size");
        }
    }

    /** RANK and WORLD_SIZE can be left over in a shell; each process that is started there would have the same rank. */
    private static void requireAgreement(Place place, List<Place> all) {
        if (!place.launcher().equals(Launcher.BY_HAND)) {
            return;
        }
        for (Place other : all) {
            if (other.size() == place.size() && other.rank() != place.rank()) {
                throw new IllegalArgumentException("RANK is " + place.rank() + " but " + other.rankName() + ", of "
                        + other.launcher().name() + ", is " + other.rank()
                        + " of as many ranks: unset RANK and WORLD_SIZE"
                        + " if they are left over, or set RANK to what " + other.rankName() + " is");
            }
        }
    }

    private static List<String> alone(Map<String, String> environment, List<Place> places) {
        List<String> notes = new ArrayList<>();
        for (Place place : places) {
            notes.add(place.launcher().name() + " has started one process (" + place.rankName() + ", "
                    + place.sizeName() + "): ranks are started here");
        }
        boolean slurm = places.stream().anyMatch(place -> place.rankName().startsWith("SLURM"));
        Optional<String> tasks = Launcher.firstSet(environment, List.of("SLURM_NTASKS", "SLURM_NPROCS"));
        if (!slurm && tasks.isPresent() && environment.containsKey("SLURM_JOB_ID")) {
            notes.add(
                    "in a job of Slurm with " + environment.get(tasks.get()) + " tasks, but not one of them: ranks are"
                            + " started here, on this host; srun before the command would run a rank in each task");
        }
        return notes;
    }

    private static String address(Map<String, String> environment, Place place, boolean oneHost) {
        Optional<String> given = Launcher.firstSet(environment, List.of(World.MASTER_ADDR));
        if (given.isPresent()) {
            return environment.get(given.get()).trim();
        }
        if (oneHost) {
            return "127.0.0.1";
        }
        // a step that starts other launchers' helpers, one a node, is not the ranks' own
        List<String> names = place.rankName().startsWith("SLURM") ? SLURM_NODES : SLURM_NODES.subList(1, 3);
        Optional<String> nodes = Launcher.firstSet(environment, names);
        if (nodes.isEmpty()) {
            throw new IllegalArgumentException(
                    "MASTER_ADDR is not set: set it to the address of rank 0's host, 127.0.0.1 on one host");
        }
        return HostList.first(environment.get(nodes.get()));
    }

    private static int port(Map<String, String> environment) {
        Optional<String> name = Launcher.firstSet(environment, List.of(PORT, World.MASTER_PORT));
        if (name.isEmpty()) {
            return World.DEFAULT_PORT;
        }
        int port = Launcher.number(environment, name.get());
        if (port < 1 || port > LAST_PORT) {
            throw new IllegalArgumentException(name.get() + " must be 1 to " + LAST_PORT + ", not " + port);
        }
        boolean agents = environment.containsKey(Launcher.TORCHRUN) && !environment.containsKey(Launcher.PHANTOM);
        if (!agents || name.get().equals(PORT)) {
            return port;
        }
        // its agent listens there
        return port == LAST_PORT ? port - 1 : port + 1;
    }
}

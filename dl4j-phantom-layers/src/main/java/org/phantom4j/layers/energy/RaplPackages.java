package org.phantom4j.layers.energy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The CPU packages whose energy Linux tells: its powercap zones {@code intel-rapl:N}, AMD's processors included. Zones
 * below them (cores, memory) and the zone of the whole platform, which holds the packages too, are left out.
 */
final class RaplPackages {

    /** Where Linux lists them. */
    static final Path POWERCAP = Path.of("/sys/class/powercap");

    /** Packages count some thousand times a second. */
    private static final long COUNTED_EVERY_NS = 1_000_000;

    private static final Pattern ZONE = Pattern.compile("intel-rapl:\\d+");

    private RaplPackages() {}

    /**
     * The packages that can be read.
     *
     * @param powercap the folder of zones
     * @param notMeasured gets a line for each package that cannot be read, or for all if there is none
     */
    static List<EnergyCounter> find(Path powercap, List<String> notMeasured) {
        List<EnergyCounter> counters = new ArrayList<>();
        int before = notMeasured.size();
        for (Path zone : zones(powercap)) {
            try {
                String name = read(zone.resolve("name"));
                if (name.startsWith("package")) {
                    Counter counter = new Counter(
                            "CPU " + name, zone.resolve("energy_uj"), readLong(zone, "max_energy_range_uj"));
                    counter.microjoules();
                    counters.add(counter);
                }
            } catch (IOException e) {
                notMeasured.add("CPU (" + zone.getFileName() + "): " + e.getMessage());
            }
        }
        if (counters.isEmpty() && notMeasured.size() == before) {
            notMeasured.add("CPU: no RAPL counters of CPU packages in " + powercap);
        }
        return counters;
    }

    private static List<Path> zones(Path powercap) {
        try (Stream<Path> entries = Files.list(powercap)) {
            return entries.filter(
                            path -> ZONE.matcher(path.getFileName().toString()).matches())
                    .sorted()
                    .toList();
        } catch (IOException e) {
            return List.of();
        }
    }

    private static long readLong(Path zone, String file) throws IOException {
        return parse(zone.resolve(file));
    }

    private static long parse(Path file) throws IOException {
        String text = read(file);
        try {
            long value = Long.parseLong(text);
            if (value < 0) {
                throw new IOException(file + " holds " + text + ", which is no energy");
            }
            return value;
        } catch (NumberFormatException e) {
            throw new IOException(file + " holds '" + text + "', which is no number", e);
        }
    }

    private static String read(Path file) throws IOException {
        try {
            return Files.readString(file, StandardCharsets.US_ASCII).trim();
        } catch (AccessDeniedException e) {
            throw new IOException(file + " may not be read: run as root, or have it made readable", e);
        } catch (NoSuchFileException e) {
            throw new IOException(file + " is missing", e);
        } catch (IOException e) {
            throw new IOException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** One package's counter. */
    private record Counter(String name, Path file, long rangeMicrojoules) implements EnergyCounter {

        @Override
        public EnergySource.Kind kind() {
            return EnergySource.Kind.CPU;
        }

        @Override
        public long microjoules() throws IOException {
            return parse(file);
        }

        @Override
        public long standsStillNs() {
            return COUNTED_EVERY_NS;
        }
    }
}

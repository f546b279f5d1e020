package org.phantom4j.cli.frame;

import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Option;
import org.apache.commons.cli.Options;
import org.phantom4j.data.DataSource;
import org.phantom4j.data.NearName;

/** The values of a command line, checked; errors name the option, the value and what would be right. */
public final class Arguments {

    private final CommandLine line;

    public Arguments(CommandLine line) {
        this.line = line;
    }

    /** Adds an option with a value. */
    public static Options option(Options options, String name, String value, String description) {
        return options.addOption(Option.builder()
                .longOpt(name)
                .hasArg()
                .argName(value)
                .desc(description)
                .build());
    }

    /**
     * The options as words of a command line.
     *
     * @param overrides options that are added, or replace those given
     */
    public List<String> words(Map<String, String> overrides) {
        List<String> words = new ArrayList<>();
        for (Option option : line.getOptions()) {
            if (!overrides.containsKey(option.getLongOpt())) {
                words.add("--" + option.getLongOpt() + (option.hasArg() ? "=" + option.getValue() : ""));
            }
        }
        overrides.forEach((name, value) -> words.add("--" + name + "=" + value));
        return words;
    }

    public boolean has(String name) {
        return line.hasOption(name);
    }

    public String text(String name, String defaultValue) {
        return line.getOptionValue(name, defaultValue);
    }

    public String required(String name) {
        if (!has(name)) {
            throw new UsageException("--" + name + " is missing");
        }
        return text(name, null);
    }

    public int positive(String name, int defaultValue) {
        if (!has(name)) {
            return defaultValue;
        }
        int value;
        try {
            value = Integer.parseInt(text(name, ""));
        } catch (NumberFormatException e) {
            throw new UsageException("--" + name + " " + text(name, "") + ": expected a whole number of at least 1", e);
        }
        if (value < 1) {
            throw new UsageException("--" + name + " " + value + ": expected a whole number of at least 1");
        }
        return value;
    }

    public long number(String name, long defaultValue) {
        try {
            return has(name) ? Long.parseLong(text(name, "")) : defaultValue;
        } catch (NumberFormatException e) {
            throw new UsageException("--" + name + " " + text(name, "") + ": expected a whole number", e);
        }
    }

    public double positiveDecimal(String name, double defaultValue) {
        double value;
        try {
            value = has(name) ? Double.parseDouble(text(name, "")) : defaultValue;
        } catch (NumberFormatException e) {
            throw new UsageException("--" + name + " " + text(name, "") + ": expected a number above 0", e);
        }
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new UsageException("--" + name + " " + text(name, "") + ": expected a number above 0");
        }
        return value;
    }

    public <E extends Enum<E>> E choice(String name, Class<E> type, E defaultValue) {
        if (!has(name)) {
            return defaultValue;
        }
        String value = text(name, "");
        List<String> names =
                Stream.of(type.getEnumConstants()).map(Arguments::lower).toList();
        int index = names.indexOf(value.replace('-', '_'));
        if (index < 0) {
            throw new UsageException(
                    "--" + name + " " + value + ": expected " + String.join(", ", names) + NearName.hint(value, names));
        }
        return type.getEnumConstants()[index];
    }

    /** The parts of a value between commas; a part that holds a comma is in quotes. Empty if the option is not given. */
    public List<String> texts(String name) {
        if (!has(name)) {
            return List.of();
        }
        try (CsvReader<CsvRecord> reader = CsvReader.builder().ofCsvRecord(text(name, ""))) {
            return reader.stream()
                    .flatMap(record -> record.getFields().stream())
                    .map(String::strip)
                    .filter(part -> !part.isEmpty())
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A file's name; a tilde at its start is the user's home folder. */
    public Path requiredPath(String name) {
        return DataSource.path(required(name));
    }

    public static String lower(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    public List<Integer> positives(String name) {
        try {
            List<Integer> values = Arrays.stream(required(name).split(","))
                    .map(part -> Integer.valueOf(part.trim()))
                    .toList();
            if (values.stream().allMatch(value -> value > 0)) {
                return values;
            }
        } catch (NumberFormatException e) {
            throw new UsageException("--" + name + " " + text(name, "") + ": expected whole numbers like 1,2,4", e);
        }
        throw new UsageException("--" + name + " " + text(name, "") + ": expected whole numbers like 1,2,4");
    }

    public DataSource data(String defaultValue) {
        try {
            return DataSource.parse(text("data", defaultValue));
        } catch (IllegalArgumentException e) {
            throw new UsageException("--data " + e.getMessage(), e);
        }
    }
}

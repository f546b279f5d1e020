package org.phantom4j.examples.newergpus;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Runs ND4J's ops on the backend of the class path and writes their results to a file, or compares them with a file
 * that another backend wrote, a line an op.
 *
 * <p>An op that fails on a GPU may leave the process unable to use it. So a comparison notes every op in a file before
 * it runs it, and its result after that, and leaves out what the file names already: started again after a crash, it
 * goes on behind the op that crashed. It ends with 3 where it should be started again; the summary at the end is of all
 * its processes.
 */
public final class OpSweep {
    private static final int START_AGAIN = 3;
    private static final String STARTED = "started";
    private static final String EQUAL = "equal";
    private static final String FAILED = "FAILED";

    private OpSweep() {}

    /** Arguments: {@code write FILE} or {@code compare FILE NOTES}. */
    public static void main(String[] arguments) throws IOException {
        if (arguments.length == 2 && arguments[0].equals("write")) {
            write(Path.of(arguments[1]));
        } else if (arguments.length == 3 && arguments[0].equals("compare")) {
            System.exit(compare(Path.of(arguments[1]), Path.of(arguments[2])));
        } else {
            System.err.println("arguments: write FILE, or compare FILE NOTES");
            System.exit(2);
        }
    }

    private static List<OpCase> cases() {
        List<OpCase> cases = new ArrayList<>(LegacyOps.all());
        cases.addAll(new ArrayOps().cases());
        cases.addAll(new NetworkOps().cases());
        return cases;
    }

    private static List<OpOutput> run(OpCase one) {
        List<OpOutput> outputs = new ArrayList<>();
        for (INDArray output : one.run().get()) {
            outputs.add(OpOutput.of(output, one.kind()));
        }
        return outputs;
    }

    private static void write(Path file) throws IOException {
        List<OpCase> written = new ArrayList<>();
        try (DataOutputStream out =
                new DataOutputStream(new GZIPOutputStream(new BufferedOutputStream(Files.newOutputStream(file))))) {
            for (OpCase one : cases()) {
                try {
                    List<OpOutput> outputs = run(one);
                    out.writeUTF(one.name());
                    out.writeInt(outputs.size());
                    for (OpOutput output : outputs) {
                        output.write(out);
                    }
                    written.add(one);
                } catch (RuntimeException e) {
                    System.out.println("does not run: " + one.name() + ": " + firstLine(e));
                }
            }
            out.writeUTF("");
        }
        System.out.printf("%s written by %s%n", count(written, one -> true), backend());
    }

    private static int compare(Path file, Path notes) throws IOException {
        Map<String, List<OpOutput>> expected = read(file);
        List<OpCase> cases =
                cases().stream().filter(one -> expected.containsKey(one.name())).toList();
        Map<String, String> results = results(notes);
        for (OpCase one : cases) {
            if (!results.containsKey(one.name())) {
                note(notes, STARTED, one);
                boolean failed = false;
                String problem;
                try {
                    problem = difference(expected.get(one.name()), run(one), one.kind());
                } catch (RuntimeException e) {
                    failed = true;
                    problem = firstLine(e);
                }
                System.out.println(
                        problem.isEmpty() ? EQUAL + " " + one.name() : FAILED + " " + one.name() + ": " + problem);
                note(notes, problem.isEmpty() ? EQUAL : FAILED, one);
                if (failed && !deviceWorks()) {
                    return START_AGAIN;
                }
            }
        }
        summarize(cases, results(notes));
        return 0;
    }

    private static void note(Path notes, String result, OpCase one) throws IOException {
        Files.writeString(
                notes, result + " " + one.name() + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    /** {@return the last that the notes say of each op} */
    private static Map<String, String> results(Path notes) throws IOException {
        Map<String, String> results = new LinkedHashMap<>();
        if (Files.exists(notes)) {
            for (String line : Files.readAllLines(notes)) {
                int space = line.indexOf(' ');
                results.put(line.substring(space + 1), line.substring(0, space));
            }
        }
        return results;
    }

    private static void summarize(List<OpCase> cases, Map<String, String> results) {
        Predicate<OpCase> equal = one -> results.get(one.name()).equals(EQUAL);
        System.out.println("not equal:");
        for (OpCase one : cases) {
            if (!equal.test(one)) {
                boolean ended = results.get(one.name()).equals(STARTED);
                System.out.println("  " + one.name() + (ended ? ", which ended the process" : ""));
            }
        }
        System.out.printf(
                "%s compared on %s, of which equal: %s%n", count(cases, one -> true), backend(), count(cases, equal));
    }

    /** Counts ops, the classes that ND4J has for them, and the ops that it has no class for. */
    private static String count(List<OpCase> cases, Predicate<OpCase> which) {
        List<OpCase> counted = cases.stream().filter(which).toList();
        long classes = counted.stream()
                .map(OpCase::type)
                .filter(Objects::nonNull)
                .distinct()
                .count();
        long nameless = counted.stream().filter(one -> one.type() == null).count();
        return counted.size() + " ops of " + classes + " distinct op classes (" + nameless + " have none in Java)";
    }

    private static String backend() {
        return Nd4j.getBackend().getClass().getSimpleName();
    }

    private static boolean deviceWorks() {
        try {
            return Nd4j.ones(10).sumNumber().intValue() == 10;
        } catch (RuntimeException e) {
            return false;
        }
    }

    private static String firstLine(RuntimeException e) {
        return e.toString().lines().findFirst().orElse("");
    }

    private static Map<String, List<OpOutput>> read(Path file) throws IOException {
        Map<String, List<OpOutput>> all = new LinkedHashMap<>();
        try (DataInputStream in =
                new DataInputStream(new BufferedInputStream(new GZIPInputStream(Files.newInputStream(file))))) {
            for (String name = in.readUTF(); !name.isEmpty(); name = in.readUTF()) {
                List<OpOutput> outputs = new ArrayList<>();
                for (int remaining = in.readInt(); remaining > 0; remaining--) {
                    outputs.add(OpOutput.read(in));
                }
                all.put(name, outputs);
            }
        }
        return all;
    }

    private static String difference(List<OpOutput> expected, List<OpOutput> own, OpCase.Kind kind) {
        if (expected.size() != own.size()) {
            return own.size() + " outputs, expected " + expected.size();
        }
        for (int i = 0; i < own.size(); i++) {
            String difference = expected.get(i).difference(own.get(i), kind);
            if (!difference.isEmpty()) {
                return "output " + i + ": " + difference;
            }
        }
        return "";
    }
}

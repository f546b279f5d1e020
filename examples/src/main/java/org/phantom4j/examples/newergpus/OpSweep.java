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
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Runs ND4J's ops on the backend of the class path and writes their results to a file, or compares them with a file
 * that another backend wrote, a line an op.
 *
 * <p>An op that fails on a GPU may leave the process unable to use it. So a comparison notes every op in a file before
 * it runs it, and leaves out what the file names already: started again after a crash, it goes on behind the op that
 * crashed. It ends with 3 where it should be started again.
 */
public final class OpSweep {
    private static final double ABSOLUTE = 1e-4;
    private static final double RELATIVE = 1e-3;
    /** Of a mean or deviation of 10,000 numbers. */
    private static final double STATISTIC = 0.05;

    private static final int START_AGAIN = 3;

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

    /** {@return each output as doubles} */
    private static List<double[]> run(OpCase one) {
        List<double[]> outputs = new ArrayList<>();
        for (INDArray output : one.run().get()) {
            double[] values = output.isEmpty()
                    ? new double[0]
                    : output.castTo(DataType.DOUBLE).dup('c').ravel().toDoubleVector();
            outputs.add(one.kind() == OpCase.Kind.VALUES ? values : statistics(values));
        }
        return outputs;
    }

    private static double[] statistics(double[] values) {
        double mean = Arrays.stream(values).average().orElseThrow();
        double variance = Arrays.stream(values)
                .map(v -> (v - mean) * (v - mean))
                .average()
                .orElseThrow();
        return new double[] {mean, Math.sqrt(variance)};
    }

    private static void write(Path file) throws IOException {
        int written = 0;
        try (DataOutputStream out =
                new DataOutputStream(new GZIPOutputStream(new BufferedOutputStream(Files.newOutputStream(file))))) {
            for (OpCase one : cases()) {
                try {
                    List<double[]> outputs = run(one);
                    out.writeUTF(one.name());
                    out.writeInt(outputs.size());
                    for (double[] values : outputs) {
                        out.writeInt(values.length);
                        for (double value : values) {
                            out.writeDouble(value);
                        }
                    }
                    written++;
                } catch (RuntimeException e) {
                    System.out.println("does not run: " + one.name() + ": " + firstLine(e));
                }
            }
            out.writeUTF("");
        }
        System.out.println(
                written + " ops written by " + Nd4j.getBackend().getClass().getSimpleName());
    }

    private static int compare(Path file, Path notes) throws IOException {
        Map<String, List<double[]>> expected = read(file);
        Set<String> handled = Files.exists(notes) ? Set.copyOf(Files.readAllLines(notes)) : Set.of();
        for (OpCase one : cases()) {
            if (expected.containsKey(one.name()) && !handled.contains(one.name())) {
                Files.writeString(notes, one.name() + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
                try {
                    String difference = difference(expected.get(one.name()), run(one), one.kind());
                    System.out.println(
                            difference.isEmpty() ? "equal " + one.name() : "FAILED " + one.name() + ": " + difference);
                } catch (RuntimeException e) {
                    System.out.println("FAILED " + one.name() + ": " + firstLine(e));
                    if (!deviceWorks()) {
                        return START_AGAIN;
                    }
                }
            }
        }
        System.out.println(expected.size() + " ops compared on "
                + Nd4j.getBackend().getClass().getSimpleName());
        return 0;
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

    private static Map<String, List<double[]>> read(Path file) throws IOException {
        Map<String, List<double[]>> all = new LinkedHashMap<>();
        try (DataInputStream in =
                new DataInputStream(new BufferedInputStream(new GZIPInputStream(Files.newInputStream(file))))) {
            for (String name = in.readUTF(); !name.isEmpty(); name = in.readUTF()) {
                List<double[]> outputs = new ArrayList<>();
                for (int remaining = in.readInt(); remaining > 0; remaining--) {
                    double[] values = new double[in.readInt()];
                    for (int i = 0; i < values.length; i++) {
                        values[i] = in.readDouble();
                    }
                    outputs.add(values);
                }
                all.put(name, outputs);
            }
        }
        return all;
    }

    private static String difference(List<double[]> expected, List<double[]> own, OpCase.Kind kind) {
        if (expected.size() != own.size()) {
            return own.size() + " outputs, expected " + expected.size();
        }
        for (int o = 0; o < own.size(); o++) {
            double[] a = expected.get(o);
            double[] b = own.get(o);
            if (a.length != b.length) {
                return "output " + o + " has " + b.length + " elements, expected " + a.length;
            }
            for (int i = 0; i < a.length; i++) {
                double tolerance = kind == OpCase.Kind.VALUES ? ABSOLUTE + RELATIVE * Math.abs(a[i]) : STATISTIC;
                boolean same = a[i] == b[i]
                        || (Double.isNaN(a[i]) && Double.isNaN(b[i]))
                        || Math.abs(a[i] - b[i]) <= tolerance;
                if (!same) {
                    return String.format("output %d, element %d: %.7g, expected %.7g", o, i, b[i], a[i]);
                }
            }
        }
        return "";
    }
}

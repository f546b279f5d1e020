package org.phantom4j.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** The examples do what they promise when they are run as a user runs them. */
class ExamplesTest {

    /** A main method. */
    private interface Program {
        void run() throws Exception;
    }

    private static String output(Program program) throws Exception {
        PrintStream before = System.out;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        try {
            program.run();
        } finally {
            System.setOut(before);
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    @Test
    void mnist() throws Exception {
        Path folder = Path.of(System.getProperty("repository.root"), "../shared/data/mnist-10k");
        Assumptions.assumeTrue(Files.isDirectory(folder), "no digits at " + folder);
        String text = output(() -> MnistExample.main(new String[] {folder.toString()}));
        assertTrue(number(text, "accuracy ([0-9.]+)") > 93, text);
    }

    @Test
    void graph() throws Exception {
        List<String> lines =
                output(() -> GraphExample.main(new String[0])).lines().toList();
        assertEquals(2, lines.size());
        assertTrue(number(lines.get(0), "loss ([0-9.]+)") < 0.5, lines.get(0));
        assertEquals(number(lines.get(0), "loss ([0-9.]+)"), number(lines.get(1), "loss ([0-9.]+)"));
    }

    @Test
    void sameDiff() throws Exception {
        String text = output(() -> SameDiffExample.main(new String[0]));
        assertTrue(number(text, "([0-9.]+) after") < 0.9 * number(text, "loss ([0-9.]+)"), text);
    }

    private static double number(String text, String pattern) {
        Matcher matcher = Pattern.compile(pattern).matcher(text);
        assertTrue(matcher.find(), text);
        return Double.parseDouble(matcher.group(1));
    }
}

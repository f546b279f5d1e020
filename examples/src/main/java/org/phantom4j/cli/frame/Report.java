package org.phantom4j.cli.frame;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.shade.jackson.databind.ObjectMapper;
import org.nd4j.shade.jackson.databind.SerializationFeature;

/** Results as JSON, with the versions and the hardware that they were measured with. */
public final class Report {

    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    private Report() {}

    /** Writes values to a file, followed by versions and hardware. */
    public static void write(Path file, Map<String, Object> values) throws IOException {
        Map<String, Object> all = new LinkedHashMap<>(values);
        all.put("versions", versions());
        all.put("hardware", hardware());
        OutputFile.write(file, partial -> JSON.writeValue(partial.toFile(), all));
    }

    private static Map<String, Object> versions() {
        Map<String, Object> versions = new LinkedHashMap<>();
        versions.put("phantom4j", maven("org.phantom4j", "examples"));
        versions.put("nd4j", maven("org.nd4j", "nd4j-api"));
        versions.put("backend", Nd4j.getBackend().getClass().getSimpleName());
        versions.put("blas", String.valueOf(Nd4j.factory().blas().getBlasVendor()));
        versions.put("java", System.getProperty("java.version"));
        versions.put("os", System.getProperty("os.name") + " " + System.getProperty("os.version"));
        return versions;
    }

    private static String maven(String group, String artifact) {
        String resource = "/META-INF/maven/" + group + "/" + artifact + "/pom.properties";
        try (InputStream in = Report.class.getResourceAsStream(resource)) {
            Properties properties = new Properties();
            if (in != null) {
                properties.load(in);
            }
            return properties.getProperty("version", "unknown");
        } catch (IOException e) {
            return "unknown";
        }
    }

    private static Map<String, Object> hardware() {
        Map<String, Object> hardware = new LinkedHashMap<>();
        hardware.put("cpu", value(Path.of("/proc/cpuinfo"), "model name"));
        hardware.put("processors", Runtime.getRuntime().availableProcessors());
        hardware.put("memory", value(Path.of("/proc/meminfo"), "MemTotal"));
        return hardware;
    }

    private static String value(Path file, String key) {
        try {
            return Files.readAllLines(file).stream()
                    .filter(line -> line.startsWith(key))
                    .map(line -> line.substring(line.indexOf(':') + 1).trim())
                    .findFirst()
                    .orElse("unknown");
        } catch (IOException e) {
            return "unknown";
        }
    }
}

package org.phantom4j.data;

import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;
import org.phantom4j.data.TableLayout.Feature;
import org.phantom4j.data.TableLayout.Target;
import org.phantom4j.data.TableOptions.Missing;

/**
 * A {@link Layout} in a model's zip, as Deeplearning4j's ModelSerializer writes one: an entry in JSON that Deeplearning4j
 * does not mind.
 */
public final class LayoutFile {

    private static final String ENTRY = "phantom4j-data.json";
    private static final ObjectMapper JSON = new ObjectMapper();

    private LayoutFile() {}

    /**
     * Adds a layout to a model, or replaces the one that is there.
     *
     * @throws IOException if the zip cannot be written
     */
    public static void write(Path model, Layout layout) throws IOException {
        try (FileSystem zip = FileSystems.newFileSystem(model)) {
            Files.write(
                    zip.getPath(ENTRY), JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(values(layout)));
        }
    }

    /**
     * Reads a model's layout.
     *
     * @return empty if the model has none
     * @throws IOException if the file cannot be read
     * @throws DataException if the layout is damaged
     */
    public static Optional<Layout> read(Path model) throws IOException {
        try (FileSystem zip = FileSystems.newFileSystem(model)) {
            Path entry = zip.getPath(ENTRY);
            return Files.exists(entry)
                    ? Optional.of(layout(JSON.readTree(Files.readAllBytes(entry))))
                    : Optional.empty();
        } catch (IllegalArgumentException | NullPointerException e) {
            throw new DataException(
                    model + ": what it says of its data (" + ENTRY + ") is damaged: " + e.getMessage(), e);
        }
    }

    private static Map<String, Object> values(Layout layout) {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("kind", layout.kind().name());
        if (layout instanceof SyntheticLayout synthetic) {
            values.put("width", synthetic.width());
            values.put("seed", synthetic.seed());
        } else if (layout instanceof ImageLayout images) {
            values.put("shape", images.shape());
            values.put("divisor", images.divisor());
            values.put("classes", images.classes());
        } else if (layout instanceof TableLayout table) {
            values.putAll(values(table));
        }
        return values;
    }

    private static Map<String, Object> values(TableLayout table) {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("columns", table.columns());
        values.put("named", table.named());
        List<Map<String, Object>> features = new ArrayList<>();
        for (Feature feature : table.features()) {
            Map<String, Object> each = new LinkedHashMap<>();
            each.put("name", feature.name());
            each.put("position", feature.position());
            each.put("type", feature.type().name());
            each.put("categories", feature.categories());
            features.add(each);
        }
        values.put("features", features);
        Map<String, Object> target = new LinkedHashMap<>();
        target.put("name", table.target().name());
        target.put("position", table.target().position());
        target.put("classes", table.target().classes());
        values.put("target", target);
        values.put("missing", table.missing().name());
        values.put("missingValues", table.missingValues());
        values.put("means", table.means());
        values.put("deviations", table.deviations());
        return values;
    }

    private static Layout layout(JsonNode values) {
        return switch (DataSource.Kind.valueOf(values.get("kind").asText())) {
            case SYNTHETIC ->
                new SyntheticLayout(
                        values.get("width").asInt(), values.get("seed").asLong());
            case IDX ->
                new ImageLayout(
                        numbers(values.get("shape")).stream()
                                .map(Double::intValue)
                                .toList(),
                        values.get("divisor").asDouble(),
                        texts(values.get("classes")));
            case CSV -> table(values);
        };
    }

    private static TableLayout table(JsonNode values) {
        List<Feature> features = new ArrayList<>();
        for (JsonNode each : values.get("features")) {
            features.add(new Feature(
                    text(each.get("name")),
                    each.get("position").asInt(),
                    TableLayout.Type.valueOf(each.get("type").asText()),
                    texts(each.get("categories"))));
        }
        JsonNode target = values.get("target");
        return new TableLayout(
                values.get("columns").asInt(),
                values.get("named").asBoolean(),
                features,
                new Target(text(target.get("name")), target.get("position").asInt(), texts(target.get("classes"))),
                Missing.valueOf(values.get("missing").asText()),
                Set.copyOf(texts(values.get("missingValues"))),
                numbers(values.get("means")),
                numbers(values.get("deviations")));
    }

    private static String text(JsonNode value) {
        return value.isNull() ? null : value.asText();
    }

    private static List<String> texts(JsonNode values) {
        List<String> texts = new ArrayList<>();
        values.forEach(each -> texts.add(each.asText()));
        return texts;
    }

    private static List<Double> numbers(JsonNode values) {
        List<Double> numbers = new ArrayList<>();
        values.forEach(each -> numbers.add(each.asDouble()));
        return numbers;
    }
}

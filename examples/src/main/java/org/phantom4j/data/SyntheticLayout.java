package org.phantom4j.data;

import java.util.List;

/**
 * Synthetic data.
 *
 * @param width features, and as many targets
 * @param seed of the teacher: with another one, the data is another function
 */
public record SyntheticLayout(int width, long seed) implements Layout {

    @Override
    public DataSource.Kind kind() {
        return DataSource.Kind.SYNTHETIC;
    }

    @Override
    public int inputs() {
        return width;
    }

    @Override
    public int outputs() {
        return width;
    }

    @Override
    public List<String> classes() {
        return List.of();
    }

    @Override
    public String describe() {
        return "synthetic data of width " + width + ", seed " + seed;
    }
}

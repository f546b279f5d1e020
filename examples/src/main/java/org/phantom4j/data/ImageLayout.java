package org.phantom4j.data;

import java.util.List;
import java.util.stream.Collectors;

/**
 * Images of IDX files.
 *
 * @param shape of an image: rows and columns, or what else the files say
 * @param divisor what values are divided by
 * @param classes the labels that occur
 */
public record ImageLayout(List<Integer> shape, double divisor, List<String> classes) implements Layout {

    static final double BRIGHTEST_BYTE = 255;

    /** Copies the lists. */
    public ImageLayout {
        shape = List.copyOf(shape);
        classes = List.copyOf(classes);
    }

    /**
     * The layout of a model that does not say what it was trained on: bytes divided by 255.
     *
     * @param inputs values of an image, in whatever shape
     */
    public static ImageLayout plain(int inputs, List<String> classes) {
        return new ImageLayout(List.of(inputs), BRIGHTEST_BYTE, classes);
    }

    @Override
    public DataSource.Kind kind() {
        return DataSource.Kind.IDX;
    }

    @Override
    public int inputs() {
        return shape.stream().reduce(1, Math::multiplyExact);
    }

    @Override
    public int outputs() {
        return classes.size();
    }

    /** The shape in words: 28×28. */
    String size() {
        return shape.stream().map(String::valueOf).collect(Collectors.joining("×"));
    }

    @Override
    public String describe() {
        String divided = divisor == 1 ? "" : ", values divided by " + Cells.name(divisor);
        return classes.size() + " classes (" + Listed.of(classes) + "), images of " + size() + divided;
    }
}

package org.phantom4j.data;

import java.util.List;
import java.util.stream.IntStream;

/**
 * What data looks like: what a model was trained on, and what it takes. It is saved with the model
 * ({@link LayoutFile}), so that whoever predicts with it gets names, and other data is refused by name.
 */
public sealed interface Layout permits TableLayout, ImageLayout, SyntheticLayout {

    /** What kind of source it describes. */
    DataSource.Kind kind();

    /** The model's inputs. */
    int inputs();

    /** The model's outputs: classes or targets. */
    int outputs();

    /** The classes' names in the order of the outputs; empty for a regression. */
    List<String> classes();

    /** What the data is, in a sentence's part: {@code 26 classes in column lettr, 16 features}. */
    String describe();

    /** Whether the labels are classes. */
    default boolean classifies() {
        return !classes().isEmpty();
    }

    /** The outputs' names, as a file of predictions has them. */
    default List<String> outputNames() {
        return classes().isEmpty()
                ? IntStream.range(0, outputs()).mapToObj(i -> "output" + i).toList()
                : classes().stream().map(name -> "output_" + name).toList();
    }
}

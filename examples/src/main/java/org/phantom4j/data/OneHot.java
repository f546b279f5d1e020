package org.phantom4j.data;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Labels as one-hot rows, and those that are no class of the model. */
final class OneHot {

    private final List<String> classes;
    private final Map<String, Integer> indices = new HashMap<>();

    OneHot(List<String> classes) {
        this.classes = classes;
        for (int i = 0; i < classes.size(); i++) {
            indices.put(classes.get(i), i);
        }
    }

    /**
     * Labels, [count, classes]; rows of zeros where a label is no class.
     *
     * @param label of each sample; null where there is none
     */
    INDArray encode(DataType type, int count, IntFunction<String> label) {
        float[] rows = new float[Math.multiplyExact(count, classes.size())];
        for (int i = 0; i < count; i++) {
            int each = indices.getOrDefault(label.apply(i), -1);
            if (each >= 0) {
                rows[i * classes.size() + each] = 1;
            }
        }
        return Nd4j.createFromArray(rows).reshape(count, classes.size()).castTo(type);
    }

    /**
     * Labels that may be others than the model's.
     *
     * @param notes gets a sentence about those that are
     * @param place of a sample, for messages
     * @return null if none is a class of the model
     */
    INDArray encodeKnown(
            DataType type, int count, IntFunction<String> label, IntFunction<String> place, List<String> notes) {
        int unknown = 0;
        int first = -1;
        for (int i = 0; i < count; i++) {
            if (!indices.containsKey(label.apply(i))) {
                first = unknown++ == 0 ? i : first;
            }
        }
        if (unknown > 0) {
            String name = label.apply(first);
            String such = (name == null ? "no label" : "'" + name + "'") + " at " + place.apply(first);
            notes.add(
                    unknown == count
                            ? "no accuracy: no label is a class of the model (the first: " + such + "; its classes: "
                                    + Listed.of(classes) + ")"
                            : "the accuracy is without " + unknown + " of " + count
                                    + " samples, whose label is no class of the model (the first: " + such + ")");
        }
        return unknown == count ? null : encode(type, count, label);
    }
}

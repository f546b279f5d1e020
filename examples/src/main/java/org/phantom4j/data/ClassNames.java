package org.phantom4j.data;

import java.util.Comparator;

/** Names of classes and categories. */
final class ClassNames {

    /** Numbers by their value, then texts by their letters. */
    static final Comparator<String> ORDER = ClassNames::compare;

    private ClassNames() {}

    private static int compare(String a, String b) {
        double left = Cells.number(a);
        double right = Cells.number(b);
        if (Double.isNaN(left) || Double.isNaN(right)) {
            return Double.isNaN(left) == Double.isNaN(right) ? a.compareTo(b) : Double.isNaN(left) ? 1 : -1;
        }
        int byValue = Double.compare(left, right);
        return byValue != 0 ? byValue : a.compareTo(b);
    }
}

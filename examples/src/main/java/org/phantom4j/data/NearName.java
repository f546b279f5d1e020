package org.phantom4j.data;

import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;

/** What someone who mistyped a name most likely meant. */
public final class NearName {

    private NearName() {}

    /**
     * The end of a message about an unknown name.
     *
     * @param known the names that there are
     * @return {@code "; did you mean 'width'?"}, or nothing if no known name is near
     */
    public static String hint(String name, Collection<String> known) {
        String typed = name.toLowerCase(Locale.ROOT);
        int limit = Math.max(1, typed.length() / 3);
        return known.stream()
                .filter(each -> distance(typed, each.toLowerCase(Locale.ROOT)) <= limit)
                .min(Comparator.comparingInt(each -> distance(typed, each.toLowerCase(Locale.ROOT))))
                .map(each -> "; did you mean '" + each + "'?")
                .orElse("");
    }

    /** Letters inserted, deleted, replaced or swapped with their neighbour to get from one text to the other. */
    static int distance(String a, String b) {
        int[] beforeLast = new int[b.length() + 1];
        int[] last = new int[b.length() + 1];
        Arrays.setAll(last, j -> j);
        for (int i = 1; i <= a.length(); i++) {
            int[] row = new int[b.length() + 1];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replaced = last[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(replaced, 1 + Math.min(last[j], row[j - 1]));
                if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
                    row[j] = Math.min(row[j], beforeLast[j - 2] + 1);
                }
            }
            beforeLast = last;
            last = row;
        }
        return last[b.length()];
    }
}

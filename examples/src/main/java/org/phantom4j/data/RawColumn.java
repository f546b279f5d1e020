package org.phantom4j.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A column of a table as it is written: in each row a number, a text or no value. Row 0 is kept for the first record, which
 * may turn out to be a header.
 */
final class RawColumn {

    private static final int MISSING = -1;
    private static final int NUMBER = 0;

    private double[] numbers = new double[64];
    /** 0: a number; −1: no value; otherwise the text's index + 1. Null while there are numbers only. */
    private int[] kinds;

    private final List<String> texts = new ArrayList<>();
    private final Map<String, Integer> indices = new HashMap<>();
    private int size = 1;

    void addNumber(double number) {
        put(size++, number, NUMBER);
    }

    void addMissing() {
        put(size++, Double.NaN, MISSING);
    }

    void addText(String text) {
        put(size++, Double.NaN, kind(text));
    }

    void setFirstNumber(double number) {
        put(0, number, NUMBER);
    }

    void setFirstMissing() {
        put(0, Double.NaN, MISSING);
    }

    void setFirstText(String text) {
        put(0, Double.NaN, kind(text));
    }

    private int kind(String text) {
        return 1
                + indices.computeIfAbsent(text, key -> {
                    texts.add(key);
                    return texts.size() - 1;
                });
    }

    private void put(int row, double number, int kind) {
        if (row >= numbers.length) {
            int grown = (int) Math.min(Integer.MAX_VALUE - 8, numbers.length * 2L);
            numbers = Arrays.copyOf(numbers, grown);
            kinds = kinds == null ? null : Arrays.copyOf(kinds, grown);
        }
        if (kind != NUMBER && kinds == null) {
            kinds = new int[numbers.length];
        }
        numbers[row] = number;
        if (kinds != null) {
            kinds[row] = kind;
        }
    }

    boolean isMissing(int row) {
        return kinds != null && kinds[row] == MISSING;
    }

    boolean isText(int row) {
        return kinds != null && kinds[row] > 0;
    }

    boolean isNumber(int row) {
        return kinds == null || kinds[row] == NUMBER;
    }

    /** A row's number; NaN if it has none. */
    double number(int row) {
        return numbers[row];
    }

    /** A row's text; only where {@link #isText}. */
    String text(int row) {
        return texts.get(kinds[row] - 1);
    }

    /** A row's text by its index among {@link #texts}; only where {@link #isText}. */
    int textIndex(int row) {
        return kinds[row] - 1;
    }

    /** The texts that occur, in the order in which they do. */
    List<String> texts() {
        return texts;
    }

    /** Whether a text stands in one of the rows from {@code from} on. */
    boolean holds(String text, int from) {
        Integer index = indices.get(text);
        for (int row = from; index != null && row < size; row++) {
            if (kinds[row] == index + 1) {
                return true;
            }
        }
        return false;
    }

    /** How many of the rows from {@code from} on are numbers. */
    int numbersFrom(int from) {
        int count = 0;
        for (int row = from; row < size; row++) {
            count += isNumber(row) ? 1 : 0;
        }
        return count;
    }

    /** How many of the rows from {@code from} on are texts. */
    int textsFrom(int from) {
        int count = 0;
        for (int row = from; kinds != null && row < size; row++) {
            count += kinds[row] > 0 ? 1 : 0;
        }
        return count;
    }

    /** The first row from {@code from} on that is a text; −1 if none is. */
    int firstText(int from) {
        for (int row = from; kinds != null && row < size; row++) {
            if (kinds[row] > 0) {
                return row;
            }
        }
        return -1;
    }
}

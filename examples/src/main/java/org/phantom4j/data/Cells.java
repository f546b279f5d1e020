package org.phantom4j.data;

import java.util.regex.Pattern;

/** What is written in a cell of a table. */
final class Cells {

    /** Such as 1,5 or 1.234,5 or 1,234,567.8 or 1 234. */
    private static final Pattern GROUPED =
            Pattern.compile("[+-]?(\\d+,\\d+|\\d{1,3}(\\.\\d{3})+,\\d*|\\d{1,3}([, '\u00a0]\\d{3})+(\\.\\d*)?)");

    private static final Pattern INFINITE = Pattern.compile("[+-]?inf(inity)?", Pattern.CASE_INSENSITIVE);

    private Cells() {}

    /** A cell's number, infinite ones among them; NaN if it is none. Java's own suffixes and hexadecimals are none. */
    static double number(String cell) {
        boolean digits = false;
        for (int i = 0; i < cell.length(); i++) {
            char c = cell.charAt(i);
            if (c >= '0' && c <= '9') {
                digits = true;
            } else if (c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E') {
                return infinite(cell);
            }
        }
        if (!digits) {
            return Double.NaN;
        }
        try {
            return Double.parseDouble(cell);
        } catch (NumberFormatException e) {
            return Double.NaN;
        }
    }

    private static double infinite(String cell) {
        if (cell.length() > 9 || !INFINITE.matcher(cell).matches()) {
            return Double.NaN;
        }
        return cell.charAt(0) == '-' ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
    }

    static boolean isNumber(String cell) {
        return !Double.isNaN(number(cell));
    }

    /** Whether it is a number with a decimal comma or with thousands set apart. */
    static boolean isGrouped(String cell) {
        return GROUPED.matcher(cell).matches();
    }

    /** A number as the name of a class: 3 for 3.0. */
    static String name(double number) {
        return number == Math.rint(number) && Math.abs(number) < 1e15
                ? Long.toString((long) number)
                : Double.toString(number);
    }
}

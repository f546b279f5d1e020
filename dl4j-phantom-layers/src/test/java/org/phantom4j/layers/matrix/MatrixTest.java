package org.phantom4j.layers.matrix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Sharded layers train as their dense equivalents do, or refuse by name: each setting alone, losses with masks, and pairs
 * of settings.
 *
 * <p>A case runs alone with {@code -Dmatrix.case="kind=OUTPUT updater=Adam"}.
 */
class MatrixTest {

    private static final long SEED = 15;

    private static final Set<String> REFUSED = new TreeSet<>();

    static Stream<Case> cases() {
        String one = System.getProperty("matrix.case");
        if (one != null) {
            return Stream.of(Case.parse(one));
        }
        Set<Case> cases = new LinkedHashSet<>();
        int[] sizes = Dimensions.ALL.stream().mapToInt(d -> d.options().size()).toArray();
        for (Kind kind : List.of(Kind.OUTPUT, Kind.LOSS, Kind.STACK, Kind.PHANTOM)) {
            int[] row = new int[sizes.length];
            row[0] = kind.ordinal();
            for (int d = 1; d < sizes.length; d++) {
                addAll(cases, row, d);
            }
        }
        for (Kind kind : List.of(Kind.OUTPUT, Kind.LOSS)) {
            for (Plan.Mask mask : Plan.Mask.values()) {
                addAll(cases, Case.parse("kind=" + kind + " mask=" + mask).options(), Dimensions.index("loss"));
            }
        }
        Pairs.rows(sizes, SEED).forEach(row -> cases.add(Case.of(row)));
        return cases.stream();
    }

    /** Cases with each option of a dimension. */
    private static void addAll(Set<Case> cases, int[] row, int dimension) {
        int[] changed = row.clone();
        for (int option = 0; option < Dimensions.ALL.get(dimension).options().size(); option++) {
            changed[dimension] = option;
            cases.add(Case.of(changed));
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void trainsAsItsDenseEquivalentOrRefusesByName(Case which) {
        Case rest = which;
        List<String> faults = new ArrayList<>();
        while (true) {
            Comparison comparison = Comparison.of(rest);
            faults.addAll(comparison.faults);
            if (comparison.denseFailure != null) {
                break;
            }
            Set<Integer> refused = new TreeSet<>();
            for (var refusal : comparison.refusals.entrySet()) {
                Exception e = refusal.getValue();
                List<Integer> named = rest.namedBy(String.valueOf(e.getMessage()));
                if (named.isEmpty()) {
                    faults.add(refusal.getKey() + ": " + e);
                }
                for (int dimension : named) {
                    REFUSED.add(rest.option(dimension) + ", " + rest.option(0) + ", " + refusal.getKey() + ": "
                            + e.getMessage());
                }
                refused.addAll(named);
            }
            if (refused.isEmpty()) {
                break;
            }
            for (int dimension : refused) {
                rest = rest.without(dimension);
            }
        }
        if (!faults.isEmpty()) {
            fail("-Dmatrix.case=\"" + rest + "\":\n" + String.join("\n", faults));
        }
    }

    @AfterAll
    static void printRefusals() {
        REFUSED.forEach(System.out::println);
        assertEquals(0, 0);
    }
}

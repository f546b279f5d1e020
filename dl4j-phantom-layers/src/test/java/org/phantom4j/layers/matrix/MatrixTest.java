package org.phantom4j.layers.matrix;

import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
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

    /** What may be refused; a ShardedLossLayer refuses losses that are not sums over the outputs, too. */
    private static final Set<String> REFUSABLE = Set.of(
            "type=HALF",
            "width=one",
            "nIn=FIRST_GIVEN",
            "optimization=LINE_GRADIENT_DESCENT",
            "optimization=CONJUGATE_GRADIENT",
            "optimization=LBFGS");

    /**
     * Combinations that differ from the dense equivalent, and are not explained yet: docs/deeplearning4j.md names them. Each can be run
     * by its name.
     */
    private static final Set<String> OPEN = Set.of(
            "kind=MIXED updater=Nadam regularisation=weightDecay dropout=noise weightNoise=dropConnect "
                    + "constraint=UnitNorm type=FLOAT features=bool input=SERIES width=one optimization=LBFGS "
                    + "score=sum activation=SOFTMAX loss=MAE bias=hasBias",
            "kind=MIXED updater=RmsProp regularisation=weightDecay dropout=alpha weightNoise=added "
                    + "constraint=MaxNorm input=FLAT_IMAGES width=one optimization=LBFGS score=sum activation=ELU "
                    + "loss=L1 layerNorm=hasLayerNorm container=graph",
            "kind=OUTPUT updater=AdaDelta constraint=MinMaxNorm "
                    + "gradientNormalization=ClipElementWiseAbsoluteValue mask=FEATURES features=bool "
                    + "input=FLAT_IMAGES nIn=ALL_GIVEN width=uneven optimization=CONJUGATE_GRADIENT "
                    + "activation=RELU loss=MAE container=graph",
            "kind=PHANTOM updater=RmsProp regularisation=l2 dropout=alpha constraint=MaxNorm "
                    + "gradientNormalization=ClipElementWiseAbsoluteValue mask=FEATURES type=FLOAT features=int "
                    + "nIn=FIRST_GIVEN width=one optimization=LINE_GRADIENT_DESCENT loss=L2 "
                    + "layerNorm=hasLayerNorm container=graph",
            "kind=STACK updater=AdamAndSgdForBiases regularisation=l1 weightNoise=dropConnect "
                    + "constraint=NonNegativeBias gradientNormalization=RenormalizeL2PerLayer mask=OUTPUTS "
                    + "type=FLOAT features=int width=one optimization=CONJUGATE_GRADIENT activation=RELU "
                    + "loss=COSINE bias=hasBias",
            "kind=STACK updater=Nadam regularisation=weightDecayWithoutRate dropout=own "
                    + "constraint=MinMaxNorm gradientNormalization=ClipL2PerLayer mask=FEATURES features=float "
                    + "nIn=ALL_GIVEN optimization=LBFGS score=maximised activation=ELU loss=COSINE bias=hasBias "
                    + "layerNorm=hasLayerNorm");

    static Stream<Case> cases() {
        String one = System.getProperty("matrix.case");
        if (one != null) {
            return Stream.of(Case.parse(one));
        }
        Set<Case> cases = new LinkedHashSet<>();
        int[] sizes = Dimensions.ALL.stream().mapToInt(d -> d.options().size()).toArray();
        for (Kind kind : List.of(Kind.OUTPUT, Kind.LOSS, Kind.STACK, Kind.PHANTOM)) {
            int[] row = new int[sizes.length];
            row[0] = Dimensions.ALL.get(0).index(kind.name());
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
        cases.removeIf(MatrixTest::isFaultOfDeeplearning4j);
        return cases.stream();
    }

    /** Whether the score in training is wrong: a LossLayer's is of outputs that were activated twice. */
    private static boolean isFaultOfDeeplearning4j(Case which) {
        return which.has("kind=LOSS") && which.has("loss=MSEofTanh");
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
        assumeTrue(
                System.getProperty("matrix.case") != null || !OPEN.contains(which.toString()),
                "open: differs from the dense equivalent");
        Case rest = which;
        List<String> faults = new ArrayList<>();
        Set<Integer> refused;
        do {
            Comparison comparison = Comparison.of(rest);
            if (comparison.denseFailure != null) {
                refused = unusual(rest);
                assumeTrue(!refused.isEmpty(), () -> "Deeplearning4j fails: " + comparison.denseFailure);
                rest = rest.without(refused.iterator().next());
                continue;
            }
            assumeTrue(!comparison.diverges, "the dense equivalent diverges");
            faults.addAll(comparison.faults);
            refused = refused(rest, comparison, faults);
            for (int dimension : refused) {
                rest = rest.without(dimension);
            }
        } while (!refused.isEmpty());
        if (!faults.isEmpty()) {
            fail("-Dmatrix.case=\"" + which + "\":\n" + String.join("\n", faults));
        }
    }

    /** The dimensions other than defaults that Deeplearning4j itself fails with in some company; the likeliest first. */
    private static Set<Integer> unusual(Case which) {
        Set<Integer> dimensions = new LinkedHashSet<>();
        for (String name : List.of("type", "features", "nIn", "mask", "layerNorm", "input", "loss")) {
            int dimension = Dimensions.index(name);
            if (!which.without(dimension).equals(which)) {
                dimensions.add(dimension);
            }
        }
        return dimensions;
    }

    /** The dimensions whose options were refused, by name and for a reason that the documentation has. */
    private static Set<Integer> refused(Case which, Comparison comparison, List<String> faults) {
        Set<Integer> refused = new TreeSet<>();
        comparison.refusals.forEach((where, failure) -> {
            List<Integer> named = which.namedBy(String.valueOf(failure.getMessage())).stream()
                    .filter(dimension -> isRefusable(which, dimension))
                    .toList();
            if (named.isEmpty()) {
                faults.add(where + ": " + failure);
            }
            refused.addAll(named);
        });
        return refused;
    }

    private static boolean isRefusable(Case which, int dimension) {
        String option = which.option(dimension);
        return REFUSABLE.contains(option) || (which.has("kind=LOSS") && option.startsWith("loss="));
    }
}

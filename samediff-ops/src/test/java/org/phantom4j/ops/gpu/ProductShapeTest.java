package org.phantom4j.ops.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class ProductShapeTest {

    private static final ProductShape SHAPE = ProductShape.of(true, false, 6, 10, 4);

    @Test
    void matricesLieAsTheyAreMultiplied() {
        assertEquals(new ProductShape.Matrix(true, 4, 6, 4, 0), SHAPE.a());
        assertEquals(new ProductShape.Matrix(false, 4, 10, 4, 0), SHAPE.b());
        assertEquals(new ProductShape.Matrix(false, 6, 10, 6, 0), SHAPE.c());
        for (boolean transposeA : new boolean[] {false, true}) {
            for (boolean transposeB : new boolean[] {false, true}) {
                ProductShape shape = ProductShape.of(transposeA, transposeB, 6, 10, 4);
                assertEquals(6, shape.rows());
                assertEquals(10, shape.columns());
                assertEquals(4, shape.inner());
            }
        }
    }

    @Test
    void allProductsOfABatchAreCounted() {
        assertEquals(6 * 10 * 4, SHAPE.multiplyAdds());
        assertEquals(32 * 6 * 10 * 4, SHAPE.batched(32, 24, 40, 60).multiplyAdds());
        // more than an int holds
        assertEquals(
                64L << 40,
                ProductShape.of(false, false, 1 << 14, 1 << 14, 1 << 12)
                        .batched(64, 0, 1 << 26, 1 << 28)
                        .multiplyAdds());
    }

    /** Whatever an algorithm may depend on tells shapes apart; where a number lies does not. */
    @Test
    void keysTellShapesApart() {
        List<ProductShape> shapes = List.of(
                SHAPE,
                ProductShape.of(false, true, 6, 10, 4),
                SHAPE.withStrideA(8),
                SHAPE.withStrideB(8),
                SHAPE.withStrideC(8),
                SHAPE.added(),
                SHAPE.asFactor(),
                SHAPE.timesValueAt(256),
                SHAPE.timesValueAt(256).added(),
                SHAPE.batched(2, 24, 40, 60),
                SHAPE.batched(3, 24, 40, 60),
                SHAPE.batched(3, 0, 40, 60),
                SHAPE.batched(3, 24, 0, 60),
                SHAPE.batched(3, 24, 40, 64));
        Set<String> keys = shapes.stream().map(ProductShape::key).collect(Collectors.toSet());
        assertEquals(shapes.size(), keys.size());
        assertEquals(SHAPE.timesValueAt(256).key(), SHAPE.timesValueAt(512).key());
        assertEquals(SHAPE.key(), SHAPE.batched(1, 24, 40, 60).key());
    }

    @Test
    void resultsThatOverlapAreRefused() {
        assertRefused("6 rows overlap if they lie 5", () -> SHAPE.batched(2, 24, 40, 5));
        assertRefused("6 rows overlap if they lie 0", () -> SHAPE.batched(2, 24, 40, 0));
        assertRefused("6 rows overlap if they lie 5", () -> SHAPE.withStrideC(5));
        assertRefused("-1 elements apart", () -> SHAPE.batched(2, 24, -1, 60));
        assertRefused("count is 0", () -> SHAPE.batched(0, 24, 40, 60));
        assertRefused("0 x 4", () -> ProductShape.of(false, false, 0, 10, 4));
        assertRefused("other than 0", () -> SHAPE.timesValueAt(0));
    }

    private static void assertRefused(String expected, Runnable shape) {
        String message =
                assertThrows(IllegalArgumentException.class, shape::run).getMessage();
        assertTrue(message.contains(expected), message);
    }
}

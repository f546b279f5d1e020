package org.phantom4j.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.ops.RandomLayer.Layout;

/** The collectives as ops. 13 columns in 12 shards: the first shard is wider, and 1, 2, 3 and 4 ranks divide them. */
class CollectiveOpsTest {

    private static final int SHARDS = 12;
    private static final int WIDTH = 13;
    private static final int BATCH = 3;

    /** Makes one op's output in a graph. */
    private interface Op {
        SDVariable of(SameDiff graph, SDVariable x);
    }

    private static List<INDArray> run(int ranks, LocalRanks.Body<INDArray> body) throws Exception {
        return LocalRanks.run(ranks, Duration.ofMinutes(2), body);
    }

    /** A whole of small integers, another one for each rank: sums are exact. */
    private static INDArray whole(int seed) {
        RandomLayer random = new RandomLayer(new PhantomGeometry(1, 1, 1, 1), 1, Layout.C, DataType.DOUBLE, seed);
        return Nd4j.math.round(
                random.random(Layout.C, DataType.DOUBLE, BATCH, WIDTH).muli(100));
    }

    private static INDArray part(INDArray whole, Communicator group) {
        ShardRange own = ShardRange.of(group.rank(), group.size(), SHARDS);
        Split split = new Split(WIDTH, SHARDS);
        return Products.columns(whole, split.offset(own.first()), split.width(own));
    }

    private static INDArray sum(int ranks) {
        INDArray sum = whole(0);
        for (int rank = 1; rank < ranks; rank++) {
            sum.addi(whole(rank));
        }
        return sum;
    }

    /** Whole-sized outputs in both orders, and none. */
    private static INDArray output(int round, long columns) {
        return round == 0 ? null : Nd4j.ones(DataType.DOUBLE, BATCH, columns).dup(round == 1 ? 'c' : 'f');
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void allGatherPutsThePartsSideBySide(int ranks) throws Exception {
        for (int round = 0; round < 3; round++) {
            INDArray output = output(round, WIDTH);
            List<INDArray> results = run(ranks, group -> {
                INDArray own = output == null ? null : output.dup(output.ordering());
                INDArray result = Nd4j.exec(new AllGather(WIDTH, SHARDS, part(whole(9), group), own))[0];
                if (own != null) {
                    assertSame(own, result);
                }
                return result;
            });
            results.forEach(each -> assertEquals(whole(9), each));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void reduceScatterHandsOutTheSum(int ranks) throws Exception {
        for (int i = 0; i < 3; i++) {
            int round = i;
            run(ranks, group -> {
                INDArray x = whole(group.rank());
                INDArray expected = part(sum(ranks), group);
                INDArray result = Nd4j.exec(new ReduceScatter(WIDTH, SHARDS, x, output(round, expected.size(1))))[0];
                assertEquals(expected, result);
                assertEquals(whole(group.rank()), x, "the input is as it was");
                return result;
            });
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void allReduceSums(int ranks) throws Exception {
        for (int i = 0; i < 3; i++) {
            int round = i;
            List<INDArray> results = run(ranks, group -> {
                INDArray x = whole(group.rank());
                INDArray result = Nd4j.exec(new AllReduce(x, output(round, WIDTH)))[0];
                assertEquals(whole(group.rank()), x, "the input is as it was");
                return result;
            });
            results.forEach(each -> assertEquals(sum(ranks), each));
        }
        List<INDArray> inPlace = run(ranks, group -> {
            INDArray x = whole(group.rank());
            Nd4j.exec(new AllReduce(x, x));
            return x;
        });
        inPlace.forEach(each -> assertEquals(sum(ranks), each));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void gradientsAreThoseOfTheSumOfTheRanksLosses(int ranks) throws Exception {
        // each rank's loss is the sum of op(x) ∘ w, with a w of its own
        run(ranks, group -> {
            INDArray gather = gradient(
                    (graph, x) -> new AllGather(graph, WIDTH, SHARDS, x).outputVariable(),
                    part(whole(9), group),
                    whole(group.rank()));
            assertEquals(part(sum(ranks), group), gather);

            INDArray scatter = gradient(
                    (graph, x) -> new ReduceScatter(graph, WIDTH, SHARDS, x).outputVariable(),
                    whole(group.rank()),
                    part(whole(9), group).dup());
            assertEquals(whole(9), scatter);

            INDArray reduce =
                    gradient((graph, x) -> new AllReduce(graph, x).outputVariable(), whole(9), whole(group.rank()));
            assertEquals(sum(ranks), reduce);
            return reduce;
        });
    }

    private static INDArray gradient(Op op, INDArray x, INDArray weights) {
        SameDiff graph = SameDiff.create();
        SDVariable input = graph.var("x", x.dup());
        SDVariable loss = op.of(graph, input).mul(graph.constant(weights)).sum("loss");
        graph.setLossVariables(loss.name());
        return graph.calculateGradients(Map.of(), "x").get("x");
    }
}

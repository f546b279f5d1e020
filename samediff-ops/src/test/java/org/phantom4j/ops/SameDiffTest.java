package org.phantom4j.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.phantom4j.ops.RandomLayer.difference;

import java.io.File;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.comm.RankContext;
import org.phantom4j.ops.RandomLayer.Layout;

class SameDiffTest {

    private static final PhantomGeometry GEOMETRY = new PhantomGeometry(7, 6, 4, 2);

    @TempDir
    private Path folder;

    private static RandomLayer layer(PhantomGeometry geometry) {
        return new RandomLayer(geometry, 3, Layout.C, DataType.DOUBLE, 21);
    }

    private static INDArray weights(RandomLayer layer) {
        return new RandomLayer(layer.geometry, 1, Layout.C, DataType.DOUBLE, 22)
                .random(Layout.C, DataType.DOUBLE, layer.geometry.nIn(), layer.geometry.nOut());
    }

    private static PhantomGraph graph(boolean phantom, RandomLayer layer) {
        return phantom ? PhantomGraph.phantom(layer) : PhantomGraph.tensor(layer, weights(layer));
    }

    @ParameterizedTest
    @CsvSource({"true, 4, loss", "false, 4, loss", "true, 4, loss of second", "true, 1, loss"})
    void gradientsAreFiniteDifferences(boolean phantom, int shards, String loss) {
        RandomLayer layer = layer(new PhantomGeometry(7, 6, shards, 2));
        PhantomGraph made = graph(phantom, layer);
        made.graph.setLossVariables(loss);
        Map<String, INDArray> feed = made.feed(layer);
        Map<String, INDArray> gradients = made.graph.calculateGradients(feed, made.variables.toArray(new String[0]));
        for (String variable : made.variables) {
            INDArray expected = PhantomGraph.finiteDifferences(made.graph, feed, loss, variable);
            assertTrue(difference(expected, gradients.get(variable)) < 1e-7, variable);
        }
    }

    @Test
    void bothOutputsGradientsAddUp() {
        RandomLayer layer = layer(GEOMETRY);
        for (boolean phantom : new boolean[] {true, false}) {
            PhantomGraph made = graph(phantom, layer);
            Map<String, INDArray> feed = made.feed(layer);
            String[] names = {"x", "w0", "w1"};
            made.graph.setLossVariables("loss", "loss of second");
            Map<String, INDArray> both = made.graph.calculateGradients(feed, names);
            PhantomGraph first = graph(phantom, layer);
            Map<String, INDArray> ofLoss = first.graph.calculateGradients(feed, names);
            PhantomGraph second = graph(phantom, layer);
            second.graph.setLossVariables("loss of second");
            Map<String, INDArray> ofSecond = second.graph.calculateGradients(feed, "x");
            assertTrue(difference(ofLoss.get("x").add(ofSecond.get("x")), both.get("x")) < 1e-12);
            assertTrue(difference(ofLoss.get("w0"), both.get("w0")) < 1e-12, "neither output's g depends on L or W");
            assertFalse(difference(ofLoss.get("x"), both.get("x")) < 1e-3, "the second loss counts");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void fitLowersTheLoss(boolean phantom) {
        RandomLayer layer = layer(GEOMETRY);
        PhantomGraph made = graph(phantom, layer);
        made.graph.setTrainingConfig(TrainingConfig.builder()
                .updater(new Sgd(0.01))
                .dataSetFeatureMapping("x")
                .dataSetLabelMapping("labels")
                .build());
        Map<String, INDArray> feed = Map.of("x", layer.x, "labels", layer.delta);
        double before = made.graph.outputSingle(feed, PhantomGraph.LOSS).getDouble(0);
        for (int step = 0; step < 50; step++) {
            made.graph.fit(new DataSet(layer.x, layer.delta));
        }
        double after = made.graph.outputSingle(feed, PhantomGraph.LOSS).getDouble(0);
        assertTrue(after < 0.8 * before, "loss " + before + " before, " + after + " after");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aSavedGraphComputesTheSame(boolean phantom) throws Exception {
        RandomLayer layer = layer(GEOMETRY);
        PhantomGraph made = graph(phantom, layer);
        Map<String, INDArray> feed = made.feed(layer);
        String[] names = made.variables.toArray(new String[0]);
        Map<String, INDArray> gradients = made.graph.calculateGradients(feed, names);
        File file = folder.resolve("graph.fb").toFile();
        made.graph.save(file, true);
        SameDiff loaded = SameDiff.load(file, true);
        loaded.setLossVariables(PhantomGraph.LOSS);
        assertEquals(made.graph.outputSingle(feed, "z"), loaded.outputSingle(feed, "z"));
        assertEquals(made.graph.outputSingle(feed, "second"), loaded.outputSingle(feed, "second"));
        Map<String, INDArray> again = loaded.calculateGradients(feed, names);
        for (String name : names) {
            assertEquals(gradients.get(name), again.get(name), name);
        }
    }

    @ParameterizedTest
    @CsvSource({"true, 2", "true, 4", "false, 2", "false, 4"})
    void everyRankCountHasTheSameGradients(boolean phantom, int ranks) throws Exception {
        RandomLayer layer = layer(GEOMETRY);
        PhantomGraph one = graph(phantom, layer);
        Map<String, INDArray> whole = one.graph.calculateGradients(one.feed(layer), "x");
        Map<String, INDArray> weights = one.graph.calculateGradients(one.feed(layer), "w0");
        List<Double> differences = LocalRanks.run(ranks, Duration.ofMinutes(2), group -> {
            PhantomGraph made = graph(phantom, layer);
            Map<String, INDArray> feed = made.feed(layer);
            Map<String, INDArray> gradients = made.graph.calculateGradients(feed, "x", "w0");
            INDArray expected = Products.columns(
                    whole.get("x"),
                    GEOMETRY.in().offset(made.own.first()),
                    GEOMETRY.in().width(made.own));
            double x = difference(expected, gradients.get("x"));
            return group.rank() > 0 || !phantom ? x : Math.max(x, difference(weights.get("w0"), gradients.get("w0")));
        });
        differences.forEach(each -> assertTrue(each < 1e-12, "difference " + each));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void gradientsAreComputedInTheGroupThatTheOpWasGiven(boolean phantom) throws Exception {
        RandomLayer layer = layer(GEOMETRY);
        List<Double> differences = LocalRanks.run(2, Duration.ofMinutes(2), group -> {
            PhantomGraph inThread = graph(phantom, layer);
            Map<String, INDArray> expected = inThread.graph.calculateGradients(inThread.feed(layer), "x", "w0");
            PhantomGraph given = graph(phantom, layer);
            for (var op : given.graph.ops()) {
                if (op instanceof JavaOp java) {
                    java.in(group);
                }
            }
            Map<String, INDArray> feed = given.feed(layer);
            Map<String, INDArray> alone = RankContext.callAlone(() -> given.graph.calculateGradients(feed, "x", "w0"));
            return Math.max(
                    difference(expected.get("x"), alone.get("x")), difference(expected.get("w0"), alone.get("w0")));
        });
        differences.forEach(each -> assertTrue(each < 1e-12, "difference " + each));
    }

    @Test
    void collectivesGradientsAreInTheirGroup() throws Exception {
        LocalRanks.run(
                2,
                Duration.ofMinutes(2),
                group -> RankContext.callAlone(() -> {
                    SameDiff graph = SameDiff.create();
                    SDVariable x =
                            graph.var("x", Nd4j.ones(DataType.DOUBLE, 1, 3).muli(group.rank() + 1));
                    new AllReduce(graph, x).in(group).outputVariable().rename("sum");
                    graph.math.square(graph.getVariable("sum")).sum("loss");
                    graph.setLossVariables("loss");
                    // d/dx of two ranks' (x + y)² with x = 1, y = 2
                    assertEquals(
                            12, graph.calculateGradients(Map.of(), "x").get("x").getDouble(0), 1e-12);
                    return null;
                }));
    }

    @Test
    void aGraphBelongsToTheShardsOfItsRank() throws Exception {
        RandomLayer layer = layer(GEOMETRY);
        List<PhantomGraph> graphs = LocalRanks.run(2, Duration.ofMinutes(2), group -> PhantomGraph.phantom(layer));
        Exception e = assertThrows(
                Exception.class,
                () -> LocalRanks.run(2, Duration.ofMinutes(2), group -> graphs.get(1 - group.rank())
                        .graph
                        .outputSingle(graphs.get(1 - group.rank()).feed(layer), "z")));
        assertTrue(rootMessage(e).contains("make the graph on the rank that runs it"), rootMessage(e));

        Exception alone = assertThrows(
                Exception.class,
                () -> graphs.get(0).graph.outputSingle(graphs.get(0).feed(layer), "z"));
        assertEquals(
                "phantom_dense was made for shards 0 to 1 but rank 0 of 1 owns 0 to 3: make the graph on the rank that"
                        + " runs it",
                rootMessage(alone));
    }

    @Test
    void thereAreNoSecondDerivatives() {
        RandomLayer layer = layer(GEOMETRY);
        for (boolean phantom : new boolean[] {true, false}) {
            PhantomGraph made = graph(phantom, layer);
            made.graph.createGradFunction();
            JavaOp backward = java.util.Arrays.stream(
                            made.graph.getFunction("grad").ops())
                    .filter(op -> op.opName().endsWith("_bp") && op instanceof JavaOp)
                    .map(JavaOp.class::cast)
                    .findFirst()
                    .orElseThrow();
            UnsupportedOperationException e =
                    assertThrows(UnsupportedOperationException.class, () -> backward.doDiff(List.of()));
            assertTrue(e.getMessage().contains("second derivatives"), e.getMessage());
        }
    }

    static String rootMessage(Throwable e) {
        Throwable root = e;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return root.getMessage();
    }
}

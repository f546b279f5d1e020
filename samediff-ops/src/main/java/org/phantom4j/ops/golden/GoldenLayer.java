package org.phantom4j.ops.golden;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.RankContext;
import org.phantom4j.ops.PhantomDense;
import org.phantom4j.ops.PhantomDenseBp;
import org.phantom4j.ops.PhantomGeometry;
import org.phantom4j.ops.ShardRange;

/** Runs a layer case on the current rank and compares the outputs and gradients of its shards. */
public final class GoldenLayer {

    private final GoldenCase golden;
    private final PhantomGeometry geometry;
    private final ShardRange own;
    private final DataType type;

    /**
     * Prepares a case for the current thread's rank.
     *
     * @param type FLOAT or DOUBLE, to compute in
     */
    public GoldenLayer(GoldenCase golden, DataType type) {
        this.golden = golden;
        this.geometry = golden.geometry();
        this.type = type;
        Communicator group = RankContext.current();
        this.own = ShardRange.of(group.rank(), group.size(), geometry.shards());
    }

    /** The relative error of each array that this rank computes, by its name; b of shard 0 is b0. */
    public Map<String, Double> errors() {
        INDArray x = input(GoldenCase.columns(golden.array("x"), geometry.in(), own));
        INDArray delta = input(GoldenCase.columns(golden.array("r"), geometry.out(), own));
        List<INDArray> parameters = new ArrayList<>();
        own.stream().forEach(j -> parameters.addAll(arrays("", j)));

        List<INDArray> forward = new ArrayList<>(List.of(x));
        forward.addAll(parameters);
        INDArray[] outputs = Nd4j.exec(new PhantomDense(geometry, forward.toArray(new INDArray[0]), null));

        List<INDArray> backward = new ArrayList<>(List.of(x, outputs[1], delta));
        backward.addAll(parameters);
        INDArray[] gradients = Nd4j.exec(new PhantomDenseBp(geometry, backward.toArray(new INDArray[0]), null, true));

        Map<String, Double> errors = new TreeMap<>();
        compare(errors, "z", GoldenCase.columns(golden.array("z"), geometry.out(), own), outputs[0]);
        compare(errors, "dx", GoldenCase.columns(golden.array("dx"), geometry.in(), own), gradients[0]);
        int next = 1;
        for (int j = own.first(); j < own.end(); j++) {
            List<INDArray> expected = arrays("d", j);
            for (int i = 0; i < expected.size(); i++) {
                compare(errors, "d" + names(j).get(i), expected.get(i), gradients[next++]);
            }
        }
        return errors;
    }

    private void compare(Map<String, Double> errors, String name, INDArray expected, INDArray actual) {
        errors.put(name, GoldenCase.relativeError(expected.castTo(DataType.DOUBLE), actual));
    }

    private INDArray input(INDArray array) {
        return array.castTo(type).dup('f');
    }

    private List<String> names(int shard) {
        return geometry.shards() == 1
                ? List.of("L" + shard, "C" + shard, "b" + shard)
                : List.of("L" + shard, "C" + shard, "D" + shard, "b" + shard);
    }

    /** L, C, D and b of a shard, or with prefix "d" their gradients. */
    private List<INDArray> arrays(String prefix, int shard) {
        INDArray bias = golden.array(prefix + "b").reshape(1, geometry.nOut());
        List<INDArray> arrays = new ArrayList<>(
                List.of(input(golden.array(prefix + "L" + shard)), input(golden.array(prefix + "C" + shard))));
        if (geometry.shards() > 1) {
            arrays.add(input(golden.decompressors(prefix + "D", geometry, shard)));
        }
        arrays.add(input(GoldenCase.columns(bias, geometry.out(), new ShardRange(shard, shard + 1))));
        return arrays;
    }
}

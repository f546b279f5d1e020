package org.phantom4j.ops;

import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.phantom4j.comm.Communicator;

/** An op on the shards of one rank. Its i arguments are nIn, nOut, p, k and the first and end of the
 * rank's shards. */
abstract class ShardedOp extends JavaOp {

    ShardedOp() {}

    ShardedOp(SameDiff sameDiff, PhantomGeometry geometry, SDVariable... inputs) {
        super(sameDiff, inputs);
        setGeometry(geometry);
    }

    ShardedOp(PhantomGeometry geometry, INDArray[] inputs, INDArray[] outputs) {
        super(inputs, outputs);
        setGeometry(geometry);
    }

    private void setGeometry(PhantomGeometry geometry) {
        Communicator group = communicator();
        ShardRange own = ShardRange.of(group.rank(), group.size(), geometry.shards());
        addIArgument(
                geometry.nIn(), geometry.nOut(), geometry.shards(), geometry.phantomWidth(), own.first(), own.end());
    }

    @Override
    protected final int ownArguments() {
        return 6;
    }

    @Override
    public JavaOp in(Communicator group) {
        ShardRange own = ShardRange.of(group.rank(), group.size(), geometry().shards());
        iArguments.set(4, (long) own.first());
        iArguments.set(5, (long) own.end());
        return super.in(group);
    }

    final PhantomGeometry geometry() {
        return new PhantomGeometry(
                iArguments.get(0), iArguments.get(1), iArguments.get(2).intValue(), iArguments.get(3));
    }

    final ShardRange own() {
        return new ShardRange(iArguments.get(4).intValue(), iArguments.get(5).intValue());
    }

    /** The group to compute in, which must give this rank the shards that the op was made for. */
    final Communicator group() {
        Communicator group = communicator();
        ShardRange here = ShardRange.of(group.rank(), group.size(), geometry().shards());
        if (!here.equals(own())) {
            throw new IllegalStateException(opName() + " was made for shards " + own().first() + " to "
                    + (own().end() - 1) + " but rank " + group.rank() + " of " + group.size() + " owns "
                    + here.first() + " to " + (here.end() - 1) + ": make the graph on the rank that runs it");
        }
        return group;
    }

    /** The columns of each of the rank's shards, of activations of all of them. */
    final INDArray[] slices(INDArray activations, Split split) {
        ShardRange own = own();
        return own.stream()
                .mapToObj(shard -> Products.columns(
                        activations, split.offset(shard) - split.offset(own.first()), split.width(shard)))
                .toArray(INDArray[]::new);
    }

    /** The columns of one shard, of phantom activations [B, p·k]. */
    final INDArray phantom(INDArray gathered, int shard) {
        return Products.columns(
                gathered, shard * geometry().phantomWidth(), geometry().phantomWidth());
    }

    /** The columns of all of the rank's shards, of phantom activations [B, p·k]. */
    final INDArray ownPhantoms(INDArray gathered) {
        long k = geometry().phantomWidth();
        return Products.columns(gathered, own().first() * k, own().count() * k);
    }
}

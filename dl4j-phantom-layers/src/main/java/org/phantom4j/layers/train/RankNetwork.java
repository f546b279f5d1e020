package org.phantom4j.layers.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.RankContext;
import org.phantom4j.layers.CommunicationPlan;

/**
 * A network's share on the current rank, made from the whole and made whole again. A whole network is an ordinary one, as
 * {@code ModelSerializer} writes and reads it, and the same whatever the number of ranks.
 */
public final class RankNetwork {

    private RankNetwork() {}

    /**
     * This rank's network, initialised from the configuration's seed: the same values on any number of ranks.
     *
     * @param configuration of the whole network; copied; the network is planned ({@link CommunicationPlan})
     */
    public static MultiLayerNetwork create(MultiLayerConfiguration configuration) {
        MultiLayerNetwork network = new MultiLayerNetwork(configuration.clone());
        network.init();
        return CommunicationPlan.apply(network);
    }

    /**
     * This rank's network with the parameters of a whole one.
     *
     * @param whole may be shared by ranks of one process; not changed
     */
    public static MultiLayerNetwork of(MultiLayerNetwork whole) {
        MultiLayerNetwork network = create(whole.getLayerWiseConfigurations());
        Map<String, INDArray> values = whole.paramTable();
        network.paramTable().forEach((key, value) -> value.assign(values.get(key)));
        return network;
    }

    /**
     * The whole network on rank 0, null on the others. A collective: every rank calls it.
     *
     * <p>Updater state is not part of it.
     */
    public static MultiLayerNetwork gather(MultiLayerNetwork network) {
        Communicator group = RankContext.current();
        if (group.size() == 1) {
            return network;
        }
        MultiLayerNetwork whole = whole(network.getLayerWiseConfigurations());
        Map<String, INDArray> own = network.paramTable();
        List<Map.Entry<String, INDArray>> all =
                new ArrayList<>(whole.paramTable().entrySet());
        int[] owners = owners(group, all, own);
        for (int i = 0; i < owners.length; i++) {
            INDArray value = all.get(i).getValue();
            INDArray received = owners[i] == group.rank()
                    ? own.get(all.get(i).getKey()).dup('f')
                    : Nd4j.createUninitialized(value.dataType(), value.shape(), 'f');
            group.broadcast(received, owners[i]);
            if (group.rank() == 0) {
                value.assign(received);
            }
        }
        return group.rank() == 0 ? whole : null;
    }

    /** A network outside of any group, to hold all shards. */
    private static MultiLayerNetwork whole(MultiLayerConfiguration configuration) {
        return RankContext.runAlone(() -> {
            MultiLayerNetwork network = new MultiLayerNetwork(configuration.clone());
            network.init();
            return network;
        });
    }

    /** The first rank that has each parameter. */
    private static int[] owners(Communicator group, List<Map.Entry<String, INDArray>> all, Map<String, INDArray> own) {
        INDArray has = Nd4j.zeros(DataType.INT64, all.size());
        for (int i = 0; i < all.size(); i++) {
            has.putScalar(i, own.containsKey(all.get(i).getKey()) ? 1 : 0);
        }
        INDArray everyone = Nd4j.createUninitialized(DataType.INT64, (long) group.size() * all.size());
        group.allGather(has, everyone);
        int[] owners = new int[all.size()];
        for (int i = 0; i < owners.length; i++) {
            int rank = 0;
            while (everyone.getLong((long) rank * owners.length + i) == 0) {
                rank++;
            }
            owners[i] = rank;
        }
        return owners;
    }
}

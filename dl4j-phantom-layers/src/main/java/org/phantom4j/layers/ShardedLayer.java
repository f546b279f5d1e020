package org.phantom4j.layers;

/** What all sharded layer configurations have. */
public interface ShardedLayer {

    /** The number of shards, p: a property of the model. Any number of ranks that divides it can run it. */
    int getShards();
}

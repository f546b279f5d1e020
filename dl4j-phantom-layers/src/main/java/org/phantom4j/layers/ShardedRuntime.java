package org.phantom4j.layers;

/** A sharded layer on one rank. */
interface ShardedRuntime {

    /** What it has in common with the other sharded layers. */
    RankShards shards();
}

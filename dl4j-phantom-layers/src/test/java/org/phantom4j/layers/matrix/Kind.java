package org.phantom4j.layers.matrix;

/** Which layers are sharded, and what their dense equivalent is. */
enum Kind {
    /** Two tensor-parallel layers and an ordinary output layer: two dense layers. */
    TENSOR(false),
    /** A dense layer and a sharded output layer: an ordinary output layer. */
    OUTPUT(false),
    /** A tensor-parallel layer and a sharded loss: a dense layer and an ordinary loss layer. */
    LOSS(false),
    /** Two tensor-parallel layers and a sharded output layer: an ordinary network. */
    STACK(false),
    /** Two phantom layers and an ordinary output layer: two dense layers where there is one shard. */
    PHANTOM(true),
    /** A phantom, a tensor-parallel and a sharded output layer: an ordinary network where there is one shard. */
    MIXED(true);

    private final boolean phantom;

    Kind(boolean phantom) {
        this.phantom = phantom;
    }

    /** Whether a dense network trains as this one does. */
    boolean isDense(int shards) {
        return !phantom || shards == 1;
    }
}

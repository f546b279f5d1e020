package org.phantom4j.layers;

/** What all sharded layer configurations have. */
public interface ShardedLayer {

    /** The number of shards, p: a property of the model. Any number of ranks that divides it can run it. */
    int getShards();

    /** Whether the backward pass computes the gradient of the layer's inputs. */
    boolean isInputGradient();

    /**
     * Sets whether the backward pass computes the gradient of the layer's inputs. A network's first layer needs none; see
     * {@link CommunicationPlan}.
     */
    void setInputGradient(boolean inputGradient);
}

package org.phantom4j.layers;

import java.util.List;
import org.deeplearning4j.nn.api.TrainingConfig;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.regularization.Regularization;

/**
 * A layer's configuration as Deeplearning4j's updater sees it. The updater takes norms of what one process holds, and there is
 * no other place between its division by the batch and its step than where it asks for the normalisation, once a step; nobody
 * else asks a layer for it here. So this answers that there is none, when it has been done.
 */
final class WholeLayerConfig implements TrainingConfig {

    private final TrainingConfig config;
    private final Runnable normalize;

    WholeLayerConfig(TrainingConfig config, Runnable normalize) {
        this.config = config;
        this.normalize = normalize;
    }

    @Override
    public String getLayerName() {
        return config.getLayerName();
    }

    @Override
    public List<Regularization> getRegularizationByParam(String name) {
        return config.getRegularizationByParam(name);
    }

    @Override
    public boolean isPretrainParam(String name) {
        return config.isPretrainParam(name);
    }

    @Override
    public IUpdater getUpdaterByParam(String name) {
        return config.getUpdaterByParam(name);
    }

    @Override
    public GradientNormalization getGradientNormalization() {
        normalize.run();
        return GradientNormalization.None;
    }

    @Override
    public double getGradientNormalizationThreshold() {
        return config.getGradientNormalizationThreshold();
    }

    @Override
    public void setDataType(DataType type) {
        config.setDataType(type);
    }
}

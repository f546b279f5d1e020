package org.phantom4j.examples.newergpus;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions;

/** Plain Deeplearning4j: LeNet on handwritten digits. Nothing in it knows of this project or of the GPU's age. */
public final class LenetMnist {
    private static final int TRAINED = 8000;
    private static final int BATCH = 64;
    private static final int EPOCHS = 3;
    private static final int PIXELS = 28 * 28;

    private LenetMnist() {}

    /** Argument: the folder of the gzipped IDX files, images and labels. */
    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments[0]);
        INDArray images = images(only(folder, "images"));
        INDArray labels = labels(only(folder, "labels"));
        int count = (int) images.size(0);
        MultiLayerNetwork network = new MultiLayerNetwork(configuration());
        network.init();
        DataSet all = new DataSet(rows(images, 0, TRAINED), rows(labels, 0, TRAINED));
        List<DataSet> batches = all.batchBy(BATCH);
        for (int epoch = 1; epoch <= EPOCHS; epoch++) {
            long startNs = System.nanoTime();
            batches.forEach(network::fit);
            Evaluation evaluation = new Evaluation(10);
            evaluation.eval(rows(labels, TRAINED, count), network.output(rows(images, TRAINED, count)));
            System.out.printf(
                    "epoch %d: score %.4f, accuracy %.4f on the last %d digits, %.1f s, %s%n",
                    epoch,
                    network.score(),
                    evaluation.accuracy(),
                    count - TRAINED,
                    (System.nanoTime() - startNs) / 1e9,
                    Nd4j.getBackend().getClass().getSimpleName());
        }
    }

    private static MultiLayerConfiguration configuration() {
        return new NeuralNetConfiguration.Builder()
                .seed(123)
                .updater(new Adam(1e-3))
                .weightInit(WeightInit.XAVIER)
                .list()
                .layer(new ConvolutionLayer.Builder(5, 5)
                        .nOut(20)
                        .activation(Activation.RELU)
                        .build())
                .layer(new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX)
                        .kernelSize(2, 2)
                        .stride(2, 2)
                        .build())
                .layer(new ConvolutionLayer.Builder(5, 5)
                        .nOut(50)
                        .activation(Activation.RELU)
                        .build())
                .layer(new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX)
                        .kernelSize(2, 2)
                        .stride(2, 2)
                        .build())
                .layer(new DenseLayer.Builder()
                        .nOut(500)
                        .activation(Activation.RELU)
                        .build())
                .layer(new OutputLayer.Builder(LossFunctions.LossFunction.NEGATIVELOGLIKELIHOOD)
                        .nOut(10)
                        .activation(Activation.SOFTMAX)
                        .build())
                .setInputType(InputType.convolutionalFlat(28, 28, 1))
                .build();
    }

    private static INDArray rows(INDArray array, int from, int to) {
        return array.get(NDArrayIndex.interval(from, to), NDArrayIndex.all());
    }

    private static Path only(Path folder, String kind) throws IOException {
        try (var files = Files.list(folder)) {
            return files.filter(file -> file.getFileName().toString().contains(kind))
                    .findFirst()
                    .orElseThrow(() -> new IOException(folder + " holds no file of " + kind));
        }
    }

    private static INDArray images(Path file) throws IOException {
        try (DataInputStream in = open(file)) {
            in.readInt();
            int count = in.readInt();
            in.readLong();
            float[] pixels = new float[count * PIXELS];
            for (int i = 0; i < pixels.length; i++) {
                pixels[i] = in.readUnsignedByte() / 255f;
            }
            return Nd4j.createFromArray(pixels).reshape(count, PIXELS);
        }
    }

    private static INDArray labels(Path file) throws IOException {
        try (DataInputStream in = open(file)) {
            in.readInt();
            int count = in.readInt();
            INDArray oneHot = Nd4j.zeros(DataType.FLOAT, count, 10);
            for (int row = 0; row < count; row++) {
                oneHot.putScalar(row, in.readUnsignedByte(), 1);
            }
            return oneHot;
        }
    }

    private static DataInputStream open(Path file) throws IOException {
        return new DataInputStream(new BufferedInputStream(new GZIPInputStream(Files.newInputStream(file))));
    }
}

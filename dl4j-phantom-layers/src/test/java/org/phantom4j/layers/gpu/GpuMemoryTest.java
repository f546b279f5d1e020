package org.phantom4j.layers.gpu;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.time.Duration;
import java.util.List;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.phantom4j.comm.cuda.CudaDevice;
import org.phantom4j.comm.cuda.CudaException;
import org.phantom4j.comm.cuda.DeviceGroup;
import org.phantom4j.comm.cuda.DeviceMemory;
import org.phantom4j.layers.PhantomDenseLayer;
import org.phantom4j.layers.ShardedOutputLayer;
import org.phantom4j.layers.TensorParallelDenseLayer;
import org.phantom4j.layers.train.RankNetwork;
import org.phantom4j.ops.gpu.Precision;

/** What steps take of a device's memory against the formula. Skipped without a GPU, whose memory nobody else may use. */
class GpuMemoryTest {

    private static final double BAR = 1.05;
    private static final long MIB = 1 << 20;

    @BeforeAll
    static void needsGpu() {
        assumeTrue(CudaDevice.count() > 0, "there is no CUDA device here");
    }

    private static long used(CudaDevice device) {
        return device.totalBytes() - device.freeBytes();
    }

    private static void assertFits(String what, MemoryNeed need, long allocated, long measured) {
        String figures = String.format(
                "%s: computed %s, allocated %,d MiB, measured %,d MiB: %.4f of computed",
                what, need, allocated / MIB, measured / MIB, (double) measured / need.total());
        System.out.println(figures);
        assertTrue(Math.abs((double) allocated / need.total() - 1) < 0.01, figures);
        assertTrue(measured <= BAR * need.total(), figures);
        assertTrue(measured >= 0.95 * allocated, "not all of it was seen: " + figures);
    }

    @ParameterizedTest
    @CsvSource({
        "true, FP32, 2, 256",
        "true, TF32, 2, 2048",
        "true, BF16, 4, 256",
        "true, BF16, 2, 2048",
        "false, TF32, 2, 256",
        "false, BF16, 2, 256",
        "true, FP64, 2, 256",
    })
    void stepsTakeWhatIsComputed(boolean phantom, Precision precision, int shards, long batch) {
        StepBenchmark.Setup setup = new StepBenchmark.Setup(phantom, 8192, 3, shards, 64, batch, precision, true);
        try (CudaDevice device = CudaDevice.open(0)) {
            long peak;
            MemoryNeed need;
            long allocated;
            try (StepBenchmark benchmark = new StepBenchmark(setup, 0, DeviceGroup.single())) {
                benchmark.warmUp();
                peak = used(device);
                need = benchmark.memoryNeed();
                allocated = benchmark.deviceBytes();
            }
            assertFits(setup.toString(), need, allocated, peak - used(device));
        }
    }

    private static MultiLayerNetwork network(DataType type, long width) {
        Layer[] layers = {
            new PhantomDenseLayer.Builder()
                    .nOut(width)
                    .shards(2)
                    .phantomWidth(32)
                    .activation(Activation.RELU)
                    .build(),
            new TensorParallelDenseLayer.Builder()
                    .nOut(width)
                    .shards(2)
                    .activation(Activation.RELU)
                    .build(),
            new ShardedOutputLayer.Builder(LossFunction.MCXENT)
                    .nOut(100)
                    .shards(2)
                    .activation(Activation.SOFTMAX)
                    .build()
        };
        MultiLayerConfiguration configuration = new NeuralNetConfiguration.Builder()
                .dataType(type)
                .updater(new Adam(1e-3))
                .list(layers)
                .setInputType(InputType.feedForward(width))
                .build();
        return RankNetwork.create(configuration);
    }

    private static DataSet batch(long rows, long width) {
        INDArray labels = Nd4j.zeros(DataType.FLOAT, rows, 100);
        for (long row = 0; row < rows; row++) {
            labels.putScalar(row, row % 100, 1);
        }
        return new DataSet(Nd4j.rand(DataType.FLOAT, rows, width), labels);
    }

    private static GpuTrainer trainer(MultiLayerNetwork network) {
        return new GpuTrainer(network, DeviceGroup.single(), new GpuOptions(0, Precision.FP32, Duration.ofSeconds(60)));
    }

    @Test
    void trainersTakeWhatIsComputed() {
        MultiLayerNetwork network = network(DataType.FLOAT, 4096);
        try (CudaDevice device = CudaDevice.open(0)) {
            long peak;
            MemoryNeed need;
            long allocated;
            try (GpuTrainer trainer = trainer(network)) {
                for (int rows : List.of(128, 512, 128)) {
                    trainer.fit(batch(rows, 4096));
                }
                INDArray outputs = trainer.output(batch(300, 4096).getFeatures());
                assertTrue(outputs.size(0) == 300);
                trainer.store();
                peak = used(device);
                need = trainer.memoryNeed();
                allocated = trainer.deviceBytes();
            }
            assertFits("Adam, two batches, outputs", need, allocated, peak - used(device));
        }
    }

    @Test
    void whatIsMissingIsSaidAndNothingIsLeft() {
        MultiLayerNetwork network = network(DataType.FLOAT, 4096);
        try (CudaDevice device = CudaDevice.open(0)) {
            trainOnce(network);
            long before = used(device);
            try (DeviceMemory most = DeviceMemory.allocate(device.freeBytes() - 300 * MIB)) {
                assertTrue(device.freeBytes() < most.bytes());
                CudaException failure = thrownBy(network);
                assertTrue(failure.isOutOfMemory(), failure.getMessage());
                for (String part : List.of(
                        "has no room for", "are free", "in all this rank needs", "parameters", "smaller width")) {
                    assertTrue(failure.getMessage().contains(part), failure.getMessage());
                }
            }
            long left = used(device) - before;
            assertTrue(left < 16 * MIB, left + " bytes more than before");
            trainOnce(network);
        }
    }

    private static void trainOnce(MultiLayerNetwork network) {
        try (GpuTrainer trainer = trainer(network)) {
            trainer.fit(batch(64, 4096));
            assertTrue(trainer.score() > 0);
        }
    }

    private static CudaException thrownBy(MultiLayerNetwork network) {
        try {
            trainOnce(network);
        } catch (CudaException e) {
            return e;
        }
        throw new AssertionError("the network has found room");
    }
}

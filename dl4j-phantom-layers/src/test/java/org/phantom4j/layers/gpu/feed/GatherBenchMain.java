package org.phantom4j.layers.gpu.feed;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.Locale;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.layers.train.ShuffledRows;

/** How fast host threads gather shuffled rows into memory that a device would copy from. Needs no GPU. */
public final class GatherBenchMain {

    private static final long WARM_NS = 1_000_000_000L;
    private static final long MEASURED_NS = 2_000_000_000L;

    private GatherBenchMain() {}

    /** Arguments: numbers of threads; without any, 1 and 2. */
    public static void main(String[] arguments) {
        String[] threads = arguments.length == 0 ? new String[] {"1", "2"} : arguments;
        System.out.println(
                "width  type    batch  threads      rows/s   GB/s written  us a batch  rows / s of processor time");
        for (String count : threads) {
            measure(784, 60_000, 128, DataType.FLOAT, Integer.parseInt(count));
            measure(784, 60_000, 128, DataType.UINT8, Integer.parseInt(count));
            measure(784, 60_000, 128, DataType.DOUBLE, Integer.parseInt(count));
            measure(16_384, 8_192, 256, DataType.FLOAT, Integer.parseInt(count));
            measure(16_384, 4_096, 256, DataType.DOUBLE, Integer.parseInt(count));
        }
    }

    private static void measure(int width, int rows, int batch, DataType type, int threads) {
        INDArray values = Nd4j.createUninitialized(type, new long[] {rows, width}, 'c');
        values.assign(1);
        SourceRows source = SourceRows.of(values);
        int[] order = ShuffledRows.order(rows, 1);
        Memory memory = new Memory((long) batch * width * Float.BYTES);
        RealBlock block = new RealBlock(Pointer.nativeValue(memory), batch, width, Float.BYTES);
        try (RowGather gather = new RowGather(threads)) {
            long unused = batches(gather, source, order, batch, block, WARM_NS);
            long began = System.nanoTime();
            long processorBegan = processorNs();
            long batches = batches(gather, source, order, batch, block, MEASURED_NS);
            double seconds = (System.nanoTime() - began) / 1e9;
            double processorSeconds = (processorNs() - processorBegan) / 1e9;
            System.out.printf(
                    Locale.ROOT,
                    "%5d  %-6s  %5d  %7d  %,10.0f  %13.2f  %10.1f  %,10.0f%n",
                    width,
                    type,
                    batch,
                    threads,
                    batches * batch / seconds,
                    batches * memory.size() / seconds / 1e9,
                    1e6 * seconds / batches,
                    batches * batch / processorSeconds);
        }
        values.close();
    }

    /** Of the whole process: where others use the processors too, the wall clock says little. */
    private static long processorNs() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    private static long batches(
            RowGather gather, SourceRows source, int[] order, int batch, RealBlock block, long forNs) {
        long began = System.nanoTime();
        long batches = 0;
        int first = 0;
        while (System.nanoTime() - began < forNs) {
            gather.gather(source, order, first, batch, 0, block);
            batches++;
            first = first + 2 * batch > order.length ? 0 : first + batch;
        }
        return batches;
    }
}

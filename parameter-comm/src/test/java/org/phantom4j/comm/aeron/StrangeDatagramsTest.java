package org.phantom4j.comm.aeron;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.aeron.driver.DataPacketDispatcher;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.media.ReceiveChannelEndpoint;
import io.aeron.driver.media.UdpChannel;
import io.aeron.protocol.DataHeaderFlyweight;
import io.aeron.protocol.HeaderFlyweight;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.status.AtomicCounter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.phantom4j.comm.Communicator;
import org.phantom4j.comm.LocalRanks;
import org.phantom4j.comm.RandomCollectives;

/** Datagrams of strangers, and real ones sent again, at a rank's UDP port while it works: no effect, and no memory. */
@Timeout(300)
class StrangeDatagramsTest {

    private static final int RANKS = 3;
    private static final int DATAGRAMS = 10_000;
    private static final int MOST_DATAGRAMS = 20 * DATAGRAMS;
    private static final int MOST_RECORDED = 2_000;
    private static final int MOST_BYTES = 1408;
    private static final long MOST_GROWTH = 64 << 20;
    private static final RandomCollectives COLLECTIVES = new RandomCollectives(23, 80, 5_000);
    private static final AeronOptions OPTIONS =
            AeronOptions.defaults().withTimeout(Duration.ofMinutes(2)).withTreatAsRemote(true);

    /** Real datagrams at the ranks' port. */
    private final Queue<byte[]> recorded = new ConcurrentLinkedQueue<>();

    /** Data of the stranger's that the media driver looked at. */
    private final AtomicInteger arrived = new AtomicInteger();

    private volatile int strangersPort;
    private final AtomicReference<ReceiveChannelEndpoint> endpoint = new AtomicReference<>();

    /** Listens as any does, and records. */
    private final class Recorder extends ReceiveChannelEndpoint {
        Recorder(
                UdpChannel channel,
                DataPacketDispatcher dispatcher,
                AtomicCounter status,
                MediaDriver.Context context) {
            super(channel, dispatcher, status, context);
            endpoint.set(this);
        }

        @Override
        public int onDataPacket(
                DataHeaderFlyweight header, UnsafeBuffer buffer, int length, InetSocketAddress from, int transport) {
            if (from.getPort() == strangersPort) {
                arrived.incrementAndGet();
            } else if (recorded.size() < MOST_RECORDED) {
                byte[] bytes = new byte[length];
                buffer.getBytes(0, bytes);
                recorded.add(bytes);
            }
            return super.onDataPacket(header, buffer, length, from, transport);
        }
    }

    /** Makes datagrams to send. */
    @FunctionalInterface
    private interface Source {
        byte[] next(Random random);
    }

    @Test
    void malformedDatagramsChangeNothing() throws Exception {
        attack(DATAGRAMS / 100, StrangeDatagramsTest::malformed);
    }

    @Test
    void replayedDatagramsChangeNothing() throws Exception {
        attack(DATAGRAMS / 2, random -> {
            byte[] oldest = recorded.poll();
            if (oldest == null) {
                return new byte[0];
            }
            recorded.add(oldest);
            return oldest;
        });
    }

    /** Junk; or a frame of Aeron's, of any type, whose numbers are what a stranger can only guess. */
    private static byte[] malformed(Random random) {
        byte[] bytes = new byte[random.nextInt(MOST_BYTES)];
        random.nextBytes(bytes);
        if (random.nextInt(4) > 0 && bytes.length >= DataHeaderFlyweight.HEADER_LENGTH) {
            ByteBuffer frame = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            frame.putInt(
                    HeaderFlyweight.FRAME_LENGTH_FIELD_OFFSET, random.nextBoolean() ? bytes.length : random.nextInt());
            frame.put(HeaderFlyweight.VERSION_FIELD_OFFSET, HeaderFlyweight.CURRENT_VERSION);
            frame.putShort(HeaderFlyweight.TYPE_FIELD_OFFSET, (short) random.nextInt(12));
            // streams have small numbers
            frame.putInt(DataHeaderFlyweight.STREAM_ID_FIELD_OFFSET, random.nextInt(40));
            frame.putInt(DataHeaderFlyweight.TERM_OFFSET_FIELD_OFFSET, random.nextInt(1 << 16) & -32);
        }
        return bytes;
    }

    /**
     * Sends until enough were sent and enough of them were looked at: where processors are few, the driver may not come to
     * read all that arrive.
     *
     * @param fewest of the datagrams that the driver must have taken for data
     */
    private void attack(int fewest, Source source) throws Exception {
        List<long[]> expected = LocalRanks.run(RANKS, OPTIONS.timeout(), COLLECTIVES::run);
        AtomicInteger sent = new AtomicInteger();
        List<List<long[]>> results = AeronRanks.run(
                RANKS, OPTIONS, context -> context.receiveChannelEndpointSupplier(Recorder::new), comm -> {
                    List<long[]> rounds = new ArrayList<>();
                    rounds.add(COLLECTIVES.run(comm));
                    long before = usedMemory();
                    Thread attacker = comm.rank() == 0 ? startAttack(fewest, source, sent) : null;
                    // as long as it goes on, and once more
                    for (boolean more = true; more; ) {
                        more = isAnyRankAttacking(comm, attacker);
                        rounds.add(COLLECTIVES.run(comm));
                    }
                    assertTrue(usedMemory() - before < MOST_GROWTH, "memory grew with the strangers' datagrams");
                    return rounds;
                });
        assertTrue(sent.get() >= DATAGRAMS, "the stranger failed after " + sent);
        assertTrue(arrived.get() >= fewest, "only " + arrived + " were taken for data");
        for (int rank = 0; rank < RANKS; rank++) {
            for (long[] round : results.get(rank)) {
                assertArrayEquals(expected.get(rank), round, "rank " + rank);
            }
        }
    }

    private static boolean isAnyRankAttacking(Communicator comm, Thread attacker) {
        INDArray alive = Nd4j.createFromArray(attacker != null && attacker.isAlive() ? 1L : 0L);
        comm.broadcast(alive, 0);
        return alive.getLong(0) == 1;
    }

    private Thread startAttack(int fewest, Source source, AtomicInteger sent) {
        String address = endpoint.get().bindAddressAndPort();
        int colon = address.lastIndexOf(':');
        InetSocketAddress target =
                new InetSocketAddress(address.substring(0, colon), Integer.parseInt(address.substring(colon + 1)));
        Thread thread = new Thread(
                () -> {
                    Random random = new Random(5);
                    try (DatagramSocket socket = new DatagramSocket()) {
                        strangersPort = socket.getLocalPort();
                        for (int i = 0; i < DATAGRAMS || (i < MOST_DATAGRAMS && arrived.get() < fewest); i++) {
                            byte[] bytes = source.next(random);
                            socket.send(new DatagramPacket(bytes, bytes.length, target));
                            sent.incrementAndGet();
                            if (i % 100 == 0) {
                                // no faster than they are read
                                Thread.sleep(5);
                            }
                        }
                    } catch (IOException | InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                },
                "stranger");
        thread.start();
        return thread;
    }

    private static long usedMemory() {
        System.gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }
}

package org.phantom4j.layers.gpu.feed;

import org.phantom4j.comm.cuda.CudaEvent;
import org.phantom4j.comm.cuda.CudaStream;
import org.phantom4j.comm.cuda.PinnedMemory;

/** Copies many rows to the device, piece by piece: one piece is converted while the one before is copied. */
final class RowUpload implements AutoCloseable {

    private static final long PIECE_BYTES = 16 << 20;

    private final FeedDevice device;
    private final RowGather gather;
    private final CudaStream copies;
    private final long pieceBytes;
    private final Piece[] pieces = new Piece[2];

    private record Piece(PinnedMemory memory, CudaEvent copied) {}

    /** For rows of that many bytes on the device, or less. */
    RowUpload(FeedDevice device, RowGather gather, CudaStream copies, long widest) {
        this.device = device;
        this.gather = gather;
        this.copies = copies;
        this.pieceBytes = Math.max(PIECE_BYTES, widest);
        try {
            for (int i = 0; i < pieces.length; i++) {
                pieces[i] = new Piece(PinnedMemory.allocate(pieceBytes), CudaEvent.create());
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Copies columns of all rows, one behind the other; returns when they are on the device. */
    void copy(SourceRows source, long column, int width, long to) {
        long rowBytes = (long) width * device.realBytes();
        long most = pieceBytes / rowBytes;
        int turn = 0;
        for (long first = 0; first < source.rows(); first += most) {
            Piece piece = pieces[turn++ % pieces.length];
            long rows = Math.min(most, source.rows() - first);
            device.await(piece.copied()::isDone, "the copy of samples to the device");
            gather.gather(
                    source,
                    null,
                    first,
                    rows,
                    column,
                    new RealBlock(piece.memory().address(), rows, width, device.realBytes()));
            copies.copy(to + first * rowBytes, piece.memory().address(), rows * rowBytes);
            piece.copied().record(copies);
        }
        device.await(copies::isDone, "the copy of samples to the device");
    }

    @Override
    public void close() {
        for (Piece piece : pieces) {
            if (piece != null) {
                device.awaitAside(piece.copied()::isDone, "the copy of samples to the device");
                piece.memory().close();
                piece.copied().close();
            }
        }
    }
}

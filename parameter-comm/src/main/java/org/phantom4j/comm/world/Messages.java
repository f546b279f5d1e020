package org.phantom4j.comm.world;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;

/** Types of messages between a rank and the coordinator, and the parts that several have in common. */
final class Messages {

    /** Rank: who it is and what it runs. Answered by {@link #WELCOME} or {@link #REFUSED}. */
    static final int HELLO = 1;

    /** Coordinator, when all are there: the job's token and members. */
    static final int WELCOME = 2;

    /** Coordinator: why a rank may not join. */
    static final int REFUSED = 3;

    /** Rank: bytes for all; coordinator: the bytes of all ranks. */
    static final int EXCHANGE = 4;

    /** Either way: the job has failed. */
    static final int FAILED = 5;

    /** Rank: it has waited too long; answered by {@link #FAILED}. */
    static final int TIMED_OUT = 6;

    /** Coordinator: what are you doing? Answered by {@link #STATUS}. */
    static final int PROBE = 7;

    static final int STATUS = 8;

    /** Rank: it is done; coordinator: all are. */
    static final int BYE = 9;

    /** Rank, first on its second connection: send beats on it. Coordinator: such a beat. */
    static final int BEAT = 10;

    /** Rank, on its first connection: it had a {@link #BEAT}. */
    static final int ECHO = 11;

    private Messages() {}

    static void writeFailure(DataOutputStream out, CommException failure) throws IOException {
        out.writeUTF(failure.reason().name());
        // longer ones do not fit the encoding, and nobody reads them
        String message = String.valueOf(failure.getMessage());
        out.writeUTF(message.substring(0, Math.min(message.length(), 4_000)));
    }

    static CommException readFailure(DataInputStream in) throws IOException {
        Reason reason = Reason.valueOf(in.readUTF());
        return new CommException(reason, in.readUTF());
    }
}

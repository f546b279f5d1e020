package org.phantom4j.comm.world;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;

/**
 * A rank of a job.
 *
 * @param rank its number
 * @param host name of its host, for messages
 * @param process its process id there
 * @param machine equal for processes that share memory and files
 */
public record Member(int rank, String host, long process, String machine) {

    void write(DataOutputStream out) throws IOException {
        out.writeInt(rank);
        out.writeUTF(host);
        out.writeLong(process);
        out.writeUTF(machine);
    }

    static Member read(DataInputStream in) throws IOException {
        return new Member(in.readInt(), in.readUTF(), in.readLong(), in.readUTF());
    }

    /** As messages name it. */
    @Override
    public String toString() {
        return "rank " + rank + " (host " + host + ", process " + process + ")";
    }
}

package org.phantom4j.comm.nccl;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;
import org.phantom4j.comm.world.Job;
import org.phantom4j.comm.world.UserFolder;

/** Ranks that are processes of a job. */
final class JobControl implements ControlGroup {

    private final Job job;
    private final Duration timeout;

    JobControl(Job job, Duration timeout) {
        this.job = job;
        this.timeout = timeout;
    }

    @Override
    public int rank() {
        return job.world().rank();
    }

    @Override
    public int size() {
        return job.world().size();
    }

    @Override
    public Duration timeout() {
        return timeout;
    }

    @Override
    public void check() {
        job.check();
    }

    @Override
    public CommException fail(CommException cause) {
        return job.fail(cause);
    }

    @Override
    public String name(int rank) {
        return job.members().get(rank).toString();
    }

    @Override
    public List<byte[]> exchange(byte[] own) {
        return job.exchange(own);
    }

    @Override
    public String machine(int rank) {
        return job.members().get(rank).machine();
    }

    /** Files in a folder of this user's alone, whose names tell the job's apart and do not tell its token. */
    private Path file(String name) throws IOException {
        return UserFolder.open().resolve("job-" + job.publicName() + "-" + name);
    }

    @Override
    public ByteBuffer sharedMemory(String name, int bytes) {
        try (FileChannel channel = FileChannel.open(
                file(name),
                Set.of(StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
            return channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes).order(ByteOrder.nativeOrder());
        } catch (IOException e) {
            throw fail(new CommException(
                    Reason.RANK_FAILED,
                    name(rank()) + " cannot make a file of " + bytes + " bytes in shared memory: " + e.getMessage(),
                    e));
        }
    }

    @Override
    public void forgetSharedMemory(String name) {
        try {
            Files.deleteIfExists(file(name));
        } catch (IOException e) {
            // a file that is left does no harm, and the operating system deletes it at its next start
            Thread.onSpinWait();
        }
    }
}

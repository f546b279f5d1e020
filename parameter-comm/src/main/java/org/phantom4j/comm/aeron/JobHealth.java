package org.phantom4j.comm.aeron;

import java.util.List;
import org.phantom4j.comm.CommException;
import org.phantom4j.comm.CommException.Reason;
import org.phantom4j.comm.world.Job;

/** Health of a job whose ranks are processes. */
final class JobHealth implements Health {

    private final Job job;

    JobHealth(Job job) {
        this.job = job;
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
    public CommException timedOut(String what, String likely, List<Integer> suspects) {
        return job.timedOut(what, likely, suspects);
    }

    @Override
    public String name(int rank) {
        return job.members().get(rank).toString();
    }

    /** What happens when Aeron itself fails: the streams are lost. */
    void transportFailed(Throwable cause) {
        fail(new CommException(
                Reason.RANK_FAILED, name(job.world().rank()) + " lost its media driver: " + cause.getMessage(), cause));
    }
}

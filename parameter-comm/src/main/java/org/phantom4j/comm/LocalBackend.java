package org.phantom4j.comm;

import java.util.List;

/** "local": all ranks are threads of this process, see {@link LocalRanks}. */
public final class LocalBackend implements CommBackend {

    /** For ServiceLoader. */
    public LocalBackend() {}

    @Override
    public String name() {
        return "local";
    }

    @Override
    public boolean ranksAreProcesses() {
        return false;
    }

    @Override
    public <T> List<T> run(int ranks, Deadlines deadlines, String geometry, LocalRanks.Body<T> body) throws Exception {
        return LocalRanks.run(ranks, deadlines.collective(), body);
    }
}

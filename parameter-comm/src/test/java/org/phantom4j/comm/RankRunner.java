package org.phantom4j.comm;

import java.util.List;

/** Runs the ranks of a group on some back end: what the contract's tests are run with. */
@FunctionalInterface
public interface RankRunner {

    /** As {@link LocalRanks#run}. */
    <T> List<T> run(int size, LocalRanks.Body<T> body) throws Exception;
}

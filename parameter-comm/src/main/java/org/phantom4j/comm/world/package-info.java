/**
 * Ranks that are processes: how they find each other, know that they belong together, and notice that one is gone.
 *
 * <p>{@link org.phantom4j.comm.world.World} reads who a process is from its environment. In
 * {@link org.phantom4j.comm.world.Job#join} the ranks meet at rank 0's coordinator over TCP, prove that they know the
 * job's secret, and stay connected as long as the job runs: a connection that ends without a farewell is a rank that
 * died. {@link org.phantom4j.comm.world.RankProcesses} starts the ranks of one machine. Nothing here is on the path of a
 * collective.
 */
package org.phantom4j.comm.world;

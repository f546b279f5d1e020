/**
 * Groups of ranks and the collectives between them.
 *
 * <p>A {@link org.phantom4j.comm.Communicator} is one rank's end of a group. {@link org.phantom4j.comm.LocalRanks} runs
 * the ranks of a group as threads of this JVM; other back ends connect processes and hosts. A rank finds its group
 * through {@link org.phantom4j.comm.RankContext}, so that code which computes knows nothing of how ranks were started.
 */
package org.phantom4j.comm;

/**
 * Collectives between processes and hosts, over Aeron.
 *
 * <p>Every pair of ranks of a group is joined by one Aeron stream each way ({@code Link}): {@code aeron:ipc} on one
 * host, {@code aeron:udp} between hosts. A collective ({@code Exchange}) is a plan of at most two stages: blocks go to
 * their owners, who add them in pairs, and finished blocks go to everyone; or, if so told, of steps in which ranks pass on
 * what came from others. Data is copied from the caller's memory
 * into Aeron's log, and from there straight into, or onto, the receiver's memory. No thread works in the background
 * except Aeron's own, which a waiting rank may do the work of: a collective moves on while its rank starts or awaits one, and what fits into the log's window
 * travels meanwhile.
 */
package org.phantom4j.comm.aeron;

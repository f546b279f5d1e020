/**
 * Collectives between GPUs over NVIDIA's NCCL, the machine's own, called through JNA: one device a rank, ranks as threads of
 * one process or as processes; always the latter where ND4J's arrays are on GPUs.
 * {@link org.phantom4j.comm.nccl.NcclGroup} takes device pointers and streams,
 * {@link org.phantom4j.comm.nccl.NcclCommunicator} arrays.
 *
 * <p>Nothing here waits for ever: a thread of each rank watches NCCL's errors, the other ranks and the deadlines, and aborts
 * NCCL's work when one of them calls for it.
 */
package org.phantom4j.comm.nccl;

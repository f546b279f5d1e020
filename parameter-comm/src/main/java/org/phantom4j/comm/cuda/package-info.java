/**
 * The machine's CUDA driver, called through JNA: devices, streams, events, memory, modules and graphs. Nothing here is
 * loaded on a machine without a GPU until somebody asks for a device.
 *
 * <p>Whatever version of the driver and of NVIDIA's libraries the machine has is used: only their C interfaces matter.
 */
package org.phantom4j.comm.cuda;

/**
 * Energy that a computation takes: NVML's counters for GPUs, RAPL's for CPU packages, read before and after. What nothing
 * can measure is reported as not measured, never as a number.
 */
package org.phantom4j.layers.energy;

/** GPUs: what there is, what a rank computes on, ND4J's library translated: {@code doctor}, {@code retarget}. */
package org.phantom4j.cli.gpus;

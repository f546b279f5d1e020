/**
 * What makes the networks of a group of ranks one network: each belongs to its rank, what the ranks must have in common is
 * compared, and their shares become whole networks and come from them.
 */
package org.phantom4j.layers.ranks;

/**
 * What is worth keeping from one run to the next, in one folder of the user's: checked when it is read, so that a truncated or
 * damaged file is made anew, and bounded in size.
 */
package org.phantom4j.ops.cache;

/** Files that appear whole or not at all. */
package org.phantom4j.ops.files;

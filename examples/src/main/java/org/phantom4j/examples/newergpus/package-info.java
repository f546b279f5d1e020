/** Programs that show ND4J and Deeplearning4j at work on a GPU that is newer than they are. */
package org.phantom4j.examples.newergpus;

/** Golden values: cases computed elsewhere, in double precision, that every rank count and back end must reproduce. */
package org.phantom4j.ops.golden;

/**
 * Data to train and predict with: tables ({@link org.phantom4j.data.TableData}), images
 * ({@link org.phantom4j.data.IdxData}) and synthetic data. What data looks like to a model is a
 * {@link org.phantom4j.data.Layout}, found out in one place and saved with the model. For the command line and for programs.
 */
package org.phantom4j.data;

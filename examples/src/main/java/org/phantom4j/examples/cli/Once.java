package org.phantom4j.examples.cli;

import java.util.function.Supplier;

/** A value that the first rank of this process to ask for it makes, and all its ranks share. */
final class Once<T> {

    private final Supplier<T> make;
    private T value;

    Once(Supplier<T> make) {
        this.make = make;
    }

    synchronized T get() {
        if (value == null) {
            value = make.get();
        }
        return value;
    }
}

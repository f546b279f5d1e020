package org.phantom4j.cli.frame;

import java.util.function.Supplier;

/** A value that the first rank of this process to ask for it makes, and all its ranks share. */
public final class Once<T> {

    private final Supplier<T> make;
    private T value;

    public Once(Supplier<T> make) {
        this.make = make;
    }

    public synchronized T get() {
        if (value == null) {
            value = make.get();
        }
        return value;
    }
}

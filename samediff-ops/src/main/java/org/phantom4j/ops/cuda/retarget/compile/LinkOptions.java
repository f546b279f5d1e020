package org.phantom4j.ops.cuda.retarget.compile;

import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/**
 * Options of the driver's linker, as cuLinkCreate takes them: names, and as many values of the size of a pointer. A
 * number is such a value itself, in its lowest bytes; no value points to a number. The linker writes the length of its
 * log over the log's size, and may do so until it is destroyed: the options must live as long.
 *
 * <p>Not for use by several threads at once.
 */
final class LinkOptions implements AutoCloseable {
    private static final int MOST = 8;

    private final IntPointer names = new IntPointer(MOST);
    private final LongPointer values = new LongPointer(MOST);
    private int count;

    /** Adds an option: a number, or an address. */
    void put(int name, long value) {
        if (count == MOST) {
            throw new IllegalStateException("more than " + MOST + " options");
        }
        names.put(count, name);
        values.put(count, value);
        count++;
    }

    int count() {
        return count;
    }

    IntPointer names() {
        return names;
    }

    /**
     * {@return the values as the parameter {@code void** optionValues} expects them} The type matters: handed a plain
     * Pointer, JavaCPP passes on the address of a pointer to the array instead of the array's.
     */
    PointerPointer<Pointer> values() {
        return new PointerPointer<>(values);
    }

    @Override
    public void close() {
        names.close();
        values.close();
    }
}

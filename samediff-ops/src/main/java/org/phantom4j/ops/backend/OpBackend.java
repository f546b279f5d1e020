package org.phantom4j.ops.backend;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;
import org.nd4j.common.io.AbstractResource;
import org.nd4j.common.io.Resource;
import org.nd4j.linalg.factory.Environment;
import org.nd4j.linalg.factory.Nd4jBackend;

/**
 * Stands before one of ND4J's backends. Found by {@link java.util.ServiceLoader}; available where the backend behind it
 * is. No class of that backend is loaded where it is missing.
 */
public abstract class OpBackend extends Nd4jBackend {

    /** Less than any in use, and small enough for ND4J to subtract. */
    private static final int LAST = -1_000_000;

    private final String backendClass;
    private final int backendPriority;
    private final String executionerClass;
    private Nd4jBackend backend;

    /**
     * Stands before a backend.
     *
     * @param backendClass name of ND4J's own backend
     * @param backendPriority what ND4J's own backend has
     * @param executionerClass name of the executioner to use with it, a subclass of its own
     */
    protected OpBackend(String backendClass, int backendPriority, String executionerClass) {
        this.backendClass = backendClass;
        this.backendPriority = backendPriority;
        this.executionerClass = executionerClass;
    }

    /** ND4J's own backend; null where it is not on the class path. */
    protected final synchronized Nd4jBackend backend() {
        if (backend == null) {
            try {
                backend = Class.forName(backendClass, true, OpBackend.class.getClassLoader())
                        .asSubclass(Nd4jBackend.class)
                        .getDeclaredConstructor()
                        .newInstance();
            } catch (ReflectiveOperationException | LinkageError e) {
                return null;
            }
        }
        return backend;
    }

    /** {@inheritDoc} ND4J warns of every backend that it asks in vain: where the other is missing, this one comes last. */
    @Override
    public final int getPriority() {
        String file = backendClass.replace('.', '/') + ".class";
        return OpBackend.class.getClassLoader().getResource(file) == null ? LAST : backendPriority + 1;
    }

    @Override
    public boolean isAvailable() {
        return backend() != null && backend().isAvailable();
    }

    @Override
    public boolean canRun() {
        return backend() != null && backend().canRun();
    }

    @Override
    public boolean allowsOrder() {
        return backend().allowsOrder();
    }

    @Override
    public Resource getConfigurationResource() {
        try (InputStream own = backend().getConfigurationResource().getInputStream()) {
            Properties properties = new Properties();
            properties.load(own);
            properties.setProperty("opexec", executionerClass);
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            properties.store(bytes, null);
            return new Configuration(backendClass, bytes.toByteArray());
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the configuration of " + backendClass, e);
        }
    }

    @Override
    @SuppressWarnings("rawtypes")
    public Class getNDArrayClass() {
        return backend().getNDArrayClass();
    }

    @Override
    public Environment getEnvironment() {
        return backend().getEnvironment();
    }

    @Override
    public String buildInfo() {
        return backend().buildInfo();
    }

    @Override
    public void logBackendInit() {
        backend().logBackendInit();
    }

    /** The other backend's configuration, changed. */
    private static final class Configuration extends AbstractResource {
        private final String name;
        private final byte[] content;

        Configuration(String name, byte[] content) {
            this.name = name;
            this.content = content;
        }

        @Override
        public String getDescription() {
            return "configuration of " + name;
        }

        @Override
        public InputStream getInputStream() {
            return new ByteArrayInputStream(content);
        }
    }
}

package org.phantom4j.comm.world;

/** Threads that do not keep the process alive. */
final class DaemonThread {

    private DaemonThread() {}

    static Thread start(String name, Runnable body) {
        Thread thread = new Thread(body, name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }
}

package org.phantom4j.comm.cuda;

import com.sun.jna.Pointer;

/** Work that was recorded once and is started with one call, as often as one likes. */
public final class CudaGraph implements AutoCloseable {

    private final long executable;
    private final long nodes;

    private CudaGraph(long executable, long nodes) {
        this.executable = executable;
        this.nodes = nodes;
    }

    static CudaGraph instantiate(long graph) {
        try {
            long[] count = new long[1];
            CudaDriver.check("cuGraphGetNodes", CudaDriver.cuGraphGetNodes(graph, Pointer.NULL, count));
            long[] executable = new long[1];
            CudaDriver.check("cuGraphInstantiate", CudaDriver.cuGraphInstantiateWithFlags(executable, graph, 0));
            return new CudaGraph(executable[0], count[0]);
        } finally {
            CudaDriver.cuGraphDestroy(graph);
        }
    }

    /** How many kernels, copies and the like it has. */
    public long nodes() {
        return nodes;
    }

    /** Starts it, in the stream's order. */
    public void launch(CudaStream stream) {
        CudaDriver.check("cuGraphLaunch", CudaDriver.cuGraphLaunch(executable, stream.handle()));
    }

    @Override
    public void close() {
        CudaDriver.cuGraphExecDestroy(executable);
    }
}

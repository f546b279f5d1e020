package org.phantom4j.ops.cuda.fatbin;

/** What an entry holds. */
public enum ImageKind {
    /** Assembly text for a virtual architecture, which a compiler makes kernels of for any later GPU. */
    PTX(1),
    /** Kernels for one architecture (and, from 3.0 on, later ones of the same major version). */
    CUBIN(2),
    /** Anything else a toolkit puts there, such as intermediate code for link-time optimisation. */
    OTHER(-1);

    final int code;

    ImageKind(int code) {
        this.code = code;
    }

    static ImageKind ofCode(int code) {
        return code == PTX.code ? PTX : code == CUBIN.code ? CUBIN : OTHER;
    }
}

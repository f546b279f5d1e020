package org.phantom4j.ops.cuda.retarget.library;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import org.phantom4j.ops.cuda.fatbin.BinaryFormatException;
import org.phantom4j.ops.cuda.fatbin.ByteSource;
import org.phantom4j.ops.cuda.fatbin.ElfSection;
import org.phantom4j.ops.cuda.fatbin.FatBinary;
import org.phantom4j.ops.cuda.fatbin.FatBinaryEntry;
import org.phantom4j.ops.cuda.fatbin.GpuArchitecture;
import org.phantom4j.ops.cuda.fatbin.ImageKind;

/** Which architectures a library has kernels for, and which PTX. */
public final class KernelSummary {
    private final LibraryId id;
    private final SortedSet<GpuArchitecture> cubins = new TreeSet<>();
    private final SortedSet<GpuArchitecture> ptx = new TreeSet<>();

    private KernelSummary(LibraryId id) {
        this.id = id;
    }

    /**
     * Reads the headers of a library's fat binaries.
     *
     * @param source the library, or a jar of ND4J's that holds it
     */
    public static KernelSummary of(Path source) throws IOException {
        Path scratch = Files.createTempDirectory("phantom4j");
        try (LibraryInput input = LibraryInput.open(source, scratch);
                ByteSource bytes = ByteSource.open(input.file())) {
            KernelSummary summary = new KernelSummary(input.id());
            for (ElfSection section : FatBinary.sections(bytes)) {
                for (FatBinary container : FatBinary.read(bytes, section)) {
                    container.entries().forEach(summary::add);
                }
            }
            return summary;
        } catch (BinaryFormatException e) {
            throw e.in(source);
        } finally {
            Files.deleteIfExists(scratch);
        }
    }

    private void add(FatBinaryEntry entry) {
        if (entry.kind() == ImageKind.CUBIN) {
            cubins.add(entry.architecture());
        } else if (entry.kind() == ImageKind.PTX) {
            ptx.add(entry.architecture());
        }
    }

    /** {@return whether the GPU runs some of the kernels} */
    public boolean runsOn(GpuArchitecture gpu) {
        return cubins.stream().anyMatch(gpu::runs);
    }

    /** {@return whether there is PTX that kernels for the GPU can be made of} */
    public boolean hasPtxFor(GpuArchitecture gpu) {
        return ptx.stream().anyMatch(architecture -> architecture.compareTo(gpu) <= 0);
    }

    /** {@return whether a library was translated from this one} */
    public boolean isOriginalOf(RetargetedLibrary translated) {
        return translated.original().equals(id);
    }

    /** {@return such as "for 3.5, 8.0, 8.6; PTX for 8.6 and later"} */
    @Override
    public String toString() {
        String kernels = cubins.isEmpty() ? "none" : "for " + capabilities(cubins);
        return ptx.isEmpty() ? kernels + "; no PTX" : kernels + "; PTX for " + capabilities(ptx) + " and later";
    }

    private static String capabilities(SortedSet<GpuArchitecture> architectures) {
        List<String> names =
                architectures.stream().map(GpuArchitecture::capability).toList();
        return String.join(", ", names);
    }
}

/**
 * CUDA fat binaries inside shared libraries: found, read, and written again in place.
 *
 * <p>A CUDA library keeps its kernels in an ELF section, {@code .nv_fatbin}, as a row of containers, one a
 * translation unit. All numbers are little-endian; every size counts bytes.
 *
 * <pre>
 * container:  0 u32 magic 0xBA55ED50   4 u16 version 1   6 u16 header size 16   8 u64 size of all entries
 * entry:      0 u16 kind (1 PTX, 2 cubin)   2 u16 version 0x0101   4 u32 header size   8 u64 payload size, padded
 *            16 u32 payload size, compressed   24 u16 minor, 26 u16 major version of the code
 *            28 u32 architecture (86 is sm_86)   40 u64 flags   56 u64 payload size, uncompressed
 * </pre>
 *
 * <p>A payload is plain, one LZ4 block, or one Zstandard frame. Nothing read from a file is trusted: every
 * offset and size is checked before it is used, and what does not hold is a {@link
 * org.phantom4j.ops.cuda.fatbin.BinaryFormatException} that names its offset.
 */
package org.phantom4j.ops.cuda.fatbin;

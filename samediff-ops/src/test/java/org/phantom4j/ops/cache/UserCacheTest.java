package org.phantom4j.ops.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UserCacheTest {

    @TempDir
    Path root;

    @BeforeEach
    void choose() {
        System.setProperty(UserCache.PROPERTY, root.toString());
    }

    @AfterEach
    void forget() {
        System.clearProperty(UserCache.PROPERTY);
        System.clearProperty(UserCache.RENEW);
    }

    private static byte[] content(Random random, int bytes) {
        byte[] content = new byte[bytes];
        random.nextBytes(content);
        return content;
    }

    private static void assertKept(byte[] expected, UserCache cache, String name) {
        assertArrayEquals(expected, cache.read(name).orElseThrow());
    }

    @Test
    void whatIsWrittenIsRead() {
        UserCache cache = UserCache.of("things");
        assertTrue(cache.read("absent").isEmpty());
        Random random = new Random(1);
        for (int bytes : new int[] {0, 1, 64, 100_000}) {
            byte[] content = content(random, bytes);
            cache.write("a", content);
            assertKept(content, UserCache.of("things"), "a");
            assertTrue(UserCache.of("other things").read("a").isEmpty());
        }
        assertTrue(Files.isRegularFile(root.resolve("things").resolve("a")));
    }

    /** The sizes are those of an answer, an algorithm and kernels. */
    @Test
    void whateverHappensToAFileItIsMadeAnew() throws IOException {
        Random random = new Random(2);
        UserCache cache = UserCache.of("things");
        for (int bytes : new int[] {1, 64, 50_000}) {
            byte[] content = content(random, bytes);
            cache.write("a", content);
            Path file = root.resolve("things").resolve("a");
            byte[] whole = Files.readAllBytes(file);
            for (int i = 0; i < 100; i++) {
                Files.write(file, Damage.of(whole, random));
                assertTrue(cache.read("a").isEmpty(), "damage " + i + " of " + bytes + " bytes");
            }
            for (int length = 0; length < Math.min(whole.length, 80); length++) {
                Files.write(file, Arrays.copyOf(whole, length));
                assertTrue(cache.read("a").isEmpty(), "cut to " + length);
            }
            cache.write("a", content);
            assertKept(content, cache, "a");
        }
    }

    @Test
    void filesOfOtherNamesAndFormatsAreNotTaken() throws IOException {
        UserCache cache = UserCache.of("things");
        cache.write("a", new byte[64]);
        Path folder = root.resolve("things");
        Files.copy(folder.resolve("a"), folder.resolve("b"));
        assertTrue(cache.read("b").isEmpty(), "another's content under this name");
        Files.write(folder.resolve("a"), new byte[64]);
        assertTrue(cache.read("a").isEmpty(), "a file without a header");
        Files.createDirectory(folder.resolve("c"));
        assertTrue(cache.read("c").isEmpty());
    }

    @Test
    void renewingTakesNothingButWhatThisProcessMade() throws IOException {
        UserCache cache = UserCache.of("things");
        cache.write("a", new byte[] {1});
        Files.copy(root.resolve("things"), root.resolve("older"));
        // as if another process had made it: a copy that this one has not written
        Files.copy(root.resolve("things/a"), root.resolve("older/a"), StandardCopyOption.REPLACE_EXISTING);
        UserCache older = UserCache.of("older");
        assertKept(new byte[] {1}, older, "a");
        System.setProperty(UserCache.RENEW, "true");
        assertTrue(older.read("a").isEmpty());
        older.write("a", new byte[] {2});
        assertKept(new byte[] {2}, UserCache.of("older"), "a");
        System.clearProperty(UserCache.RENEW);
        assertKept(new byte[] {2}, older, "a");
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private void makeOlder(String name, int hours) throws IOException {
        Files.setLastModifiedTime(
                root.resolve("things").resolve(name),
                FileTime.from(Instant.now().minus(Duration.ofHours(hours))));
    }

    @Test
    void whatWasUsedLongestAgoGoes() throws IOException {
        UserCache cache = UserCache.of("things", new UserCache.Limit(8, 1 << 20));
        for (int i = 0; i < 8; i++) {
            cache.write("f" + i, new byte[10]);
            makeOlder("f" + i, 100 - i);
        }
        assertEquals(8, names(root.resolve("things")).size(), "as many as there may be");
        assertTrue(cache.read("f0").isPresent(), "which makes it the newest");
        cache.write("g", new byte[10]);
        assertEquals(List.of("f0", "f3", "f4", "f5", "f6", "f7", "g"), names(root.resolve("things")));
    }

    @Test
    void bytesAreBoundedToo() throws IOException {
        UserCache cache = UserCache.of("things", new UserCache.Limit(1000, 100_000));
        for (int i = 0; i < 50; i++) {
            cache.write("f" + i, new byte[9_000]);
            makeOlder("f" + i, 100 - i);
            long bytes = 0;
            for (String name : names(root.resolve("things"))) {
                bytes += Files.size(root.resolve("things").resolve(name));
            }
            assertTrue(bytes <= 100_000, bytes + " bytes after " + i + " files");
            assertTrue(cache.read("f" + i).isPresent());
        }
    }

    @Test
    void whatAProcessThatWasEndedLeftIsRemoved() throws IOException {
        Path folder = Files.createDirectories(root.resolve("things"));
        Files.write(folder.resolve(".a1.partial"), new byte[10]);
        Files.write(folder.resolve(".a2.partial"), new byte[10]);
        makeOlder(".a1.partial", 2);
        UserCache.of("things").write("a", new byte[10]);
        assertEquals(List.of(".a2.partial", "a"), names(folder));
    }

    @Test
    void aCacheThatCannotBeWrittenIsDoneWithout() throws IOException {
        Files.write(root.resolve("things"), new byte[10]);
        UserCache cache = UserCache.of("things");
        cache.write("a", new byte[10]);
        assertTrue(cache.read("a").isEmpty());
    }

    /** Some write, some read, and the oldest are removed meanwhile: what is read is whole. */
    @Test
    void manyMayUseItAtOnce() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            List<Callable<Boolean>> work = IntStream.range(0, 4)
                    .mapToObj(thread -> (Callable<Boolean>) () -> {
                        Random random = new Random(thread);
                        UserCache cache = UserCache.of("things", new UserCache.Limit(8, 1 << 20));
                        boolean found = false;
                        for (int i = 0; i < 200; i++) {
                            int value = random.nextInt(16);
                            byte[] content = new byte[1000 + value];
                            if (random.nextBoolean()) {
                                cache.write("f" + value, content);
                            } else if (cache.read("f" + value).isPresent()) {
                                found = true;
                                assertKeptOrGone(content, cache, "f" + value);
                            }
                        }
                        return found;
                    })
                    .toList();
            for (Future<Boolean> one : threads.invokeAll(work)) {
                assertTrue(one.get(), "something was there to be read");
            }
        } finally {
            threads.shutdownNow();
        }
        assertFalse(
                names(root.resolve("things")).size() > 8 + 4,
                names(root.resolve("things")).toString());
    }

    private static void assertKeptOrGone(byte[] expected, UserCache cache, String name) {
        cache.read(name).ifPresent(content -> assertArrayEquals(expected, content));
    }

    @Test
    void keysDependOnEachTextAndWhereItEnds() {
        assertEquals(UserCache.key("a", "bc"), UserCache.key("a", "bc"));
        assertFalse(UserCache.key("a", "bc").equals(UserCache.key("ab", "c")));
        assertEquals(32, UserCache.key("a").length());
    }
}

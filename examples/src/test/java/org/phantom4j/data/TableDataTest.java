package org.phantom4j.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.phantom4j.data.TableOptions.Categorical;
import org.phantom4j.data.TableOptions.Missing;
import org.phantom4j.data.TableOptions.Task;

/** Tables as people have them: what is understood, and what is refused and how. */
class TableDataTest {

    /** Ten rows of two features and a class; no header. */
    private static final String PLAIN = IntStream.range(0, 10)
            .mapToObj(i -> i * 1.5 + "," + (7 - i) + "," + i % 2 + "\n")
            .collect(Collectors.joining());

    @TempDir
    private Path folder;

    private Path file(String text) throws IOException {
        return Files.writeString(folder.resolve("table.csv"), text);
    }

    private Corpus train(String text) throws IOException {
        return train(text, TableOptions.INFERRED);
    }

    private Corpus train(String text, TableOptions options) throws IOException {
        return TableData.read(file(text), options, DataType.FLOAT, 1);
    }

    private static long size(Corpus corpus) {
        return corpus.train().size() + corpus.test().size();
    }

    private static TableLayout layout(Corpus corpus) {
        return (TableLayout) corpus.layout();
    }

    private void refused(String text, TableOptions options, String... expected) throws IOException {
        String message =
                assertThrows(DataException.class, () -> train(text, options)).getMessage();
        for (String each : expected) {
            assertTrue(message.contains(each), message + " should say: " + each);
        }
    }

    private static byte[] gzip(byte[]... parts) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            try (OutputStream out = new GZIPOutputStream(bytes)) {
                out.write(part);
            }
        }
        return bytes.toByteArray();
    }

    @Test
    void aPlainTableIsReadAsItIs() throws IOException {
        Corpus corpus = train(PLAIN);
        assertEquals(8, corpus.train().size());
        assertEquals(2, corpus.test().size());
        assertEquals(List.of("0", "1"), corpus.layout().classes());
        assertFalse(layout(corpus).named());
        assertTrue(corpus.notes().get(0).contains("no header"), corpus.notes().toString());
        double mean = corpus.train().features().getColumn(0).meanNumber().doubleValue();
        assertEquals(0, mean, 1e-6, "features are standardised by the training samples");
    }

    @ParameterizedTest
    @ValueSource(strings = {"UTF-8", "UTF-16LE", "UTF-16BE"})
    void aByteOrderMarkCostsNoSample(String charset) throws IOException {
        Path file = folder.resolve("table.csv");
        Files.write(file, ("\uFEFF" + PLAIN).getBytes(Charset.forName(charset)));
        Corpus corpus = TableData.read(file, TableOptions.INFERRED, DataType.FLOAT, 1);
        assertEquals(10, size(corpus));
        assertFalse(layout(corpus).named());
        Files.write(file, ("\uFEFF\"a\",b,c\n" + PLAIN).getBytes(Charset.forName(charset)));
        Corpus named = TableData.read(file, TableOptions.INFERRED, DataType.FLOAT, 1);
        assertEquals(List.of("a", "b"), layout(named).names());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "?", "NA", "NaN", "null", " "})
    void aMissingCellInTheFirstRowDoesNotMakeAHeader(String missing) throws IOException {
        String text = "1," + missing + ",0\n" + PLAIN;
        refused(text, TableOptions.INFERRED, "record 1, column 2", "no value", "--missing");
        assertEquals(11, size(train(text, TableOptions.INFERRED.withMissing(Missing.MEAN))));
        Corpus dropped = train(text, TableOptions.INFERRED.withMissing(Missing.DROP));
        assertEquals(10, size(dropped));
        assertTrue(
                dropped.notes().toString().contains("1 rows without a value"),
                dropped.notes().toString());
    }

    @Test
    void aMissingCellBecomesTheMeanOfTheTrainingSamples() throws IOException {
        String squares = IntStream.range(0, 10)
                .mapToObj(i -> i + "," + i * i + "," + i % 2 + "\n")
                .collect(Collectors.joining());
        Corpus corpus = train("1,?,0\n" + squares, TableOptions.INFERRED.withMissing(Missing.MEAN));
        long zeros = 0;
        for (Samples samples : List.of(corpus.train(), corpus.test())) {
            for (double value : samples.features().getColumn(1).toDoubleVector()) {
                zeros += value == 0 ? 1 : 0;
            }
        }
        assertEquals(1, zeros, "the mean is 0 after standardising");
    }

    @ParameterizedTest
    @ValueSource(strings = {"\n", "\r\n", "\r"})
    void lineEndsAndBlankLinesDoNotMatter(String end) throws IOException {
        String text = (PLAIN.replace("4.5,4", "\n4.5,4") + "\n \n,,\n\n").replace("\n", end);
        assertEquals(10, size(train(text)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"0,1,2,3,4\n", ",0,1,2,3\n"})
    void aHeaderOfNumbersIsAHeader(String header) throws IOException {
        String rows = IntStream.range(0, 10)
                .mapToObj(i -> i + ",7,3." + i + ",5," + i % 2 + "\n")
                .collect(Collectors.joining());
        Corpus corpus = train(header + rows);
        assertEquals(10, size(corpus));
        assertEquals(List.of("0", "1"), corpus.layout().classes());
    }

    @Test
    void pandasHeadersOfManyNumbers() throws IOException {
        String header = IntStream.range(0, 30).mapToObj(String::valueOf).collect(Collectors.joining(","));
        String row = IntStream.range(0, 29).mapToObj(i -> "9").collect(Collectors.joining(","));
        String rows =
                IntStream.range(0, 6).mapToObj(i -> row + "," + i % 2 + "\n").collect(Collectors.joining());
        assertEquals(2, train(header + "\n" + rows).layout().outputs());
        String first =
                IntStream.range(0, 6).mapToObj(i -> i % 2 + "," + row + "\n").collect(Collectors.joining());
        String names = header.substring(0, header.lastIndexOf(','));
        assertEquals(2, train("label," + names + "\n" + first).layout().outputs(), "a named label beside");
        String texts = first.replaceAll("(?m)^0", "cat").replaceAll("(?m)^1", "dog");
        Corpus named = train("animal," + names + "\n" + texts, TableOptions.INFERRED.withLabel("animal"));
        assertEquals(List.of("cat", "dog"), named.layout().classes());
    }

    @Test
    void aColumnThatCountsTheRowsIsNoFeature() throws IOException {
        String rows = IntStream.range(0, 10)
                .mapToObj(i -> i + ",3." + i + "," + i % 2 + "\n")
                .collect(Collectors.joining());
        Corpus corpus = train(",x,label\n" + rows);
        assertEquals(1, corpus.inputs());
        assertTrue(
                corpus.notes().toString().contains("counts the rows"),
                corpus.notes().toString());
    }

    @Test
    void classesNamedByTextsInTheFirstColumn() throws IOException {
        String text = "\"lettr\",\"x\",\"y\"\n\"T\",1,2\n\"A\",2,3\n\"B\",3,3\n\"T\",4,1\n\"A\",4,2\n\"B\",1,9\n";
        refused(text, TableOptions.INFERRED, "record 2, column 1 ('lettr')", "'T' is no number", "--label", "one_hot");
        for (String label : List.of("lettr", "LETTR", "1", "-3")) {
            Corpus corpus = train(text, TableOptions.INFERRED.withLabel(label));
            assertEquals(List.of("A", "B", "T"), corpus.layout().classes());
            assertEquals(
                    "3 classes in column lettr (A, B, T), 2 features",
                    corpus.layout().describe());
            assertEquals(
                    List.of("output_A", "output_B", "output_T"), corpus.layout().outputNames());
        }
        refused(text, TableOptions.INFERRED.withLabel("letr"), "no such column; did you mean 'lettr'?");
        refused(text, TableOptions.INFERRED.withLabel("4"), "has 3 columns, numbered from 1");
        refused(text, TableOptions.INFERRED.withLabel("0"), "numbered from 1");
        refused(PLAIN, TableOptions.INFERRED.withLabel("x"), "has no header that names columns");
    }

    @Test
    void aColumnNamedLabelIsTheLabelWhereverItIs() throws IOException {
        String rows = PLAIN.lines()
                .map(row -> row.charAt(row.length() - 1) + "," + row)
                .collect(Collectors.joining("\n"));
        Corpus corpus = train("Class,a,b,c\n" + rows);
        assertEquals("Class", layout(corpus).target().name());
    }

    @ParameterizedTest
    @CsvSource({
        "-1;1, 2, -1",
        "1;2;3, 3, 1",
        "3.0;4.0, 2, 3",
        "true;false, 2, false",
        "yes;no, 2, no",
        "0.5;1.5;2.5, 0, ''",
        "7;3, 2, 3",
    })
    void labelsAsTheyAre(String labels, int classes, String first) throws IOException {
        String[] each = labels.split(";", -1);
        String text = IntStream.range(0, 30)
                .mapToObj(i -> i + "." + i % 7 + "," + each[i % each.length] + "\n")
                .collect(Collectors.joining());
        Layout layout = train(text).layout();
        assertEquals(classes, layout.classes().size());
        if (classes > 0) {
            assertEquals(first, layout.classes().get(0));
        }
    }

    @Test
    void manyWholeNumbersAreTargetsUnlessTheTaskIsSaid() throws IOException {
        String text = IntStream.range(0, 1956)
                .mapToObj(i -> i % 5 + "," + i % 978 + "\n")
                .collect(Collectors.joining());
        Corpus regression = train(text);
        assertFalse(regression.classes());
        assertEquals("a regression of column 2, 1 feature", regression.layout().describe());
        Corpus classes = train(text, TableOptions.INFERRED.withTask(Task.CLASSIFICATION));
        assertEquals(978, classes.outputs());
        Corpus two = train(PLAIN, TableOptions.INFERRED.withTask(Task.REGRESSION));
        assertEquals(1, two.outputs());
        assertFalse(two.classes());
    }

    @Test
    void labelsThatCannotBeLearnt() throws IOException {
        String constant = PLAIN.replaceAll(",\\d\n", ",4\n");
        refused(constant, TableOptions.INFERRED, "the label, column 3, is 4 in every row", "--label");
        refused(
                PLAIN.replaceAll("0\n", "red\n"),
                TableOptions.INFERRED.withTask(Task.REGRESSION),
                "record 1, column 3",
                "'red' is no number",
                "--task regression");
        String ids = IntStream.range(0, 10).mapToObj(i -> i + ",id" + i + "\n").collect(Collectors.joining());
        refused(ids, TableOptions.INFERRED, "has 10 classes in 10 rows");
        refused(
                PLAIN.replace("1.5,6,1", "1.5,6,"),
                TableOptions.INFERRED,
                "record 2, column 3",
                "the label is missing");
        refused(PLAIN.replace("1.5,6,1", "1.5,6,inf"), TableOptions.INFERRED, "record 2, column 3", "not finite");
    }

    @ParameterizedTest
    @ValueSource(strings = {"inf", "-Infinity", "1e999"})
    void cellsThatAreNotFiniteAreNamed(String cell) throws IOException {
        refused(
                "a,b,c\n" + PLAIN.replace("1.5,6", cell + ",6"),
                TableOptions.INFERRED,
                "record 3, column 1 ('a')",
                "not finite");
    }

    @Test
    void aTextAmongNumbersIsNamedWhereItIs() throws IOException {
        refused(PLAIN.replace("1.5,6", "x,6"), TableOptions.INFERRED, "record 2, column 1: 'x' is no number");
        // the only text of the first row is no header: that one is at fault
        refused(
                "x" + PLAIN,
                TableOptions.INFERRED.withHeader(false),
                "record 1, column 1: 'x0.0' is no number",
                "--header yes");
        refused("7,x,1\n" + PLAIN, TableOptions.INFERRED, "record 1, column 2: 'x' is no number");
        for (String word : List.of("1d", "2f", "0x10", "1_000", "12%")) {
            refused(PLAIN.replace("1.5,6", word + ",6"), TableOptions.INFERRED, "'" + word + "' is no number");
        }
    }

    @Test
    void textLabelsFromTheFirstRowOnAreNoHeader() throws IOException {
        Corpus corpus = train("1,2,a\n3,4,b\n1,3,a\n4,4,b\n5,4,b\n");
        assertEquals(5, size(corpus));
        assertEquals(List.of("a", "b"), corpus.layout().classes());
    }

    @ParameterizedTest
    @ValueSource(strings = {"1,5;2,5;0", "1.234,5;2,5;0"})
    void decimalCommasAreRefusedByName(String row) throws IOException {
        String text = (row + "\n" + row.replace("0", "1") + "\n").repeat(5);
        refused(text, TableOptions.INFERRED, "record 1, column 1", "decimal point");
        refused(
                "\"12,345\",1,0\n" + PLAIN,
                TableOptions.INFERRED,
                "record 1, column 1: '12,345'",
                "separators of thousands");
        refused("x;y;z\n" + text, TableOptions.INFERRED, "record 2, column 1 ('x')", "decimal point");
    }

    @ParameterizedTest
    @ValueSource(strings = {";", "\t", "|", ","})
    void delimitersAreFoundOut(String delimiter) throws IOException {
        assertEquals(2, train(PLAIN.replace(",", delimiter)).inputs());
        assertEquals(2, train(("a,b c,d\n" + PLAIN).replace(",", delimiter)).inputs());
        assertEquals(
                2,
                train("sep=" + delimiter + "\n" + PLAIN.replace(",", delimiter)).inputs());
    }

    @Test
    void otherDelimitersAreSaid() throws IOException {
        refused(PLAIN.replace(",", ":"), TableOptions.INFERRED, "--delimiter");
        assertEquals(
                2,
                train(PLAIN.replace(",", ":"), TableOptions.INFERRED.withDelimiter(':'))
                        .inputs());
        assertEquals(
                2,
                train(PLAIN.replace(",", " "), TableOptions.INFERRED.withDelimiter(' '))
                        .inputs());
    }

    @Test
    void quotedCellsHoldDelimitersAndLineEnds() throws IOException {
        String text = IntStream.range(0, 10)
                .mapToObj(i -> i + ",\"" + (i % 2 == 0 ? "red, \"\"dark\"\"\nor so" : "blue") + "\"\n")
                .collect(Collectors.joining());
        assertEquals(
                List.of("blue", "red, \"dark\"\nor so"), train(text).layout().classes());
        String unclosed = PLAIN.replace("4.5,4", "\"4.5,4");
        refused(unclosed, TableOptions.INFERRED, "record 4", "is a quote not closed?");
    }

    @Test
    void trailingDelimitersAreNoColumn() throws IOException {
        assertEquals(2, train(PLAIN.replace("\n", ",\n")).inputs(), "in every row");
        assertEquals(2, train("a,b,c\n" + PLAIN.replace("\n", ",\n")).inputs(), "in rows and not in the header");
        assertEquals(2, train("a,b,c,\n" + PLAIN).inputs(), "in the header and not in rows");
    }

    @Test
    void raggedRowsAreNamed() throws IOException {
        refused(
                PLAIN.replace("4.5,4", "\n4.5,4,9"),
                TableOptions.INFERRED,
                "record 4 (line 5): 4 columns, but 3 before");
        refused(PLAIN + "1,2\n", TableOptions.INFERRED, "record 11: 2 columns, but 3 before");
    }

    @Test
    void namesMustDiffer() throws IOException {
        refused("a,b,a\n" + PLAIN, TableOptions.INFERRED, "columns 1 and 3 are both named 'a'");
    }

    @Test
    void filesWithoutRows() throws IOException {
        refused("", TableOptions.INFERRED, "is empty");
        refused(" \n\n", TableOptions.INFERRED, "is empty");
        refused("a,b,c\n", TableOptions.INFERRED, "has a header and no rows");
        refused("1,2,3\n4,5,6\n", TableOptions.INFERRED, "has 2 rows: at least 5");
    }

    @Test
    void filesThatAreNoText() throws IOException {
        Path file = folder.resolve("table.csv");
        for (String[] each : new String[][] {
            {"504b0304", "Excel workbook"},
            {"50415231", "Parquet"},
            {"425a6839", "bzip2"},
            {"310000002c", "zero bytes"},
            {"e42c312c300a", "not in UTF-8"}
        }) {
            Files.write(
                    file, HexFormat.of().parseHex(each[0] + "00000000".repeat(each[1].equals("zero bytes") ? 1 : 0)));
            String message = assertThrows(
                            DataException.class, () -> TableData.read(file, TableOptions.INFERRED, DataType.FLOAT, 1))
                    .getMessage();
            assertTrue(message.contains(each[1]), message);
        }
        String message = assertThrows(
                        DataException.class, () -> TableData.read(folder, TableOptions.INFERRED, DataType.FLOAT, 1))
                .getMessage();
        assertTrue(message.contains("is a folder"), message);
    }

    @Test
    void gzippedWhateverTheName() throws IOException {
        byte[] plain = PLAIN.getBytes(StandardCharsets.UTF_8);
        Path wrongName = Files.write(folder.resolve("packed.csv"), gzip(plain));
        assertEquals(10, size(TableData.read(wrongName, TableOptions.INFERRED, DataType.FLOAT, 1)));
        Path notPacked = Files.write(folder.resolve("plain.csv.gz"), plain);
        assertEquals(10, size(TableData.read(notPacked, TableOptions.INFERRED, DataType.FLOAT, 1)));
        Path twice = Files.write(folder.resolve("twice.csv.gz"), gzip(plain, plain));
        assertEquals(20, size(TableData.read(twice, TableOptions.INFERRED, DataType.FLOAT, 1)), "concatenated");
        for (byte[] bytes : List.of(gzip(new byte[0]), new byte[0])) {
            Path empty = Files.write(folder.resolve("empty.csv.gz"), bytes);
            assertTrue(failure(empty).contains("is empty"), failure(empty));
        }
        byte[] packed = gzip(plain);
        Path cut = Files.write(folder.resolve("cut.csv.gz"), Arrays.copyOf(packed, packed.length / 2));
        assertTrue(failure(cut).contains("truncated or corrupt"), failure(cut));
    }

    private static String failure(Path file) {
        return assertThrows(DataException.class, () -> TableData.read(file, TableOptions.INFERRED, DataType.FLOAT, 1))
                .getMessage();
    }

    @Test
    void textsAsFeaturesBecomeInputsIfAsked() throws IOException {
        String text =
                """
                city,sunny,x,label
                Paris,yes,1,0
                Rome,no,2,1
                Oslo,yes,3,0
                Rome,yes,4,1
                Oslo,no,5,1
                Paris,no,7,0
                """;
        refused(text, TableOptions.INFERRED, "record 2, column 1 ('city'): 'Paris'", "3 texts", "--ignore city");
        Corpus corpus = train(text, TableOptions.INFERRED.withCategorical(Categorical.ONE_HOT));
        assertEquals(5, corpus.inputs(), "three cities, sunny and x");
        assertEquals(
                "2 classes in column label (0, 1), 3 features (5 inputs)",
                corpus.layout().describe());
        Corpus without = train(text, TableOptions.INFERRED.withIgnored(List.of("city")));
        assertEquals(2, without.inputs());
        refused(text, TableOptions.INFERRED.withIgnored(List.of("label")).withLabel("label"), "which is the label");
    }

    @Test
    void constantAndEmptyColumnsAreSaid() throws IOException {
        String text = PLAIN.lines().map(row -> "5,," + row + "\n").collect(Collectors.joining());
        Corpus corpus = train(text);
        assertEquals(3, corpus.inputs());
        assertEquals(0, corpus.train().features().getColumn(0).sumNumber().doubleValue());
        assertTrue(
                corpus.notes().contains("the same in every row, and so no help: column 1"),
                corpus.notes().toString());
        assertTrue(
                corpus.notes().contains("column 2 is empty and left out"),
                corpus.notes().toString());
    }

    @Test
    void aLargeOffsetCostsNoDigits() throws IOException {
        String text = IntStream.range(0, 100)
                .mapToObj(i -> (1_700_000_000L + i) + "," + i % 2 + "\n")
                .collect(Collectors.joining());
        double[] values = train(text).train().features().toDoubleVector();
        assertEquals(80, Arrays.stream(values).distinct().count());
    }

    @Test
    void valuesThatMeanMissingCanBeSaid() throws IOException {
        String text = PLAIN.replace("1.5,6", "-999.0,6");
        TableOptions options = TableOptions.INFERRED.withMissingValues(List.of("-999"));
        refused(text, options, "record 2, column 1", "no value");
        assertEquals(9, size(train(text, options.withMissing(Missing.DROP))));
    }

    @Test
    void predictionTakesColumnsByNameInAnyOrder() throws IOException {
        Corpus corpus = train("a,b,label\n" + PLAIN);
        TableLayout layout = layout(corpus);
        Questions straight = predict("a,b,label\n1.5,6,1\n3,5,0\n", layout);
        Questions turned = predict("label,extra,b,a\n1,x,6,1.5\n0,y,5,3\n", layout);
        assertEquals(straight.samples().features(), turned.samples().features());
        assertEquals(straight.samples().labels(), turned.samples().labels());
        Questions unlabelled = predict("b,a\n6,1.5\n5,3\n", layout);
        assertEquals(straight.samples().features(), unlabelled.samples().features());
        assertNull(unlabelled.samples().labels());
        predictRefused("a,bb,label\n1,2,0\n", layout, "has no column 'b'", "did you mean 'bb'?");
        predictRefused("a\n1\n", layout, "has no column 'b'");
    }

    private Questions predict(String text, TableLayout layout) throws IOException {
        return predict(text, layout, TableOptions.INFERRED);
    }

    private Questions predict(String text, TableLayout layout, TableOptions options) throws IOException {
        return TableData.read(file(text), layout, options, DataType.FLOAT);
    }

    private void predictRefused(String text, TableLayout layout, String... expected) throws IOException {
        String message =
                assertThrows(DataException.class, () -> predict(text, layout)).getMessage();
        for (String each : expected) {
            assertTrue(message.contains(each), message + " should say: " + each);
        }
    }

    @Test
    void predictionTakesColumnsByPlaceWithoutAHeader() throws IOException {
        Corpus corpus = train(
                PLAIN.lines()
                        .map(row -> row.charAt(row.length() - 1) + "," + row.substring(0, row.length() - 2) + "\n")
                        .collect(Collectors.joining()),
                TableOptions.INFERRED.withLabel("1"));
        TableLayout layout = layout(corpus);
        Questions labelled = predict("1,1.5,6\n", layout);
        assertEquals(
                labelled.samples().features(),
                predict("1.5,6\n", layout).samples().features());
        assertArrayEquals(new double[] {0, 1}, labelled.samples().labels().toDoubleVector());
        predictRefused("1,2,3,4\n", layout, "has 4 columns, but the model takes 2 features", "the label in column 1");
    }

    @Test
    void predictionTellsOfLabelsThatItDoesNotKnow() throws IOException {
        TableLayout layout = layout(train("a,b,label\n" + PLAIN));
        Questions placeholders = predict("a,b,label\n1,2,-1\n3,4,-1\n", layout);
        assertNull(placeholders.samples().labels());
        assertTrue(
                placeholders.notes().toString().contains("no accuracy"),
                placeholders.notes().toString());
        assertTrue(
                placeholders.notes().toString().contains("'-1' at"),
                placeholders.notes().toString());
        Questions some = predict("a,b,label\n1,2,1\n3,4,9\n5,6,\n", layout);
        assertArrayEquals(
                new double[] {0, 1, 0, 0, 0, 0}, some.samples().labels().ravel().toDoubleVector());
        assertTrue(
                some.notes().toString().contains("without 2 of 3"), some.notes().toString());
    }

    @Test
    void predictionRefusesCellsByName() throws IOException {
        String cities = "city,x,label\n" + "Rome,1,0\nOslo,2,1\n".repeat(4);
        TableLayout layout = layout(train(cities, TableOptions.INFERRED.withCategorical(Categorical.ONE_HOT)));
        predictRefused("city,x\nBonn,3\n", layout, "record 2, column 1 ('city')", "'Bonn' did not occur", "Oslo, Rome");
        predictRefused("city,x\nRome,nan\n", layout, "record 2, column 2 ('x')", "no value");
        predictRefused("city,x\nRome,inf\n", layout, "record 2, column 2 ('x')", "not finite");
        predictRefused("city,x\nRome,y\n", layout, "record 2, column 2 ('x')", "'y' is no number");
        Questions filled = predict("city,x\nRome,?\n", layout, TableOptions.INFERRED.withMissing(Missing.MEAN));
        assertEquals(0, filled.samples().features().getDouble(0, 2));
        assertThrows(
                DataException.class,
                () -> predict("city,x\nRome,?\n", layout, TableOptions.INFERRED.withMissing(Missing.DROP)));
    }

    @Test
    void aFirstRowOfANewFileIsNotLost() throws IOException {
        TableLayout layout = layout(train("a,b,label\n" + PLAIN));
        assertEquals(
                3,
                predict("\uFEFF1,?,0\n1,2,0\n3,4,1\n\n", layout, TableOptions.INFERRED.withMissing(Missing.MEAN))
                        .samples()
                        .size());
        assertEquals(1, predict("1,2\n", layout).samples().size(), "one row");
    }

    @Test
    void readingTwiceGivesTheSame() throws IOException {
        Corpus once = train(PLAIN);
        Corpus again = train(PLAIN);
        assertEquals(once.layout(), again.layout());
        assertEquals(once.train().features(), again.train().features());
        assertEquals(once.checksum(), again.checksum());
        assertFalse(once.checksum() == train(PLAIN.replace("4.5", "4.25")).checksum());
    }
}

package org.phantom4j.cli.train;

import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.commons.cli.Options;
import org.phantom4j.cli.frame.Arguments;
import org.phantom4j.cli.frame.Once;
import org.phantom4j.cli.frame.UsageException;
import org.phantom4j.cli.gpus.DeviceOptions;
import org.phantom4j.cli.launch.CommOptions;
import org.phantom4j.cli.train.ModelOptions.Model;
import org.phantom4j.comm.Communicator;
import org.phantom4j.data.Corpus;

/** What all commands that train have in common: the ranks, the network and the data. Shared by the ranks of a process. */
final class TrainingOptions {

    final Arguments arguments;
    final CommOptions comm;
    final DeviceOptions device;
    final ModelOptions model;

    /** Replicas of the model. */
    final int replicas;

    private final DataOptions data;
    private final Once<Corpus> corpus;

    static void addTo(Options options) {
        ModelOptions.addTo(options);
        DeviceOptions.addTo(options);
        Arguments.option(options, "ranks", "R", "ranks to run on; must divide the shards (default 2)");
    }

    /** Checks what can be checked without reading data. */
    TrainingOptions(Arguments arguments, Model model) {
        this.arguments = arguments;
        this.device = DeviceOptions.parse(arguments);
        this.replicas = arguments.positive("data-parallel", 1);
        int usual = replicas
                * device.defaultRanks(ModelOptions.defaultRanks(arguments, model), ModelOptions.shards(arguments));
        this.comm = CommOptions.parse(
                arguments, device.defaultComm(arguments.positive("ranks", CommOptions.launched(usual))));
        int ranks = comm.ranks(arguments, usual);
        if (ranks % replicas != 0) {
            throw new UsageException("--data-parallel " + replicas + " does not divide --ranks " + ranks + ": use "
                    + IntStream.rangeClosed(1, ranks)
                            .filter(divisor -> ranks % divisor == 0)
                            .mapToObj(Integer::toString)
                            .collect(Collectors.joining(", ")));
        }
        this.model = ModelOptions.parse(arguments, model, ranks / replicas);
        if (this.model.batch() < replicas) {
            throw new UsageException("--batch " + this.model.batch() + " is less than --data-parallel " + replicas
                    + ": every replica needs a sample");
        }
        device.check(comm.name(), ranks, replicas, this.model.precision());
        this.data = DataOptions.parse(arguments, "synthetic");
        this.corpus = new Once<>(() -> data.source()
                .corpus(data.table(), this.model.width(), this.model.precision().type(), this.model.seed()));
    }

    /** All ranks of the job. */
    int ranks() {
        return replicas * model.ranks();
    }

    /** The options that all ranks must have in common. */
    String geometry(String command) {
        return command + " " + data.words(arguments) + " " + model.words() + " --data-parallel " + replicas;
    }

    /**
     * The data; read on the first call. A collective: all ranks call it.
     *
     * @throws UsageException on every rank if they have read different data
     */
    Corpus corpus(Communicator group) {
        Corpus read = corpus.get();
        data.requireSame(group, read.checksum());
        return read;
    }

    /** The data, after {@link #corpus(Communicator)}. */
    Corpus corpus() {
        return corpus.get();
    }
}

package org.phantom4j.layers.energy;

import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Measures the energy of a training run: joules a step, a sample and an epoch, logged and for programs to read.
 *
 * <pre>{@code
 * network.setListeners(new EnergyListener(meter, 100));
 * }</pre>
 *
 * <p>Counting starts with an epoch, where {@code fit} has epochs, else after the first step. Each reading waits for the
 * device to finish what was started. On several ranks of one machine give one rank a meter, or each a meter of its own
 * GPU. Not thread-safe: it belongs to the thread that trains. The meter stays the caller's.
 */
public final class EnergyListener extends BaseTrainingListener {

    private static final Logger LOG = LoggerFactory.getLogger(EnergyListener.class);

    /**
     * The energy of some steps.
     *
     * @param steps how many
     * @param samples how many samples they had in all
     * @param energy what they took
     */
    public record Report(long steps, long samples, Energy energy) {

        /** Joules a step of all sources together; empty if not measured. */
        public OptionalDouble joulesPerStep() {
            return per(steps);
        }

        /** Joules a sample of all sources together; empty if not measured. */
        public OptionalDouble joulesPerSample() {
            return per(samples);
        }

        private OptionalDouble per(long count) {
            OptionalDouble joules = energy.joules();
            return joules.isPresent() && count > 0
                    ? OptionalDouble.of(joules.getAsDouble() / count)
                    : OptionalDouble.empty();
        }

        @Override
        public String toString() {
            return String.format(
                    Locale.ROOT,
                    "%d steps, %d samples: %s; a step %s, a sample %s",
                    steps,
                    samples,
                    energy,
                    Energy.text(joulesPerStep()),
                    Energy.text(joulesPerSample()));
        }
    }

    /** Counts from a reading on. */
    private final class Span {
        private EnergyReading from;
        private long steps;
        private long samples;

        void start(EnergyReading reading) {
            from = reading;
            steps = 0;
            samples = 0;
        }

        void step(int batch) {
            steps++;
            samples += batch;
        }

        Report end(EnergyReading reading) {
            return new Report(steps, samples, meter.between(from, reading));
        }
    }

    private final EnergyMeter meter;
    private final int every;
    private final Span interval = new Span();
    private final Span epoch = new Span();
    private final Span run = new Span();
    private Report last;
    private Report lastEpoch;

    /**
     * Measures with a meter.
     *
     * @param every steps between two readings; each is logged
     */
    public EnergyListener(EnergyMeter meter, int every) {
        if (every < 1) {
            throw new IllegalArgumentException("steps between two readings must be at least 1, not " + every);
        }
        this.meter = meter;
        this.every = every;
    }

    private EnergyReading read() {
        Nd4j.getExecutioner().commit();
        return meter.read();
    }

    @Override
    public void onEpochStart(Model model) {
        EnergyReading now = read();
        if (run.from == null) {
            run.start(now);
        }
        interval.start(now);
        epoch.start(now);
    }

    @Override
    public void iterationDone(Model model, int iteration, int epochNumber) {
        if (run.from == null) {
            EnergyReading now = read();
            run.start(now);
            interval.start(now);
            epoch.start(now);
            return;
        }
        int batch = model.batchSize();
        run.step(batch);
        epoch.step(batch);
        interval.step(batch);
        if (interval.steps == every) {
            EnergyReading now = read();
            last = interval.end(now);
            interval.start(now);
            LOG.info("Energy to step {}: {}", iteration, last);
        }
    }

    @Override
    public void onEpochEnd(Model model) {
        if (epoch.from != null && epoch.steps > 0) {
            lastEpoch = epoch.end(read());
            LOG.info("Energy of the epoch: {}", lastEpoch);
        }
    }

    /** The last interval of the constructor's number of steps; empty before its end. */
    public Optional<Report> last() {
        return Optional.ofNullable(last);
    }

    /** The last epoch that has ended. */
    public Optional<Report> lastEpoch() {
        return Optional.ofNullable(lastEpoch);
    }

    /** Everything so far, from the first reading to now; empty before that. */
    public Optional<Report> total() {
        return run.from == null ? Optional.empty() : Optional.of(run.end(read()));
    }
}
